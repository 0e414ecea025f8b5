"""The loop: poll, deliver, mark done, commit late; and going back to the committed offsets after an outage.

It alone polls, seeks and commits. Batches are written in parallel and out of order, because facts commute;
only the trackers are strict. An offset is committed only when all below it is in the graph and on disk, in
the dead-letter topic, or a counted skip.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import structlog

from consumer.delivery import Delivered, Delivery
from consumer.graph import Graph
from consumer.metrics import Metrics
from consumer.records import Partition, Slice
from consumer.settings import Settings
from consumer.tracker import Ticket, Tracker
from lineagegraph.errors import GraphUnavailable

log = structlog.get_logger(__name__)

DRAIN_SECONDS = 10.0  # for what is in flight at a rebalance; well below the rebalance timeout
POLL_SECONDS = 5.0  # for the poll that is going on when we are told to stop
STOP_SECONDS = 20.0  # for what is in flight at the end


class Source(Protocol):
    """Where records come from: consumer.source.Source, or a fake that obeys the same rules."""

    async def assigned(self) -> dict[Partition, int] | None: ...
    async def poll(self, room: int, most_bytes: int, leave: Collection[Partition]) -> list[Slice]: ...
    async def hold(self) -> None: ...
    async def commit(self, offsets: Mapping[Partition, int]) -> bool: ...
    def seek(self, partition: Partition, offset: int) -> None: ...


@dataclass(slots=True)
class Lease:
    """What we hold between two rebalances or rewinds. Once over, nothing done under it can be committed."""

    trackers: dict[Partition, Tracker]
    over: bool = False

    def is_over(self) -> bool:
        return self.over


@dataclass(slots=True)
class Worker:
    """One consumer process at work."""

    settings: Settings
    source: Source
    graph: Graph
    delivery: Delivery
    metrics: Metrics
    lease: Lease | None = None
    turned_at: float = field(default_factory=time.monotonic)
    stopping: asyncio.Event = field(default_factory=asyncio.Event)
    joined: bool = False
    _slots: asyncio.Semaphore = field(init=False)
    _in_flight: set[asyncio.Task[None]] = field(default_factory=set)
    _committing: asyncio.Lock = field(default_factory=asyncio.Lock)
    _committed_at: float = 0.0
    _draining: bool = False

    def __post_init__(self) -> None:
        self._slots = asyncio.Semaphore(self.settings.batches_in_flight)

    async def run(self) -> None:
        """Until `stopping` is set. Any exception that comes out of here left everything else uncommitted."""
        async with asyncio.TaskGroup() as tasks:
            watching = tasks.create_task(self.graph.watch())
            polling = tasks.create_task(self._poll(tasks))
            await self.stopping.wait()
            # A poll may wait for brokers that are away; it is cancelled because nobody polls after it.
            await asyncio.wait([polling], timeout=POLL_SECONDS)
            polling.cancel()
            await self._finish()
            watching.cancel()

    async def _poll(self, tasks: asyncio.TaskGroup) -> None:
        while not self.stopping.is_set():
            await self._turn(tasks)

    async def _turn(self, tasks: asyncio.TaskGroup) -> None:
        self.turned_at = time.monotonic()
        if self.graph.broken.is_set():
            await self._recover(tasks)
        if (starts := await self.source.assigned()) is not None:
            self._begin({partition: Tracker(start) for partition, start in starts.items()})
        lease = self.lease
        if lease is None or self._draining:
            await self.source.hold()
        else:
            await self._take(tasks, lease)
        if time.monotonic() - self._committed_at >= self.settings.commit_seconds:
            await self.commit()

    def _begin(self, trackers: dict[Partition, Tracker]) -> None:
        self.lease = Lease(trackers)
        self.joined = True
        self.metrics.set("lineage_assigned_partitions", len(trackers))
        self.metrics.forget("lineage_committed_offset")

    async def _take(self, tasks: asyncio.TaskGroup, lease: Lease) -> None:
        """Take the next records, if a batch may be begun now."""
        try:
            async with asyncio.timeout(1.0):
                await self._slots.acquire()
        except TimeoutError:
            await self.source.hold()  # stay in the group, however long the batches take
            return
        limits = self.settings.batch_records, self.settings.batch_bytes
        slices = await self.source.poll(*limits, self.delivery.blocked)
        if not slices:
            self._slots.release()
            return
        task = tasks.create_task(self._carry(lease, [self._ticket(lease, one) for one in slices]))
        self._in_flight.add(task)
        task.add_done_callback(self._in_flight.discard)

    def _ticket(self, lease: Lease, one: Slice) -> tuple[Slice, Ticket]:
        self.metrics.add("lineage_records_received_total", len(one.records), **labels(one.partition))
        first = one.records[0].timestamp if one.records else -1
        return one, lease.trackers[one.partition].take(one.end, first)

    async def _carry(self, lease: Lease, taken: Sequence[tuple[Slice, Ticket]]) -> None:
        """One batch, from its records to its tickets being done."""
        try:
            delivered = await self.delivery.write([record for one, _ in taken for record in one.records])
        except GraphUnavailable:
            delivered = None  # the graph has noticed; the loop will go back to what is committed
        finally:
            self._slots.release()
        if delivered is None or lease.over:
            self._give_up(taken)
            return
        letters = delivered.batch.dead
        waiting = {letter.record.partition for letter in letters}
        self._done([pair for pair in taken if pair[0].partition not in waiting], delivered)
        if letters:
            rest = [pair for pair in taken if pair[0].partition in waiting]
            if await self.delivery.bury(letters, lease.is_over) and not lease.over:
                self._done(rest, delivered)
            else:
                self._give_up(rest)

    def _done(self, taken: Sequence[tuple[Slice, Ticket]], delivered: Delivered) -> None:
        partitions = {one.partition for one, _ in taken}
        for (partition, end), count in delivered.batch.counts().items():
            if partition in partitions:
                self._count(partition, end, count)
        for _, ticket in taken:
            ticket.done(delivered.acknowledged_at)

    def _give_up(self, taken: Sequence[tuple[Slice, Ticket]]) -> None:
        for one, _ in taken:
            self._count(one.partition, "given_up", len(one.records))

    def _count(self, partition: Partition, result: str, count: int) -> None:
        self.metrics.add("lineage_records_total", count, result=result, **labels(partition))

    async def commit(self) -> None:
        """Commit what is safe: done, and on disk by now."""
        async with self._committing:
            lease, self._committed_at = self.lease, time.monotonic()
            if lease is None or lease.over:
                return
            until = self.graph.on_disk_until
            safe = {partition: tracker.safe(until) for partition, tracker in lease.trackers.items()}
            due = {p: offset for p, offset in safe.items() if offset > lease.trackers[p].committed}
            if not due or not await self.source.commit(due):
                return
            for partition, offset in due.items():
                lease.trackers[partition].commit(offset)
                self.metrics.set("lineage_committed_offset", offset, **labels(partition))
            self.metrics.set("lineage_last_commit_timestamp_seconds", time.time())

    async def revoke(self) -> None:
        """Partitions are being taken away: let what is in flight end, commit what is safe, and let go."""
        self._draining = True
        try:
            if self._in_flight:
                await asyncio.wait(set(self._in_flight), timeout=DRAIN_SECONDS)
            await self.commit()
        finally:
            self._let_go()
            self.lease = None
            self._draining = False

    async def _recover(self, tasks: asyncio.TaskGroup) -> None:
        """An outage: keep what is on disk, give up the rest, wait for the graph, and go back."""
        await self.commit()
        lease = self._let_go()
        recovering = tasks.create_task(self._outlast())
        while not recovering.done():
            self.turned_at = time.monotonic()
            await self.source.hold()
        if lease is not None and self.lease is lease and not self.graph.broken.is_set():
            self._begin({partition: tracker.rewound() for partition, tracker in lease.trackers.items()})
            for partition, tracker in lease.trackers.items():
                self.source.seek(partition, tracker.committed)
            self.metrics.add("lineage_rewinds_total")
            log.warning("graph back", rewound=len(lease.trackers))

    async def _outlast(self) -> None:
        while self._in_flight:
            # Their late acknowledgements must not fill the store's memory after it was told to forget.
            await asyncio.wait(set(self._in_flight), timeout=1.0)
        await self.graph.recover(self.stopping)

    async def _finish(self) -> None:
        """The end: what is in flight may end, and what it wrote may reach the disk, both within bounds."""
        if self._in_flight:
            await asyncio.wait(set(self._in_flight), timeout=STOP_SECONDS)
        until = time.monotonic() + min(self.settings.graph_sync_seconds + 3.0, 20.0)
        await self.commit()
        while self.lease and not self._idle() and not self.graph.broken.is_set() and time.monotonic() < until:
            await asyncio.sleep(0.25)
            await self.commit()
        self._let_go()
        for task in self._in_flight:
            task.cancel()

    @property
    def in_flight(self) -> int:
        """How many batches are being written now."""
        return len(self._in_flight)

    def _idle(self) -> bool:
        return self.lease is None or all(tracker.idle for tracker in self.lease.trackers.values())

    def _let_go(self) -> Lease | None:
        if self.lease is not None:
            self.lease.over = True
        return self.lease


def labels(partition: Partition) -> dict[str, str]:
    """The labels of a partition's metrics."""
    return {"topic": partition.topic, "partition": str(partition.number)}

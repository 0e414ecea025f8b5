"""The loop: poll, deliver, mark done, commit late; and going back to the committed offsets after an outage.

It alone polls, seeks and commits. Batches are written in parallel and out of order, because facts commute;
only the trackers are strict. An offset is committed only when all below it is in the graph and on disk, in
the dead-letter topic, or a counted skip.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Protocol

import structlog

from consumer.accounts import Accounts, labels
from consumer.careful import take_carefully
from consumer.delivery import Delivery
from consumer.flight import Flight
from consumer.graph import Graph
from consumer.lease import Lease
from consumer.metrics import Metrics
from consumer.notes import Place
from consumer.reading import Trouble
from consumer.records import Partition, Slice
from consumer.room import Room
from consumer.settings import Settings

log = structlog.get_logger(__name__)

DRAIN_SECONDS = 10.0  # for what is in flight at a rebalance; well below the rebalance timeout
POLL_SECONDS = 5.0  # for the poll that is going on when we are told to stop
STOP_SECONDS = 20.0  # for what is in flight at the end


class Source(Protocol):
    """Where records come from: consumer.source.Source, or a fake that obeys the same rules."""

    async def assigned(self) -> dict[Partition, Place] | None: ...
    async def poll(self, room: int, most_bytes: int, leave: Collection[Partition], busy: bool) -> list[Slice]: ...
    async def hold(self) -> None: ...
    async def commit(self, places: Mapping[Partition, Place]) -> bool: ...
    async def unparsed(self, partition: Partition, message: str) -> Slice | None: ...
    def has_more(self, partition: Partition) -> bool: ...
    def seek(self, partition: Partition, offset: int) -> None: ...
    @property
    def trouble(self) -> Mapping[Partition, Trouble]: ...


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
    room: Room = field(init=False)
    accounts: Accounts = field(init=False)
    _in_flight: set[asyncio.Task[None]] = field(default_factory=set)
    _committing: asyncio.Lock = field(default_factory=asyncio.Lock)
    _committed_at: float = 0.0
    _draining: bool = False
    _resuming: set[Partition] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.room = Room(self.settings.bytes_in_flight)
        self.accounts = Accounts(self.metrics)

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
        if (places := await self.source.assigned()) is not None:
            await self._begin(places)
        lease = self.lease
        if lease is None or self._draining:
            await self.source.hold()
        else:
            self._resume(lease)
            await self._take(tasks, lease)
        if time.monotonic() - self._committed_at >= self.settings.commit_seconds:
            await self.commit()

    async def _begin(self, places: dict[Partition, Place]) -> None:
        # Written down before anything is read: should we die of it, the next owner can tell.
        taken = {p: Place(place.offset, place.note.taken_over()) for p, place in places.items()}
        noted = not taken or await self.source.commit(taken)
        self._hold_lease(Lease.of(taken if noted else places, self.settings))

    def _hold_lease(self, lease: Lease) -> None:
        self.lease = lease
        self.joined = True
        self.metrics.set("lineage_assigned_partitions", len(lease.trackers))
        self.metrics.forget("lineage_committed_offset")
        if lease.care.partitions:
            log.warning("reading with care", partitions=sorted(map(str, lease.care.partitions)))

    async def _take(self, tasks: asyncio.TaskGroup, lease: Lease) -> None:
        """Take the next records, if a batch may be begun now."""
        most = 1 if lease.care.partitions else self.graph.batches(self.settings.batches_in_flight)
        if not await self.room.under(most):
            await self.source.hold()  # stay in the group, however long the batches take
            return
        closed = self.delivery.blocked | lease.halted.keys()
        if lease.care.partitions:
            slices = await take_carefully(self.source, lease, closed, self.settings, self.mark)
        else:
            busy = self.room.batches > 0
            slices = await self.source.poll(self.settings.batch_records, self.settings.batch_bytes, closed, busy)
        if slices:
            flight = Flight(lease, slices, self.delivery, self.accounts, self.room)
            task = tasks.create_task(flight.carry())
            self._in_flight.add(task)
            task.add_done_callback(self._in_flight.discard)

    def resume(self, partition: Partition) -> bool:
        """Take the brake off a partition, at the next turn; whether it was halted."""
        if self.lease is None or partition not in self.lease.halted:
            return False
        self._resuming.add(partition)
        return True

    def _resume(self, lease: Lease) -> None:
        for partition in self._resuming & lease.halted.keys():
            self.source.seek(partition, lease.resume(partition))
            log.warning("partition resumed", partition=str(partition))
        self._resuming.clear()

    async def mark(self, lease: Lease, due: Mapping[Partition, Place]) -> bool:
        """Whether these places stand in Kafka now."""
        async with self._committing:
            return not due or (not lease.over and await self._commit(lease, due))

    async def commit(self) -> None:
        """Commit what is safe: done, and on disk by now."""
        async with self._committing:
            lease, self._committed_at = self.lease, time.monotonic()
            if lease is not None and not lease.over:
                await self._commit(lease, lease.due(self.graph.on_disk_until))

    async def _settle(self) -> None:
        """Commit what is safe, and that nobody died here."""
        async with self._committing:
            lease = self.lease
            if lease is not None and not lease.over:
                await self._commit(lease, lease.settled(self.graph.on_disk_until))

    async def _commit(self, lease: Lease, due: Mapping[Partition, Place]) -> bool:
        if not due or not await self.source.commit(due):
            return False
        lease.committed(due)
        for partition, place in due.items():
            self.metrics.set("lineage_committed_offset", place.offset, **labels(partition))
        self.metrics.set("lineage_last_commit_timestamp_seconds", time.time())
        return True

    async def revoke(self) -> None:
        """Partitions are being taken away: let what is in flight end, commit what is safe, and let go."""
        self._draining = True
        try:
            if self._in_flight:
                await asyncio.wait(set(self._in_flight), timeout=DRAIN_SECONDS)
            await self._settle()
        finally:
            self._let_go()
            self.lease = None
            self._draining = False

    async def _recover(self, tasks: asyncio.TaskGroup) -> None:
        """An outage: keep what is on disk, give up the rest, wait for the graph, and go back."""
        await self._settle()
        lease = self._let_go()
        recovering = tasks.create_task(self._outlast())
        while not recovering.done():
            self.turned_at = time.monotonic()
            await self.source.hold()
        if lease is not None and self.lease is lease and not self.graph.broken.is_set():
            self._hold_lease(lease.rewound(self.settings))
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
        await self._settle()
        while self.lease and not self._idle() and not self.graph.broken.is_set() and time.monotonic() < until:
            await asyncio.sleep(0.25)
            await self._settle()
        self._let_go()
        for task in self._in_flight:
            task.cancel()

    def publish(self) -> None:
        """Bring those gauges up to date that are only looked at."""
        self.accounts.publish()
        self.metrics.set("lineage_in_flight_bytes", self.room.bytes)
        self.metrics.forget("lineage_partition_halted")
        if (lease := self.lease) is not None:
            for partition in lease.trackers:
                self.metrics.set("lineage_partition_halted", partition in lease.halted, **labels(partition))

    @property
    def in_flight(self) -> int:
        """How many batches are being written now, or wait for their letters to be buried."""
        return len(self._in_flight)

    def _idle(self) -> bool:
        lease = self.lease
        return lease is None or all(t.idle for p, t in lease.trackers.items() if p not in lease.halted)

    def _let_go(self) -> Lease | None:
        if self.lease is not None:
            self.lease.over = True
        return self.lease

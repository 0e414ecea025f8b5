"""Where records come from: the only importer of aiokafka's consumer, fenced against what it is known to do.

One partition is drained per call, because a failing one would discard what the same call took from others;
no call of `getmany` is ever cancelled; every commit is bounded in time; no offset is ever chosen for us.
"""

from __future__ import annotations

import asyncio
import re
import time
from collections import deque
from collections.abc import Awaitable, Callable, Collection, Mapping

import structlog
from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.coordinator.assignors.roundrobin import RoundRobinPartitionAssignor
from aiokafka.errors import (
    GroupAuthorizationFailedError,
    IllegalStateError,
    KafkaError,
    NoOffsetForPartitionError,
    OffsetOutOfRangeError,
    TopicAuthorizationFailedError,
)
from aiokafka.structs import ConsumerRecord, TopicPartition

from consumer.connection import options, stop
from consumer.errors import KafkaAway, KafkaUnusable, OffsetsMissing
from consumer.metrics import Metrics
from consumer.offsets import check_graph, committed, stamped
from consumer.records import Partition, Record, Slice
from consumer.settings import Settings

log = structlog.get_logger(__name__)

NOWHERE = TopicPartition("__none__", 0)  # polling it keeps the membership alive and every buffer untouched
IDLE_MS = 2, 100  # how long to wait for more: soon after the last record, and after a while
HOLD_MS = 250
COMMIT_SECONDS = 5.0
REBALANCE_MS = 30_000


class Source(ConsumerRebalanceListener):  # type: ignore[misc]
    """One member of the consumer group. `poll`, `hold`, `seek` and `assigned` are for one task only."""

    def __init__(self, settings: Settings, client: AIOKafkaAdminClient, graph_id: str, metrics: Metrics) -> None:
        self._settings = settings
        self._admin = client
        self._graph_id = graph_id
        self._metrics = metrics
        self.on_revoke: Callable[[], Awaitable[None]] | None = None
        self._epoch = 0
        self._fresh: set[Partition] | None = None  # assigned, their first offsets not yet decided
        self._positions: dict[Partition, int] = {}
        self._turns: deque[Partition] = deque()
        self._waiting: dict[Partition, float] = {}  # partitions that failed, and until when they are left alone
        self._failure: BaseException | None = None
        self._record_bytes = 1024.0  # a recent mean, to bound a batch in bytes before reading it
        self._idle_ms = IDLE_MS[0]
        self._consumer: AIOKafkaConsumer | None = None

    async def start(self) -> None:
        """Join the group."""
        consumer = AIOKafkaConsumer(
            **options(self._settings),
            group_id=self._settings.group,
            enable_auto_commit=False,
            auto_offset_reset="none",
            partition_assignment_strategy=(RoundRobinPartitionAssignor,),
            session_timeout_ms=self._settings.session_seconds * 1000,
            heartbeat_interval_ms=min(3_000, self._settings.session_seconds * 300),
            rebalance_timeout_ms=REBALANCE_MS,
            request_timeout_ms=60_000,
            max_poll_interval_ms=300_000,
            max_partition_fetch_bytes=2**20,
            fetch_max_bytes=16 * 2**20,
            metadata_max_age_ms=60_000,
            isolation_level="read_committed",
        )
        self._consumer = consumer
        try:
            await consumer.start()
        except KafkaError as error:
            raise KafkaAway(f"Kafka has become unreachable ({error}). Try again.") from None
        if self._settings.topic_pattern:
            consumer.subscribe(pattern=wanted_topics(self._settings), listener=self)
        else:
            consumer.subscribe(topics=self._settings.topics, listener=self)

    async def stop(self) -> None:
        """Leave the group, so that others take over at once."""
        if self._consumer is not None:
            await stop(self._consumer)

    async def on_partitions_revoked(self, revoked: set[TopicPartition]) -> None:
        """Called by aiokafka, which logs and swallows what is raised here; so it is raised again in `poll`."""
        try:
            if self.on_revoke is not None and revoked:
                await self.on_revoke()
        except Exception as error:
            self._failure = error
        finally:
            self._epoch += 1
            self._fresh = None
            self._positions = {}
            self._turns.clear()
            self._waiting.clear()

    async def on_partitions_assigned(self, assigned: set[TopicPartition]) -> None:
        """Called by aiokafka. What to do with them is decided where it can fail: in `assigned`."""
        self._epoch += 1
        self._fresh = {Partition(*p) for p in assigned}
        self._metrics.add("lineage_rebalances_total")
        log.info("assigned", partitions=len(assigned))

    async def assigned(self) -> dict[Partition, int] | None:
        """The partitions of a new assignment, each with the offset it begins at; None if there is no new one."""
        self._check()
        if self._fresh is None:
            return None
        epoch, fresh = self._epoch, self._fresh
        try:
            starts = await self._starts(fresh)
        except (KafkaError, KafkaAway) as error:
            await self._pause(error)
            return None
        if self._epoch != epoch:
            return None
        for partition, offset in starts.items():
            self.seek(partition, offset)
        self._fresh = None
        self._turns.extend(sorted(starts))
        return starts

    async def _starts(self, partitions: Collection[Partition]) -> dict[Partition, int]:
        known = await committed(self._admin, self._settings.group, partitions)
        starts = {}
        for partition, (offset, metadata) in known.items():
            check_graph(partition, metadata, self._graph_id, self._settings.group)
            starts[partition] = offset
        if new := [p for p in partitions if p not in known]:
            chosen = await self._choose(new, self._settings.start)
            # Committed at once, so that another setting later cannot skip what is there now.
            await self.commit(chosen)
            starts |= chosen
        return starts

    async def _choose(self, partitions: list[Partition], where: str) -> dict[Partition, int]:
        if where == "fail":
            raise OffsetsMissing(
                f"Group {self._settings.group!r} has no offset for {', '.join(map(str, sorted(partitions)))}. "
                "Commit one, or set LINEAGE_START to earliest or latest."
            )
        asked = [TopicPartition(*p) for p in partitions]
        consumer = self._client()
        found = await (consumer.beginning_offsets(asked) if where == "earliest" else consumer.end_offsets(asked))
        log.info("no committed offset", start=where, partitions=len(partitions))
        self._metrics.add("lineage_offset_resets_total", len(partitions), reason=f"start_{where}")
        return {Partition(*p): offset for p, offset in found.items()}

    async def poll(self, room: int, most_bytes: int, leave: Collection[Partition] = ()) -> list[Slice]:
        """Up to `room` records of the partitions whose turn it is, but of none in `leave`."""
        self._check()
        epoch = self._epoch
        slices = await self._drain_all(room, most_bytes, leave)
        if slices:
            self._idle_ms = IDLE_MS[0]
        else:
            # Waiting on several partitions at once could lose what one of them already gave; so we come back soon.
            await self.hold(self._idle_ms)
            self._idle_ms = min(self._idle_ms * 2, IDLE_MS[1])
        # After a rebalance in between nobody has decided where these partitions begin: they are read again.
        return slices if self._epoch == epoch else []

    async def hold(self, wait_ms: int = HOLD_MS) -> None:
        """Take nothing, and stay in the group."""
        self._check()
        try:
            await self._client().getmany(NOWHERE, timeout_ms=wait_ms)
        except KafkaError as error:
            await self._pause(error)

    async def _drain_all(self, room: int, most_bytes: int, leave: Collection[Partition]) -> list[Slice]:
        epoch, slices = self._epoch, []
        self._turns.rotate(-1)
        for partition in tuple(self._turns):
            count = min(room, int(most_bytes / self._record_bytes) + 1)
            if room <= 0 or most_bytes <= 0 or self._epoch != epoch:
                break
            if partition in leave or self._waiting.get(partition, 0) > time.monotonic():
                continue
            taken = await self._drain(partition, count)
            if taken is not None:
                slices.append(taken)
                room -= len(taken.records)
                most_bytes -= self._weigh(taken)
        return slices

    async def _drain(self, partition: Partition, count: int) -> Slice | None:
        consumer, place = self._client(), TopicPartition(*partition)
        try:
            got = await consumer.getmany(place, timeout_ms=0, max_records=count)
            if partition not in self._positions:
                return None
            end = await consumer.position(place)
        except OffsetOutOfRangeError:
            await self._out_of_range(partition)
        except (NoOffsetForPartitionError, IllegalStateError):
            pass  # not ours any more, or not yet
        except (TopicAuthorizationFailedError, GroupAuthorizationFailedError) as error:
            raise KafkaUnusable(f"Kafka forbids reading {partition.topic!r}: grant READ on it ({error}).") from None
        except Exception as error:
            self._failed(partition, error)
        else:
            if end > self._positions.get(partition, end):
                self._positions[partition] = end
                self._waiting.pop(partition, None)
                return Slice(partition, tuple(map(_record, got.get(place, ()))), end)
        return None

    def _failed(self, partition: Partition, error: Exception) -> None:
        """A partition whose data cannot be read waits, and the others go on."""
        log.error("partition cannot be read", partition=str(partition), error=repr(error)[:300])
        self._metrics.add("lineage_fetch_errors_total", topic=partition.topic, partition=str(partition.number))
        self._waiting[partition] = time.monotonic() + 5.0
        if (position := self._positions.get(partition)) is not None:
            self.seek(partition, position)  # aiokafka may have moved on past what it could not read

    async def _out_of_range(self, partition: Partition) -> None:
        position = self._positions.get(partition)
        if position is None:
            return
        if self._settings.offset_out_of_range == "fail":
            raise OffsetsMissing(
                f"Kafka no longer has offset {position} of {partition}: events may be lost. To go on from the "
                "earliest that is left, set LINEAGE_OFFSET_OUT_OF_RANGE=earliest."
            )
        found = await self._client().beginning_offsets([TopicPartition(*partition)])
        earliest = found[TopicPartition(*partition)]
        log.error("offset out of range", partition=str(partition), offset=position, earliest=earliest)
        self._metrics.add("lineage_offset_resets_total", reason="out_of_range")
        if earliest < position:
            raise OffsetsMissing(
                f"{partition} ends before the committed offset {position}; it was probably re-created. "
                "Begin again with `lineagegraph consume --replay-from-earliest`."
            )
        self.seek(partition, earliest)

    async def commit(self, offsets: Mapping[Partition, int]) -> bool:
        """Whether these offsets are committed now; not being so is no error, they will be read again."""
        try:
            async with asyncio.timeout(COMMIT_SECONDS):
                await self._client().commit(stamped(offsets, self._graph_id))
        except (KafkaError, TimeoutError) as error:
            log.warning("commit failed", error=type(error).__name__)
            self._metrics.add("lineage_commits_total", result="failed")
            return False
        self._metrics.add("lineage_commits_total", result="done")
        return True

    def seek(self, partition: Partition, offset: int) -> None:
        """Read on from there."""
        try:
            self._client().seek(TopicPartition(*partition), offset)
            self._positions[partition] = offset
        except IllegalStateError:
            self._positions.pop(partition, None)

    async def ends(self, partitions: Collection[Partition]) -> dict[Partition, int]:
        """The offsets after the last records."""
        found = await self._client().end_offsets([TopicPartition(*p) for p in partitions])
        return {Partition(*p): offset for p, offset in found.items()}

    async def begins(self, partitions: Collection[Partition]) -> dict[Partition, int]:
        """The offsets of the first records that are left."""
        found = await self._client().beginning_offsets([TopicPartition(*p) for p in partitions])
        return {Partition(*p): offset for p, offset in found.items()}

    def _check(self) -> None:
        if self._failure is not None:
            raise self._failure
        # aiokafka goes on as if nothing had happened when one of its tasks has died; we would read nothing for ever.
        consumer = self._client()
        for task in (consumer._fetcher._fetch_task, consumer._coordinator._coordination_task):
            if task.done():
                raise RuntimeError(f"a background task of aiokafka has ended: {task!r}")

    def _client(self) -> AIOKafkaConsumer:
        assert self._consumer is not None, "start() comes first"  # noqa: S101
        return self._consumer

    def _weigh(self, taken: Slice) -> int:
        total = sum(len(record.value or b"") for record in taken.records)
        if taken.records:
            self._record_bytes += 0.2 * (max(64.0, total / len(taken.records)) - self._record_bytes)
        return total

    async def _pause(self, error: Exception) -> None:
        log.warning("kafka", error=repr(error)[:300])
        await asyncio.sleep(1)


def wanted_topics(settings: Settings) -> str:
    """The regular expression of the topics to read: those of the pattern that are not our own dead letters."""
    ours = re.escape(settings.dead_letters_of("\0")).replace(re.escape("\0"), ".*")
    return f"^(?!{ours}$)(?:{settings.topic_pattern})$"


def _record(record: ConsumerRecord[bytes, bytes]) -> Record:
    place = Partition(record.topic, record.partition)
    return Record(place, record.offset, record.timestamp, record.key, record.value, tuple(record.headers))

"""One member of the consumer group: the only maker of aiokafka's consumer, fenced against what it is known to do.

Its background tasks may die, or stop fetching, without a word; then a new consumer takes its place, a few
times. A call that raises switches off its own guard against a poller that hangs; that is repaired here.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Collection, Mapping
from contextlib import suppress

import structlog
from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener
from aiokafka.coordinator.assignors.roundrobin import RoundRobinPartitionAssignor
from aiokafka.errors import KafkaError
from aiokafka.structs import ConsumerRecord, TopicPartition

from consumer.connection import options, stop, wanted_topics
from consumer.errors import KafkaAway
from consumer.metrics import Metrics
from consumer.records import Partition
from consumer.settings import Settings

log = structlog.get_logger(__name__)

REBALANCE_MS = 30_000  # how long the group waits for us to let go; must stay below the next
REQUEST_MS = 60_000  # aiokafka bounds also the request to join by this, which may take as long as a rebalance
MOST_REBUILDS = 3
REBUILD_SECONDS = 600.0  # in which so many may happen
FETCHED_BYTES = 32 * 2**20  # held of all partitions together, besides what is in flight
LEAST_FETCHED_BYTES, MOST_FETCHED_BYTES = 2**20, 8 * 2**20  # of one partition
SILENT_SECONDS = 60.0  # without an answer for a partition of which Kafka has more


class Member(ConsumerRebalanceListener):  # type: ignore[misc]  # aiokafka has no types
    """Joins, leaves, and joins anew. `check` and `getmany` are for the polling task only."""

    def __init__(self, settings: Settings, metrics: Metrics, retries: Collection[str] = ()) -> None:
        self._settings = settings
        self._topics = [*settings.topics, *retries]
        self._metrics = metrics
        self.on_revoke: Callable[[], Awaitable[None]] | None = None
        self.on_epoch: Callable[[], None] | None = None
        self.epoch = 0
        self.fresh: set[Partition] | None = None  # assigned, their first offsets not yet decided
        self._consumer: AIOKafkaConsumer | None = None
        self._failure: Exception | None = None
        self._stuck: str | None = None
        self._rebuilds: list[float] = []
        self._asked: dict[Partition, tuple[int | None, float]] = {}

    @property
    def client(self) -> AIOKafkaConsumer:
        """The consumer of now; a later one may be another."""
        assert self._consumer is not None, "start() comes first"  # noqa: S101  (a mistake of ours)
        return self._consumer

    async def start(self) -> None:
        """Join the group. Raises KafkaAway."""
        session = self._settings.session_seconds * 1000
        consumer = AIOKafkaConsumer(
            **options(self._settings),
            group_id=self._settings.group,
            group_instance_id=self._settings.group_instance,
            enable_auto_commit=False,
            auto_offset_reset="none",
            partition_assignment_strategy=(RoundRobinPartitionAssignor,),
            session_timeout_ms=session,
            heartbeat_interval_ms=min(3_000, session * 3 // 10),
            rebalance_timeout_ms=REBALANCE_MS,
            request_timeout_ms=REQUEST_MS,
            max_poll_interval_ms=300_000,
            max_partition_fetch_bytes=LEAST_FETCHED_BYTES,
            fetch_max_bytes=16 * 2**20,
            metadata_max_age_ms=60_000,
            isolation_level="read_committed",
        )
        try:
            await consumer.start()
        except KafkaError as error:
            await stop(consumer)
            raise KafkaAway(f"Kafka has become unreachable ({error}). Try again.") from None
        self._consumer = consumer
        if self._settings.topic_pattern:
            consumer.subscribe(pattern=wanted_topics(self._settings), listener=self)
        else:
            consumer.subscribe(topics=self._topics, listener=self)

    async def stop(self) -> None:
        """Leave the group, so that others take over at once."""
        if self._consumer is not None:
            await stop(self._consumer)

    async def on_partitions_revoked(self, revoked: set[TopicPartition]) -> None:
        """Called by aiokafka, which logs and swallows what is raised here; so it is raised again in `check`."""
        try:
            if self.on_revoke is not None and revoked:
                await self.on_revoke()
        except Exception as error:
            self._failure = error
        finally:
            self._turn_over(None)

    async def on_partitions_assigned(self, assigned: set[TopicPartition]) -> None:
        """Called by aiokafka. What to do with them is decided where it can fail: by the polling task."""
        self._turn_over({Partition(*p) for p in assigned})
        self.client._fetcher._max_partition_fetch_bytes = fetch_bytes(len(assigned))
        self._metrics.add("lineage_rebalances_total")
        log.info("assigned", partitions=len(assigned))

    async def getmany(self, place: TopicPartition, wait_ms: int, count: int) -> list[ConsumerRecord[bytes, bytes]]:
        """Records of one partition: if one of several failed, aiokafka would drop what the others gave.

        Never to be cancelled while the member is to live on; it waits without bound for a group that reforms.
        """
        consumer = self.client
        try:
            got = await consumer.getmany(place, timeout_ms=wait_ms, max_records=count)
        except Exception:
            # aiokafka now believes for ever that a call is going on, and would never leave the group if we hung.
            consumer._subscription._fetch_count = 0
            consumer._subscription._last_fetch_ended = time.monotonic()
            raise
        return list(got.get(place, ()))

    async def check(self) -> None:
        """Raise what went wrong in a callback; take another consumer if this one has stopped working."""
        if self._failure is not None:
            raise self._failure
        if (reason := self._stuck or self._dead()) is not None:
            await self._rebuild(reason)

    def watch(self, positions: Mapping[Partition, int], ends: Mapping[Partition, int]) -> None:
        """Notice that aiokafka no longer asks for what Kafka, which told these ends just now, has for us."""
        consumer, now = self.client, time.monotonic()
        for partition, end in ends.items():
            place = TopicPartition(*partition)
            position = positions.get(partition)
            if position is None or position >= end or place in consumer._fetcher._records:
                self._asked.pop(partition, None)
                continue
            with suppress(AssertionError):  # not ours any more
                answered = consumer.last_poll_timestamp(place)
                last, since = self._asked.setdefault(partition, (answered, now))
                if answered != last:
                    self._asked[partition] = answered, now
                elif now - since >= SILENT_SECONDS:
                    self._stuck = "silent"

    def _dead(self) -> str | None:
        consumer = self.client
        for name, task in (
            ("fetching", consumer._fetcher._fetch_task),
            ("coordinating", consumer._coordinator._coordination_task),
        ):
            if task.done():
                return name
        return None

    async def _rebuild(self, reason: str) -> None:
        now = time.monotonic()
        self._rebuilds = [at for at in self._rebuilds if now - at < REBUILD_SECONDS]
        if len(self._rebuilds) >= MOST_REBUILDS:
            raise RuntimeError(f"aiokafka stopped {reason} again, after {MOST_REBUILDS} new consumers")
        self._rebuilds.append(now)
        self._metrics.add("lineage_consumer_rebuilds_total", reason=reason)
        log.error("aiokafka has stopped working; a new consumer takes over", stopped=reason)
        await self.on_partitions_revoked(self.client.assignment() or {TopicPartition("", 0)})
        await self.stop()
        self._stuck = None
        while True:
            try:
                await self.start()
            except KafkaAway as error:
                log.warning("kafka", error=str(error))
                await asyncio.sleep(1)
            else:
                return

    def _turn_over(self, fresh: set[Partition] | None) -> None:
        self.epoch += 1
        self.fresh = fresh
        self._asked.clear()
        if self.on_epoch is not None:
            self.on_epoch()


def fetch_bytes(partitions: int) -> int:
    """How much to ask of each of so many partitions: the more at once, the fewer and larger the batches.

    aiokafka asks a partition for more only when all that it gave is taken, and would ask the same of one as of 64.
    """
    return min(max(FETCHED_BYTES // max(partitions, 1), LEAST_FETCHED_BYTES), MOST_FETCHED_BYTES)

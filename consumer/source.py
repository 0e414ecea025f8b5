"""Where records come from, as the worker sees it: assignments, slices, commits.

The fences against aiokafka stand here and in `consumer.member`, `consumer.reading` and `consumer.salvage`;
tests/consumer/test_fences.py has a test for each.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping

import structlog
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError
from aiokafka.structs import TopicPartition

from consumer.errors import KafkaAway
from consumer.member import Member
from consumer.metrics import Metrics
from consumer.notes import Place
from consumer.offsets import stamped
from consumer.reading import Reading, Trouble
from consumer.records import Partition, Slice
from consumer.settings import Settings
from consumer.starts import Starts

log = structlog.get_logger(__name__)

NOWHERE = TopicPartition("__none__", 0)  # polling it keeps the membership alive and every buffer untouched
IDLE_MS = 2, 100  # how long to wait for more: soon after the last record, and after a while
HOLD_MS = 250
COMMIT_SECONDS = 5.0


class Source:
    """One member of the group. All but `ends`, `begins` and `watch` are for the polling task only."""

    def __init__(
        self,
        settings: Settings,
        client: AIOKafkaAdminClient,
        graph_id: str,
        metrics: Metrics,
        retries: Collection[str] = (),
    ) -> None:
        """`retries` are topics that are read besides those of the settings."""
        self._graph_id = graph_id
        self._metrics = metrics
        self._member = Member(settings, metrics, retries)
        self._starts = Starts(settings, client, graph_id, metrics)
        self._reading = Reading(self._member, self._starts, metrics, settings.is_retry)
        self._member.on_epoch = self._reading.forget
        self._idle_ms = IDLE_MS[0]
        self.seek = self._reading.seek
        self.has_more = self._reading.has_more
        self.unparsed = self._reading.unparsed

    def on_revoke(self, call: Callable[[], Awaitable[None]]) -> None:
        """What to do before partitions are taken away."""
        self._member.on_revoke = call

    async def start(self) -> None:
        """Join the group. Raises KafkaAway."""
        await self._member.start()

    async def stop(self) -> None:
        """Leave the group, so that others take over at once."""
        await self._member.stop()

    async def assigned(self) -> dict[Partition, Place] | None:
        """The partitions of a new assignment, each with the place it begins at; None if there is no new one."""
        member = self._member
        await member.check()
        if member.fresh is None:
            return None
        epoch, fresh = member.epoch, member.fresh
        try:
            starts = await self._starts.of(member.client, fresh)
        except (KafkaError, KafkaAway) as error:
            await self._pause(error)
            return None
        if member.epoch != epoch:
            return None
        for partition, place in starts.items():
            self._reading.seek(partition, place.offset)
        member.fresh = None
        self._reading.begin(starts)
        return starts

    async def poll(
        self, room: int, most_bytes: int, leave: Collection[Partition] = (), busy: bool = False
    ) -> list[Slice]:
        """Up to `room` records of the partitions whose turn it is, but of none in `leave`.

        While others are written (`busy`) replayed ones give way to those that come in.
        """
        await self._member.check()
        epoch = self._member.epoch
        slices = await self._reading.drain(room, most_bytes, leave, busy)
        if slices:
            self._idle_ms = IDLE_MS[0]
        else:
            # Waiting on several partitions at once could lose what one of them already gave; so we come back soon.
            await self.hold(self._idle_ms)
            self._idle_ms = min(self._idle_ms * 2, IDLE_MS[1])
        # After a rebalance in between nobody has decided where these partitions begin: they are read again.
        return slices if self._member.epoch == epoch else []

    async def hold(self, wait_ms: int = HOLD_MS) -> None:
        """Take nothing, and stay in the group."""
        await self._member.check()
        try:
            await self._member.getmany(NOWHERE, wait_ms, 1)
        except KafkaError as error:
            await self._pause(error)

    async def commit(self, places: Mapping[Partition, Place]) -> bool:
        """Whether these places are committed now; not being so is no error, they will be read again."""
        try:
            async with asyncio.timeout(COMMIT_SECONDS):
                await self._member.client.commit(stamped(places, self._graph_id))
        except (KafkaError, TimeoutError) as error:
            log.warning("commit failed", error=type(error).__name__)
            self._metrics.add("lineage_commits_total", result="failed")
            return False
        self._metrics.add("lineage_commits_total", result="done")
        return True

    async def ends(self, partitions: Collection[Partition]) -> dict[Partition, int]:
        """The offsets after the last records."""
        found = await self._member.client.end_offsets([TopicPartition(*p) for p in partitions])
        return {Partition(*p): offset for p, offset in found.items()}

    async def begins(self, partitions: Collection[Partition]) -> dict[Partition, int]:
        """The offsets of the first records that are left."""
        found = await self._member.client.beginning_offsets([TopicPartition(*p) for p in partitions])
        return {Partition(*p): offset for p, offset in found.items()}

    def watch(self, ends: Mapping[Partition, int]) -> None:
        """Notice if nothing comes although Kafka has more: these are its ends of now."""
        self._member.watch(self._reading.positions, ends)

    @property
    def trouble(self) -> Mapping[Partition, Trouble]:
        """The partitions that cannot be read now."""
        return self._reading.trouble

    async def _pause(self, error: Exception) -> None:
        log.warning("kafka", error=repr(error)[:300])
        await asyncio.sleep(1)

"""Where reading begins: at committed offsets of this graph, else by a stated policy, never silently."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

import structlog
from aiokafka import AIOKafkaConsumer
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.structs import TopicPartition

from consumer.errors import OffsetsMissing
from consumer.metrics import Metrics
from consumer.notes import Place, parse
from consumer.offsets import check_graph, committed
from consumer.records import Partition
from consumer.settings import Settings

log = structlog.get_logger(__name__)


class Starts:
    """The policy of one group in front of one graph."""

    def __init__(self, settings: Settings, client: AIOKafkaAdminClient, graph_id: str, metrics: Metrics) -> None:
        self._settings = settings
        self._admin = client
        self._graph_id = graph_id
        self._metrics = metrics

    async def of(self, consumer: AIOKafkaConsumer, partitions: Collection[Partition]) -> dict[Partition, Place]:
        """The place at which each of these begins. Raises OffsetsMissing, SchemaMismatch, KafkaAway."""
        group = self._settings.group
        known = await committed(self._admin, group, partitions)
        places = {}
        for partition, (offset, metadata) in known.items():
            check_graph(partition, metadata, self._graph_id, group)
            places[partition] = Place(offset, parse(metadata))
        if new := [p for p in partitions if p not in known]:
            places |= await self._choose(consumer, new)
        return await self._unless_empty(consumer, places)

    async def _unless_empty(self, consumer: AIOKafkaConsumer, places: dict[Partition, Place]) -> dict[Partition, Place]:
        """Where there is nothing to read, nobody died of reading."""
        ends = await consumer.end_offsets([TopicPartition(*p) for p in places])
        return {
            p: Place(place.offset, replace(place.note, starts=0)) if place.offset >= ends[TopicPartition(*p)] else place
            for p, place in places.items()
        }

    async def _choose(self, consumer: AIOKafkaConsumer, new: list[Partition]) -> dict[Partition, Place]:
        where = self._settings.start
        replays = [p for p in new if self._settings.is_retry(p.topic)]
        if replays and where != "earliest":  # what was replayed before we first looked is meant for us
            new = [p for p in new if p not in replays]
            return await self._offsets(consumer, replays, "earliest") | await self._choose(consumer, new)
        if where == "fail" and new:
            raise OffsetsMissing(
                f"Group {self._settings.group!r} has no offset for {', '.join(map(str, sorted(new)))}. "
                "Commit one, or set LINEAGE_START to earliest or latest."
            )
        # A partition that was added to a topic we know was filled after we began: nothing of it may be skipped.
        added = await self._added(new) if where == "latest" else set()
        chosen = await self._offsets(consumer, [p for p in new if p not in added], where)
        return chosen | await self._offsets(consumer, [p for p in new if p in added], "earliest")

    async def _added(self, new: list[Partition]) -> set[Partition]:
        everything = await committed(self._admin, self._settings.group, None)
        topics = {partition.topic for partition in everything}
        return {partition for partition in new if partition.topic in topics}

    async def _offsets(
        self, consumer: AIOKafkaConsumer, partitions: list[Partition], where: str
    ) -> dict[Partition, Place]:
        if not partitions:
            return {}
        asked = [TopicPartition(*p) for p in partitions]
        found = await (consumer.beginning_offsets(asked) if where == "earliest" else consumer.end_offsets(asked))
        log.info("no committed offset", start=where, partitions=len(partitions))
        self._metrics.add("lineage_offset_resets_total", len(partitions), reason=f"start_{where}")
        return {Partition(*p): Place(offset) for p, offset in found.items()}

    async def after_loss(self, consumer: AIOKafkaConsumer, partition: Partition, position: int) -> int:
        """Where to go on when Kafka no longer has the next offset. Raises OffsetsMissing unless allowed to lose."""
        place = TopicPartition(*partition)
        earliest: int = (await consumer.beginning_offsets([place]))[place]
        if earliest < position:
            raise OffsetsMissing(
                f"{partition} ends before the committed offset {position}; it was probably re-created. "
                "Begin again with `lineagegraph consume --replay-from-earliest`."
            )
        if self._settings.offset_out_of_range == "fail":
            raise OffsetsMissing(
                f"Kafka no longer has offset {position} of {partition}: events may be lost. To go on from the "
                "earliest that is left, set LINEAGE_OFFSET_OUT_OF_RANGE=earliest."
            )
        log.error("offset out of range", partition=str(partition), offset=position, earliest=earliest)
        self._metrics.add("lineage_offset_resets_total", reason="out_of_range")
        return earliest

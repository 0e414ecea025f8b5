"""One member of a group on a mock cluster, driven by hand: what the worker does, without a graph."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiokafka import AIOKafkaConsumer

from consumer import connection
from consumer.member import Member
from consumer.metrics import Metrics
from consumer.notes import Place
from consumer.records import Condemned, Partition, Record
from consumer.settings import Settings, load
from consumer.source import Source
from tests.consumer.mock_kafka import MockKafka


def on(kafka: MockKafka, **more: Any) -> Settings:
    """Settings for topic `t` and group `g` of this cluster."""
    given: dict[str, Any] = {"topics": ("t",), "group": "g", "graph_sync_seconds": 0.0, "commit_seconds": 0.1}
    settings = load(**given | {"http_port": 0, "kafka_bootstrap_servers": tuple(kafka.bootstrap.split(","))} | more)
    # The mock lets whoever comes wait for the session of whoever left; shorter than we allow in earnest.
    return settings if "session_seconds" in more else settings.model_copy(update={"session_seconds": 1})


@dataclass
class Joined:
    """The member, and what it has read so far."""

    source: Source
    metrics: Metrics
    places: dict[Partition, Place] = field(default_factory=dict)
    records: list[Record] = field(default_factory=list)
    condemned: list[Condemned] = field(default_factory=list)

    @property
    def member(self) -> Member:
        return self.source._member

    @property
    def client(self) -> AIOKafkaConsumer:
        return self.member.client

    async def assigned(self) -> None:
        """Wait for an assignment."""
        while (places := await self.source.assigned()) is None:
            await self.source.hold(20)
        self.places = places

    async def buffered(self, partitions: int) -> None:
        """Wait until so many partitions have something to give."""
        while len(self.client._fetcher._records) < partitions:  # noqa: ASYNC110  (aiokafka tells nobody)
            await asyncio.sleep(0.01)

    async def read(self, count: int, room: int = 500) -> None:
        """Read until there are so many, sound or condemned."""
        while len(self.records) + len(self.condemned) < count:
            if (places := await self.source.assigned()) is not None:
                self.places = places
            for one in await self.source.poll(room, 2**20):
                self.records += one.records
                self.condemned += one.condemned

    def values(self) -> list[bytes]:
        return sorted(record.value or b"" for record in self.records)


@asynccontextmanager
async def joined(settings: Settings, seconds: float = 60.0) -> AsyncIterator[Joined]:
    """A member that lives as long as this; all that is done with it must be over within so many seconds."""
    metrics = Metrics()
    async with asyncio.timeout(seconds), connection.admin(settings) as client:
        source = Source(settings, client, "graph-1", metrics)
        await source.start()
        try:
            yield Joined(source, metrics)
        finally:
            await source.stop()

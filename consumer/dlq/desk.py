"""The desk: everything about the dead letters of one source topic, read from Kafka."""

from __future__ import annotations

import hashlib
import time
from collections.abc import AsyncGenerator, AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace

from aiokafka.admin import AIOKafkaAdminClient

from consumer import connection
from consumer.connection import Topic
from consumer.dlq.cases import Case, Cases
from consumer.dlq.ledger import Ledger
from consumer.dlq.letters import Letter, letter
from consumer.dlq.names import Names
from consumer.dlq.shelf import Progress, Shelf, open_shelf
from consumer.errors import KafkaUnusable
from consumer.own_topics import create_for_replays
from consumer.records import Record
from consumer.settings import Settings

AT_ONCE = 200  # values that are held together


@dataclass(slots=True)
class Desk:
    """One desk, open."""

    settings: Settings
    names: Names
    admin: AIOKafkaAdminClient
    shelf: Shelf  # for letters; values may be read from it while the ledger is followed
    ledger_shelf: Shelf
    topics: dict[str, Topic] = field(default_factory=dict)

    @property
    def letters(self) -> Topic:
        """The dead-letter topic. Raises KafkaUnusable."""
        if (topic := self.topics.get(self.names.letters)) is None:
            raise KafkaUnusable(
                f"Kafka has no dead-letter topic {self.names.letters!r}: no consumer of group {self.settings.group!r} "
                f"has started on {self.names.source!r} yet. Start one, or name another: --topic, --letters."
            )
        return topic

    async def cases(self, progress: Progress | None = None) -> Cases:
        """Every case. The ledger is read last, so that it tells of every letter that was seen."""
        cases = Cases()
        async for record in self.records(progress):
            cases.add(letter(record))
        cases.ledger = await self.ledger()
        return cases

    async def records(
        self, progress: Progress | None = None, read_to: dict[int, int] | None = None
    ) -> AsyncIterator[Record]:
        """Every dead letter of this source, as Kafka has it; with `read_to` what is new since."""
        topic = self.letters
        async for record in self.shelf.everything(topic.name, topic.partitions, read_to, progress):
            if not self.names.shared or letter(record).source.topic == self.names.source:
                yield record

    async def ledger(self) -> Ledger:
        """The fold of the ledger; empty if there is none."""
        ledger = Ledger()
        await self.follow(ledger)
        return ledger

    async def follow(self, ledger: Ledger) -> None:
        """Add to the fold what has come since it was read last."""
        topic = self.topics.get(self.names.ledger)
        if topic is not None:
            async for record in self.ledger_shelf.everything(topic.name, topic.partitions, ledger.read_to):
                ledger.add(record.key, record.value)

    async def values(self, cases: Iterable[Case]) -> AsyncGenerator[tuple[Case, Record], None]:
        """The letters of these cases with their values, in the order in which they lie.

        Last come those whose value was left out as too large for the topic: with the source record's, if Kafka
        still has it.
        """
        by_place = {(case.letter.place.number, case.letter.at): case for case in cases}
        pointers = []
        async for record in self.shelf.some(self.letters.name, by_place):
            case = by_place[record.partition.number, record.offset]
            if case.letter.kept == "omitted":
                pointers.append((case, record))
            else:
                yield case, record
        for case, record in pointers:
            yield case, await self._whole(case.letter, record)

    async def _whole(self, one: Letter, record: Record) -> Record:
        async for source in self.shelf.some(one.source.topic, [(one.source.number, one.offset)]):
            if hashlib.sha256(source.value or b"").hexdigest() == one.sha256:
                return replace(record, value=source.value)
        return record

    async def refresh(self) -> None:
        """See which topics there are by now."""
        self.topics = await connection.topics(self.admin)

    async def prepare(self) -> None:
        """See to it that there are a retry topic and a ledger. Raises KafkaUnusable."""
        source = self.topics.get(self.names.source) or self.letters
        for name in (self.names.retry, self.names.ledger):
            if name not in self.topics:
                of_source = Topic(self.names.source, source.partitions, source.replication)
                self.topics[name] = await create_for_replays(self.admin, self.settings, of_source, name)


@asynccontextmanager
async def open_desk(settings: Settings, names: Names) -> AsyncIterator[Desk]:
    """A desk that is open as long as this. Raises KafkaUnusable."""
    async with connection.admin(settings) as admin, open_shelf(settings) as shelf, open_shelf(settings) as other:
        yield Desk(settings, names, admin, shelf, other, await connection.topics(admin))


def now_ms() -> int:
    """The time of now, as Kafka tells times."""
    return int(time.time() * 1000)

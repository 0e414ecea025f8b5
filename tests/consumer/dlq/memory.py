"""A desk whose topics are in memory: what is read from Kafka, without one."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from types import SimpleNamespace
from typing import Any, cast

from consumer.connection import Topic
from consumer.dlq.desk import Desk
from consumer.dlq.ledger import Entry, encode
from consumer.dlq.names import Names, names
from consumer.records import Partition, Record
from consumer.settings import Settings, load
from tests.consumer.dlq.made import LETTERS

PARTITIONS = 3


class MemoryKafka:
    """The dead-letter topic and the ledger of the topic `events`, as a shelf reads them."""

    def __init__(self, *letters: Record) -> None:
        self.settings = load(topics=("events",))
        self.names = names(self.settings)
        self.desks: list[Desk] = []
        self.read = 0
        self.begins: dict[tuple[str, int], int] = {}
        self._records: dict[tuple[str, int], list[Record]] = {}
        assert self.names.letters == LETTERS
        self.add(*letters)

    def add(self, *letters: Record) -> None:
        """More letters, at the ends of their partitions."""
        for one in letters:
            self._records.setdefault((LETTERS, one.partition.number), []).append(one)

    def enter(self, *entries: Entry) -> None:
        """More of the ledger."""
        for entry in entries:
            self.write(*encode(entry))

    def write(self, key: bytes, value: bytes | None) -> None:
        """One record of the ledger."""
        rows = self._records.setdefault((self.names.ledger, 0), [])
        rows.append(Record(Partition(self.names.ledger, 0), len(rows), 0, key, value, ()))

    @asynccontextmanager
    async def open(self, settings: Settings, of: Names) -> AsyncIterator[Desk]:
        """In place of `open_desk`."""
        counts = {LETTERS: PARTITIONS, self.names.ledger: 1}
        topics = {name: Topic(name, count, 1) for name, count in counts.items()}
        shelf = SimpleNamespace(ends=self.ends, everything=self.everything, some=self.some)
        self.desks.append(Desk(settings, of, cast(Any, None), cast(Any, shelf), cast(Any, shelf), topics))
        yield self.desks[-1]

    async def ends(self, topic: str, partitions: Iterable[int]) -> dict[int, tuple[int, int]]:
        """As Shelf.ends."""
        return {number: (self.begins.get((topic, number), 0), self._end(topic, number)) for number in partitions}

    async def everything(
        self,
        topic: str,
        partitions: int,
        read_to: dict[int, int] | None = None,
        progress: Callable[[int, int], None] | None = None,
    ) -> AsyncIterator[Record]:
        """As Shelf.everything."""
        read_to = {} if read_to is None else read_to
        for number in range(partitions):
            begin = max(self.begins.get((topic, number), 0), read_to.get(number, 0))
            for record in list(self._records.get((topic, number), ())):
                if record.offset >= begin:
                    read_to[number] = record.offset + 1
                    self.read += 1
                    yield record

    async def some(self, topic: str, wanted: Iterable[tuple[int, int]]) -> AsyncIterator[Record]:
        """As Shelf.some."""
        for number, offset in sorted(wanted):
            for record in self._records.get((topic, number), ()):
                if record.offset == offset:
                    yield record

    def _end(self, topic: str, number: int) -> int:
        return max((one.offset + 1 for one in self._records.get((topic, number), ())), default=0)

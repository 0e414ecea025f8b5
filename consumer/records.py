"""Records as the consumer knows them: values without a Kafka client behind them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, NamedTuple

Headers = tuple[tuple[str, bytes | None], ...]


class Partition(NamedTuple):
    """One partition of one topic; equal to every other pair of the same topic and number."""

    topic: str
    number: int

    def __str__(self) -> str:
        return f"{self.topic}-{self.number}"


@dataclass(frozen=True, slots=True)
class Record:
    """One Kafka record; `timestamp` is in milliseconds, negative where the broker gave none."""

    partition: Partition
    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None
    headers: Headers = ()

    @property
    def id(self) -> str:
        """Its coordinates as one text: the same record is the same dead letter, however often it is read."""
        return f"{self.partition.topic}-{self.partition.number}-{self.offset}"

    def header(self, name: str) -> str | None:
        """The last header of that name as text, or None."""
        for key, value in reversed(self.headers):
            if key == name:
                return (value or b"").decode("utf-8", "replace")
        return None


@dataclass(frozen=True, slots=True)
class Condemned:
    """A record that is buried without being parsed: it, or the batch that it stands for, cannot be or must not be."""

    record: Record
    reason: Literal["corrupt_batch", "corrupt_record", "crash"]
    message: str


@dataclass(frozen=True, slots=True)
class Slice:
    """Consecutive records of one partition and the offset after them.

    The offsets may have holes, and `end` may lie beyond the last record (compaction, transaction markers).
    """

    partition: Partition
    records: tuple[Record, ...]
    end: int
    condemned: tuple[Condemned, ...] = ()

    @property
    def count(self) -> int:
        """How many records of Kafka it accounts for."""
        return len(self.records) + len(self.condemned)

    @property
    def size(self) -> int:
        """The bytes of their values."""
        every = (*self.records, *(one.record for one in self.condemned))
        return sum(len(record.value or b"") for record in every)

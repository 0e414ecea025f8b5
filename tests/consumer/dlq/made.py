"""Dead letters for tests, as the consumer buries them and as a dead-letter topic gives them back."""

from __future__ import annotations

from typing import Any

from consumer.deadletters import DeadLetter, Sender, parcel
from consumer.dlq.cases import Case, Cases
from consumer.dlq.letters import Letter, letter
from consumer.records import Partition, Record
from tests.consumer.fakes import TIME, event

SENDER = Sender("lineagegraph", "1.2.3")
SOURCE = "events"
LETTERS = "events.lineagegraph.dlq"


def source(number: int = 0, value: bytes | None = None, **more: Any) -> Record:
    """A record of the source topic."""
    given: dict[str, Any] = {
        "partition": Partition(SOURCE, number % 3),
        "offset": number,
        "timestamp": TIME,
        "key": b"k",
    }
    return Record(**given | {"value": event(number) if value is None else value} | more)


def buried(record: Record, at: int, reason: str = "envelope", now: int = TIME + 1000, **more: Any) -> Record:
    """The record of the dead-letter topic that tells of this one."""
    sent = parcel(DeadLetter(record, reason, **more), SENDER, 3, now, 10**8)
    return Record(Partition(LETTERS, sent.partition), at, now, sent.key, sent.value, sent.headers)


def a_letter(number: int = 0, at: int = 0, reason: str = "envelope", **more: Any) -> Letter:
    """A letter about a source record of that number."""
    return letter(buried(source(number), at, reason, **more))


def a_case(number: int = 0, reason: str = "envelope", **more: Any) -> Case:
    """Its case, open."""
    cases = Cases()
    cases.add(a_letter(number, number, reason, **more))
    return next(iter(cases))

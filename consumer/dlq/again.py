"""A dead letter on its way back: the record as it came, and what the worker must know of its past. Pure."""

from __future__ import annotations

from consumer.deadletters import Parcel
from consumer.dlq.letters import Letter, as_it_came
from consumer.records import Headers, Partition, Record
from consumer.replayed import OURS


def obstacle(letter: Letter, record: Record) -> str | None:
    """Why this letter cannot be sent again, if it cannot."""
    if letter.kept == "omitted" and not record.value:
        return "its value was too large for the dead-letter topic, and Kafka no longer has the source record"
    if letter.kept == "null" and record.key is None:
        return "it has neither key nor value, and no client can send that"
    return None


def again(letter: Letter, record: Record, replay: str, most_attempts: int, partitions: int) -> Parcel:
    """What is sent for this letter, whose record in the dead-letter topic is `record`."""
    value = None if letter.kept == "null" else record.value
    told = {
        "id": letter.id,
        "replay": replay,
        "attempt": str(letter.attempts),
        "most_attempts": str(most_attempts),
        "first_failed_at": str(letter.first_failed_at),
        "original_timestamp": str(letter.stated_at),
        "edit": letter.edit.text() if letter.edit else "",
    }
    ours: Headers = tuple((OURS + name, text.encode()) for name, text in told.items())
    return Parcel(letter.source.number % partitions, record.key, value, (*as_it_came(record), *ours))


def as_received(parcel: Parcel, topic: str, now_ms: int) -> Record:
    """What the worker reads of it."""
    return Record(Partition(topic, parcel.partition), 0, now_ms, parcel.key, parcel.value, parcel.headers)

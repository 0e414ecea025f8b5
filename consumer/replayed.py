"""What travels in the headers of a dead letter, and what of it a replay sends along. Pure.

A record that was a dead letter before keeps the name of its source record, however often it fails.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from consumer.records import Headers, Partition, Record

CONNECT = "__connect.errors."
OURS = "lineage.dlq."
CONNECT_NAMES = frozenset(
    CONNECT + name
    for name in (
        *("topic", "partition", "offset", "connector.name", "task.id", "stage", "class.name"),
        *("exception.class.name", "exception.message"),
    )
)
_ID = re.compile(r"([A-Za-z0-9._-]{1,249})-(\d{1,9})-(\d{1,18})", re.ASCII)
_NUMBER = re.compile(r"-?\d{1,18}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Replayed:
    """What a record says of itself that was a dead letter before; `replay` is empty if somebody sent it by hand."""

    id: str
    partition: Partition  # of the source
    offset: int
    replay: str
    attempts: int  # how often it has failed
    most_attempts: int  # to be parked after so many; 0: never
    first_failed_at: str
    timestamp: int
    edit: str


def replayed(record: Record) -> Replayed | None:
    """What a replay wrote into the record's headers; None of a record that was never a dead letter."""
    if not record.headers or not (found := _ID.fullmatch(record.header(f"{OURS}id") or "")):
        return None

    def number(name: str, otherwise: int) -> int:
        text = record.header(f"{OURS}{name}") or ""
        return int(text) if _NUMBER.fullmatch(text) else otherwise

    return Replayed(
        found[0],
        Partition(found[1], int(found[2])),
        int(found[3]),
        record.header(f"{OURS}replay") or "",
        min(number("attempt", 1), 99_999),
        number("most_attempts", 0),
        record.header(f"{OURS}first_failed_at") or "",
        number("original_timestamp", record.timestamp),
        record.header(f"{OURS}edit") or "",
    )


def stated_at(record: Record) -> int:
    """When the event came to Kafka, in milliseconds: for a replayed one not when it was sent again."""
    earlier = replayed(record)
    return record.timestamp if earlier is None else earlier.timestamp


def bare(headers: Headers) -> Headers:
    """The headers as the producer sent them: the last of each name that we have added is left out."""
    buried = any(name == f"{OURS}class" for name, _ in headers)
    dropped, kept = set[str](), []
    for name, value in reversed(headers):
        ours = name.startswith(OURS) or (buried and name in CONNECT_NAMES)
        if ours and name not in dropped:
            dropped.add(name)
        else:
            kept.append((name, value))
    return tuple(reversed(kept))

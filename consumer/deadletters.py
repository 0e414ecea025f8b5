"""The dead letter as a Kafka record: key, value and headers as they came, and why it is here as text headers.

No event content and no secret is ever put into a header. Kafka Connect's header names come first, because
operators already search for them; `lineage.dlq.*` says what those cannot.
"""

from __future__ import annotations

import hashlib
import re
import socket
from dataclasses import dataclass
from typing import Literal

from consumer.records import Headers, Record
from consumer.replayed import CONNECT, OURS, bare, replayed
from mappers.redact import redact, without_userinfo

__all__ = ["CONNECT", "OURS", "DeadLetter", "Disposition", "Parcel", "Sender", "describe", "parcel"]

VERSION = "1"
MOST_MESSAGE = 500
MOST_POINTER = 2_000

Disposition = Literal["malformed", "rejected", "crash", "corrupt"]
_STAGES = {
    "malformed": ("VALUE_CONVERTER", "mappers"),
    "rejected": ("TASK_PUT", "lineagegraph.store"),
    "crash": ("VALUE_CONVERTER", "consumer.care"),
    "corrupt": ("CONSUME", "consumer.salvage"),
}


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A record that can never be written, and why; `message` holds no content of the event but field names."""

    record: Record
    reason: str
    pointer: str = ""
    message: str = ""
    producer: str | None = None
    disposition: Disposition = "malformed"

    @property
    def fingerprint(self) -> str:
        """What kind of failure this is: letters with the same cause share it, whatever their numbers."""
        kind = "\n".join((self.reason, _without_numbers(self.pointer), _without_numbers(self.message)))
        return hashlib.sha256(kind.encode()).hexdigest()[:16]

    @property
    def attempt(self) -> int:
        """How often this record has failed, counting from 1; a replay carries the earlier count."""
        earlier = replayed(self.record)
        return 1 if earlier is None else earlier.attempts + 1


@dataclass(frozen=True, slots=True)
class Sender:
    """Who buries: the group and the version of the worker."""

    group: str
    version: str


@dataclass(frozen=True, slots=True)
class Parcel:
    """What is sent to the dead-letter topic."""

    partition: int
    key: bytes | None
    value: bytes | None
    headers: Headers

    @property
    def size(self) -> int:
        """About how many bytes Kafka will count."""
        headers = sum(len(name) + len(value or b"") + 10 for name, value in self.headers)
        return len(self.key or b"") + len(self.value or b"") + headers + 100


def parcel(letter: DeadLetter, sender: Sender, partitions: int, now_ms: int, most_bytes: int) -> Parcel:
    """The letter as a record; if it is too large for the topic, a pointer to the source record instead."""
    record = letter.record
    earlier = replayed(record)
    number = (record if earlier is None else earlier).partition.number % partitions
    value = record.value
    # Kafka clients refuse a record with neither key nor value.
    sent = b"" if value is None and record.key is None else value
    whole = Parcel(number, record.key, sent, _headers(letter, sender, now_ms, "null" if value is None else "present"))
    if whole.size <= most_bytes:
        return whole
    return Parcel(number, record.key, b"", _headers(letter, sender, now_ms, "omitted"))


def describe(headers: Headers) -> dict[str, str]:
    """The text headers of a dead letter by name; of several with one name the last counts."""
    return {
        name: (value or b"").decode("utf-8", "replace") for name, value in headers if name.startswith((CONNECT, OURS))
    }


def _headers(letter: DeadLetter, sender: Sender, now_ms: int, value: str) -> Headers:
    record, now = letter.record, str(now_ms)
    earlier = replayed(record)
    first = record if earlier is None else earlier  # where it came from, not where it was sent again
    stage, place = _STAGES[letter.disposition]
    texts = {
        f"{CONNECT}topic": first.partition.topic,
        f"{CONNECT}partition": str(first.partition.number),
        f"{CONNECT}offset": str(first.offset),
        f"{CONNECT}connector.name": "lineagegraph",
        f"{CONNECT}task.id": socket.gethostname(),
        f"{CONNECT}stage": stage,
        f"{CONNECT}class.name": place,
        f"{CONNECT}exception.class.name": letter.reason,
        f"{CONNECT}exception.message": redact(letter.message, MOST_MESSAGE),
        f"{OURS}v": VERSION,
        f"{OURS}id": first.id,
        f"{OURS}class": letter.reason,
        f"{OURS}disposition": letter.disposition,
        f"{OURS}fingerprint": letter.fingerprint,
        f"{OURS}attempt": str(letter.attempt),
        f"{OURS}pointer": redact(letter.pointer, MOST_POINTER),
        f"{OURS}producer": redact(without_userinfo(letter.producer or ""), MOST_MESSAGE),
        f"{OURS}first_failed_at": (earlier.first_failed_at if earlier else "") or now,
        f"{OURS}failed_at": now,
        f"{OURS}original_timestamp": str(first.timestamp),
        f"{OURS}group": sender.group,
        f"{OURS}worker_version": sender.version,
        f"{OURS}payload_sha256": hashlib.sha256(record.value or b"").hexdigest(),
        f"{OURS}payload_bytes": str(len(record.value or b"")),
        f"{OURS}value": value,
    }
    if earlier is not None:
        texts |= {f"{OURS}replay": earlier.replay, f"{OURS}edit": earlier.edit}
    ours = tuple((name, text.encode("utf-8", "replace")) for name, text in texts.items())
    return (*(record.headers if earlier is None else bare(record.headers)), *ours)


def _without_numbers(text: str) -> str:
    return re.sub(r"\d+", "#", text)

"""A dead letter as it is read back, in any dialect: why it is there, where it came from, whose event it is. Pure."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any, Literal, cast

import orjson

from consumer.deadletters import DeadLetter
from consumer.dlq.dialects import UNKNOWN, Told, without_dialect
from consumer.dlq.edit_note import EditNote
from consumer.records import Headers, Partition, Record
from consumer.replayed import bare
from mappers.redact import redact

LOOKED_INTO = 2**20  # a larger value is not parsed to tell whose event it is
Kept = Literal["present", "null", "omitted"]


@dataclass(frozen=True, slots=True)
class Letter:
    """One record of a dead-letter topic, without its value. Times are in milliseconds, negative if not told."""

    id: str
    source: Partition
    offset: int
    place: Partition  # where the letter lies
    at: int  # and its offset there
    dialect: str
    reason: str
    disposition: str
    fingerprint: str
    pointer: str
    message: str
    producer: str
    attempts: int
    stated_at: int
    first_failed_at: int
    failed_at: int
    group: str
    worker_version: str
    sha256: str
    size: int
    kept: Kept
    replay: str
    edit: EditNote | None
    namespace: str
    job: str
    event_type: str
    key: str

    @property
    def edits(self) -> int:
        """How often people have changed the value."""
        return self.edit.number if self.edit else 0


def letter(record: Record) -> Letter:
    """What this record of a dead-letter topic says."""
    told = Told(record.headers)
    source = Partition(told.text("topic"), told.number("partition", -1))
    offset = told.number("offset", -1)
    if not source.topic or source.number < 0 or offset < 0:
        source, offset = record.partition, record.offset
    message = redact(told.text("message"), 500)
    reason = told.text("class").rpartition(".")[2] or "unknown"
    namespace, job, event_type, producer = _about(record.value)
    failed_at = told.number("failed_at", record.timestamp)
    return Letter(
        id=told.text("id") or f"{source.topic}-{source.number}-{offset}",
        source=source,
        offset=offset,
        place=record.partition,
        at=record.offset,
        dialect=told.dialect.name,
        reason=reason,
        disposition=told.text("disposition") or "unknown",
        fingerprint=told.text("fingerprint") or DeadLetter(record, reason, "", message).fingerprint,
        pointer=told.text("pointer"),
        message=message,
        producer=told.text("producer") or redact(producer, 500),
        attempts=max(1, told.number("attempts", 1)),
        stated_at=told.number("timestamp", -1),
        first_failed_at=told.number("first_failed_at", failed_at),
        failed_at=failed_at,
        group=told.text("group"),
        worker_version=told.text("worker_version"),
        sha256=told.text("payload_sha256") or hashlib.sha256(record.value or b"").hexdigest(),
        size=told.number("payload_bytes", len(record.value or b"")),
        kept=_kept(told, record),
        replay=told.text("replay"),
        edit=EditNote.parse(told.text("edit")),
        namespace=namespace,
        job=job,
        event_type=event_type,
        key=(record.key or b"").decode("utf-8", "replace"),
    )


def as_it_came(record: Record) -> Headers:
    """The headers of the source record, before anybody buried it."""
    dialect = Told(record.headers).dialect
    if dialect is UNKNOWN:
        return record.headers
    return without_dialect(record.headers, dialect) if dialect.prefixes else bare(record.headers)


def _kept(told: Told, record: Record) -> Kept:
    text = told.text("value")
    if text in ("present", "null", "omitted"):
        return cast(Kept, text)
    return "null" if record.value is None else "present"


def _about(value: bytes | None) -> tuple[str, str, str, str]:
    """Job namespace, job name, event type and producer, as far as the value tells them."""
    if not value or len(value) > LOOKED_INTO:
        return "", "", "", ""
    try:
        event = orjson.loads(value[5:] if value[0] == 0 else value)
    except orjson.JSONDecodeError:
        return "", "", "", ""
    job = _get(event, "job")
    return _text(job, "namespace"), _text(job, "name"), _text(event, "eventType"), _text(event, "producer")


def _get(part: Any, name: str) -> Any:
    return part.get(name) if isinstance(part, dict) else None


def _text(part: Any, name: str) -> str:
    found = _get(part, name)
    return found if isinstance(found, str) else ""

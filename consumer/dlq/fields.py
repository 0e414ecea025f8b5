"""What can be asked of dead letters: the fields of the filter language. Pure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from consumer.dlq.cases import Case
from consumer.dlq.ledger import STATES


@dataclass(frozen=True, slots=True)
class Field:
    """What can be asked for: how it is told, what it means, and an example."""

    kind: str  # text, number or time
    get: Callable[[Case], Any]
    meaning: str
    example: str


FIELDS: dict[str, Field] = {
    "class": Field("text", lambda case: case.letter.reason, "why it is a dead letter", "class=json_syntax"),
    "fingerprint": Field(
        "text", lambda case: case.letter.fingerprint, "equal causes share it", "fingerprint=1f0c55e0a2b96d11"
    ),
    "disposition": Field("text", lambda case: case.letter.disposition, "kind of failure", "disposition=crash"),
    "state": Field("text", lambda case: case.state, f"what became of it: {', '.join(STATES)}", "state=parked"),
    "producer": Field("text", lambda case: case.letter.producer, "the event's producer", "producer=*spark*"),
    "namespace": Field("text", lambda case: case.letter.namespace, "the event's job namespace", "namespace=air"),
    "job": Field("text", lambda case: case.letter.job, "the event's job name", "job~^daily"),
    "type": Field("text", lambda case: case.letter.event_type, "the event's type", "type=COMPLETE"),
    "pointer": Field("text", lambda case: case.letter.pointer, "place in the event", "pointer=/job/name"),
    "message": Field("text", lambda case: case.letter.message, "the message", "message~empty"),
    "group": Field("text", lambda case: case.letter.group, "group that buried it", "group=lineagegraph"),
    "version": Field("text", lambda case: case.letter.worker_version, "version that buried it", "version=0.1.*"),
    "key": Field("text", lambda case: case.letter.key, "the record's key", "key=run:air/*"),
    "replay": Field("text", lambda case: case.letter.replay, "the replay that it failed in last", "replay=8d1f02ab"),
    "id": Field("text", lambda case: case.letter.id, "its name: topic-partition-offset", "id=openlineage.events-3-42"),
    "topic": Field("text", lambda case: case.letter.source.topic, "source topic", "topic=openlineage.events"),
    "partition": Field("number", lambda case: case.letter.source.number, "source partition", "partition=3"),
    "offset": Field("number", lambda case: case.letter.offset, "source offset", "offset=100..200"),
    "attempts": Field("number", lambda case: case.letter.attempts, "how often it has failed", "attempts>=2"),
    "edits": Field("number", lambda case: case.letter.edits, "how often it was edited", "edits>=1"),
    "bytes": Field("number", lambda case: case.letter.size, "size of the value", "bytes>1000000"),
    "time": Field("time", lambda case: case.letter.stated_at, "when the record came to Kafka", "time>=2026-11-01"),
    "failed": Field("time", lambda case: case.letter.failed_at, "when it failed last", "failed>=2026-11-25T12:00"),
    "first": Field("time", lambda case: case.letter.first_failed_at, "when it failed first", "first<3d"),
}

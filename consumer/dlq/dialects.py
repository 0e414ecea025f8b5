"""The header dialects of dead letters: ours, and those of others, so that anybody's letters can be read. Pure.

A row of the table is a dialect; of several headers with one name the last counts.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from consumer.records import Headers
from consumer.replayed import CONNECT, OURS


@dataclass(frozen=True, slots=True)
class Dialect:
    """Under which names a dead-letter queue tells what; several names: the first that is there."""

    name: str
    mark: str  # the header by which it is known
    prefixes: tuple[str, ...]  # of its headers: they are no part of the record as it came
    fields: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    binary: bool = False  # numbers are big-endian integers of 4 or 8 bytes, not text


def _coordinates(prefix: str) -> dict[str, tuple[str, ...]]:
    return {name: (prefix + name,) for name in ("topic", "partition", "offset")}


_SPRING = "kafka_dlt-"
DIALECTS = (
    Dialect(
        "lineagegraph",
        f"{OURS}class",
        (),
        {
            **_coordinates(CONNECT),
            "message": (f"{CONNECT}exception.message",),
            "timestamp": (f"{OURS}original_timestamp",),
            "attempts": (f"{OURS}attempt",),
            **{
                name: (OURS + name,)
                for name in (
                    *("id", "class", "disposition", "fingerprint", "pointer", "producer", "first_failed_at"),
                    *("failed_at", "group", "worker_version", "payload_sha256", "payload_bytes", "value"),
                    *("replay", "edit"),
                )
            },
        },
    ),
    Dialect(
        "spring",
        f"{_SPRING}original-topic",
        (_SPRING, "kafka_deliveryAttempt", "retry_topic-"),
        {
            **{name: (f"{_SPRING}original-{name}",) for name in ("topic", "partition", "offset", "timestamp")},
            "group": (f"{_SPRING}original-consumer-group",),
            "class": (f"{_SPRING}exception-cause-fqcn", f"{_SPRING}exception-fqcn"),
            "message": (f"{_SPRING}exception-message",),
            "attempts": ("kafka_deliveryAttempt", "retry_topic-attempts"),
        },
        binary=True,
    ),
    Dialect(
        "streams",
        "__streams.errors.topic",
        ("__streams.errors.",),
        {
            **_coordinates("__streams.errors."),
            "class": ("__streams.errors.exception",),
            "message": ("__streams.errors.message",),
        },
    ),
    Dialect(
        "share",
        "__dlq.errors.topic",
        ("__dlq.errors.",),
        {
            **_coordinates("__dlq.errors."),
            "group": ("__dlq.errors.group",),
            "message": ("__dlq.errors.message",),
            "attempts": ("__dlq.errors.delivery.count",),
        },
    ),
    Dialect(
        "connect",
        f"{CONNECT}topic",
        (CONNECT,),
        {
            **_coordinates(CONNECT),
            "class": (f"{CONNECT}exception.class.name",),
            "message": (f"{CONNECT}exception.message",),
        },
    ),
)
UNKNOWN = Dialect("unknown", "", ())


def dialect_of(headers: Headers) -> Dialect:
    """The dialect that these headers speak: the one whose mark stands last, since who buries last adds last."""
    marks = {dialect.mark: dialect for dialect in DIALECTS}
    if any(name == DIALECTS[0].mark for name, _ in headers):
        return DIALECTS[0]
    return next((marks[name] for name, _ in reversed(headers) if name in marks), UNKNOWN)


class Told:
    """What the headers of one dead letter say, by our names."""

    def __init__(self, headers: Headers) -> None:
        self.dialect = dialect_of(headers)
        self._last = dict(headers)

    def text(self, name: str) -> str:
        """The text of that name; empty if it is not told."""
        return (self._raw(name) or b"").decode("utf-8", "replace")

    def number(self, name: str, otherwise: int) -> int:
        """The number of that name."""
        raw = self._raw(name)
        if raw is None:
            return otherwise
        if self.dialect.binary and len(raw) in (4, 8):
            return int.from_bytes(raw, "big", signed=True)
        try:
            return int(raw)
        except ValueError:
            return otherwise

    def _raw(self, name: str) -> bytes | None:
        for header in self.dialect.fields.get(name, ()):
            if (value := self._last.get(header)) is not None:
                return value
        return None


def without_dialect(headers: Headers, dialect: Dialect) -> Headers:
    """The headers without those that this dialect added."""
    return tuple((name, value) for name, value in headers if not name.startswith(dialect.prefixes))

"""The numbers of a dead-letter queue, the same for tables, JSON, metrics and pages. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from consumer.dlq.cases import Case
from consumer.dlq.fields import FIELDS
from consumer.dlq.ledger import STATES, Ledger

NEW_MS = 3_600_000  # a cause first seen within an hour is new


def _hour(case: Case) -> str:
    return datetime.fromtimestamp(case.letter.failed_at / 1000, UTC).strftime("%Y-%m-%dT%H")


def _field(name: str) -> Callable[[Case], str]:
    get = FIELDS[name].get
    return lambda case: str(get(case))


# What letters can be grouped by.
GROUPS: dict[str, Callable[[Case], str]] = {
    **{
        name: _field(name)
        for name in (
            *("class", "fingerprint", "state", "disposition", "producer", "namespace", "job"),
            *("topic", "partition", "attempts", "version"),
        )
    },
    "hour": _hour,
}


@dataclass(slots=True)
class Row:
    """The letters that share something; `example` is the newest of them."""

    name: str
    states: Counter[str] = field(default_factory=Counter)
    first: int = 2**63
    last: int = -1
    example: Case | None = None

    @property
    def count(self) -> int:
        """How many there are."""
        return self.states.total()

    def add(self, case: Case) -> None:
        """Take in one more."""
        self.states[case.state] += 1
        self.first = min(self.first, case.letter.first_failed_at)
        if case.letter.failed_at >= self.last:
            self.last, self.example = case.letter.failed_at, case

    def new(self, now_ms: int) -> bool:
        """Whether nothing like it was seen before the last hour."""
        return now_ms - self.first < NEW_MS


def grouped(cases: Iterable[Case], by: str) -> list[Row]:
    """One row for each value of this, the most open ones first."""
    key, rows = GROUPS[by], dict[str, Row]()
    for case in cases:
        name = key(case)
        rows.setdefault(name, Row(name)).add(case)
    if by == "hour":
        return sorted(rows.values(), key=lambda row: row.name)
    return sorted(rows.values(), key=lambda row: (-row.states["open"], -row.count, row.name))


@dataclass(slots=True)
class Numbers:
    """All that is counted of one source's letters."""

    source: str
    states: Counter[str] = field(default_factory=Counter)
    classes: list[Row] = field(default_factory=list)
    fingerprints: list[Row] = field(default_factory=list)
    oldest_open: int = -1
    replays_running: int = 0

    def as_json(self, now_ms: int) -> dict[str, Any]:
        """For programs and pages; times are milliseconds, null where there is none."""
        return {
            "source": self.source,
            "letters": self.states.total(),
            "states": {state: self.states[state] for state in STATES},
            "oldest_open": self.oldest_open if self.oldest_open >= 0 else None,
            "replays_running": self.replays_running,
            "new_classes": [row.name for row in self.classes if row.new(now_ms)],
            "new_fingerprints": [row.name for row in self.fingerprints if row.new(now_ms)],
            "classes": [row_as_json(row) for row in self.classes],
            "fingerprints": [row_as_json(row) for row in self.fingerprints],
        }


def row_as_json(row: Row) -> dict[str, Any]:
    """One row for programs."""
    example = row.example
    return {
        "name": row.name,
        "letters": row.count,
        **{state: row.states[state] for state in STATES},
        "first": row.first,
        "last": row.last,
        "class": example.letter.reason if example else None,
        "pointer": example.letter.pointer if example else None,
        "message": example.letter.message if example else None,
        "example": example.letter.id if example else None,
    }


def numbers(source: str, cases: Iterable[Case], ledger: Ledger) -> Numbers:
    """Count these cases; of the ledger come the replays that go on."""
    found = Numbers(source, replays_running=sum(note.state == "running" for note in ledger.replays.values()))
    every = list(cases)
    for case in every:
        found.states[case.state] += 1
        if case.state == "open" and (found.oldest_open < 0 or case.letter.first_failed_at < found.oldest_open):
            found.oldest_open = case.letter.first_failed_at
    found.classes = grouped(every, "class")
    found.fingerprints = grouped(every, "fingerprint")
    return found

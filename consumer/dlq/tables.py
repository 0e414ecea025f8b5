"""Tables of many letters, causes, outcomes or replays; what is cut is never a name that one would copy."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rich.table import Table

from consumer.dlq.cases import Case
from consumer.dlq.layout import age, table
from consumer.dlq.ledger import Ledger, ReplayNote
from consumer.dlq.page import what
from consumer.dlq.progress import Progress, progress_of, stage
from consumer.dlq.stats import Row
from consumer.dlq.trial import Outcome


def groups(by: str, rows: Sequence[Row], now_ms: int) -> Table:
    """Letters counted by something."""
    numbers = ("letters", "open", "sent", "resolved", "parked", "discarded", "oldest", "newest")
    cells = []
    for row in rows:
        states = row.states
        sent = states["sent"] + states["planned"]
        counts = (row.count, states["open"], sent, states["resolved"], states["parked"], states["discarded"])
        ages = age(row.first, now_ms), age(row.last, now_ms)
        name = f"{row.name or '–'}{' (new)' if row.new(now_ms) else ''}"
        cells.append((name, *(str(count) if count else "·" for count in counts), *ages))
    return table((by, *numbers), cells, right=numbers)


def causes(rows: Sequence[Row]) -> Table:
    """The commonest causes, each with the letter to look at."""
    cells = [
        (row.name, str(row.states["open"]), row.example.letter.reason, what(row.example), row.example.letter.id)
        for row in rows
        if row.example is not None
    ]
    return table(("fingerprint", "open", "class", "what", "for example"), cells, right=("open",), cut=("what",))


def letters(cases: Sequence[Case], now_ms: int) -> Table:
    """One line for each letter; an asterisk marks those that were edited."""
    cells = []
    for case in cases:
        one = case.letter
        state = f"{case.state}*" if one.edits else case.state
        cells.append(
            (one.id, one.reason, what(case), one.job or "–", str(one.attempts), state, age(one.failed_at, now_ms))
        )
    heads = ("id", "class", "what", "job", "tries", "state", "failed")
    return table(heads, cells, right=("tries", "failed"), cut=("what", "job"))


def outcomes(many: Iterable[tuple[Case, Outcome]]) -> Table:
    """How a replay would end, by cause."""
    counted: dict[tuple[str, str, str], list[str]] = {}
    for case, one in many:
        why = " ".join(part for part in (one.pointer, one.message) if part)
        counted.setdefault((one.end, one.reason or "–", why), []).append(case.letter.id)
    ordered = sorted(counted.items(), key=lambda one: (_ENDS.index(one[0][0]), -len(one[1])))
    cells = [(_WORDS[end], str(len(ids)), reason, why, ids[0]) for (end, reason, why), ids in ordered]
    return table(("outcome", "letters", "class", "why", "for example"), cells, right=("letters",), cut=("why",))


_WORDS = {
    "written": "would be written",
    "skipped": "would be skipped",
    "fails": "still fails",
    "kills": "still kills",
    "cannot_be_sent": "cannot be sent",
}
_ENDS = list(_WORDS)


def replays(ledger: Ledger, notes: Sequence[ReplayNote], now_ms: int) -> Table:
    """Replays and how far they are."""
    numbers = ("letters", "to send", "waiting", "resolved", "failed", "left", "begun")
    cells = [
        (
            note.replay,
            stage(ledger, note.replay),
            *counts(progress_of(ledger, note.replay)),
            age(note.at, now_ms),
            note.filter or "–",
        )
        for note in notes
    ]
    return table(("replay", "state", *numbers, "filter"), cells, right=numbers, cut=("filter",))


def counts(progress: Progress) -> tuple[str, ...]:
    """How many letters of a replay are where."""
    steps = progress.steps
    numbers = (progress.total, steps["planned"], steps["sent"], steps["resolved"], steps["failed"], steps["left"])
    return tuple(str(number) if number else "·" for number in numbers)

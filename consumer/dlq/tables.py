"""Tables and pages for people, readable at 100 columns; what is cut is never a name that one would copy."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Literal

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from consumer.dlq.cases import Case
from consumer.dlq.ledger import Ledger, ReplayNote
from consumer.dlq.progress import Progress, progress_of, stage
from consumer.dlq.stats import Row
from consumer.dlq.trial import Outcome
from consumer.records import Record
from mappers.redact import redact

WIDTH = 100
MOST_VALUE = 2_000
GAP = 3  # between two columns
LEAST = 8  # of a column that is cut
LEAST_NAME = 16  # of one that is folded
MOST_NAME = 40  # columns of a name that is shown whole; a longer one is folded
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
_UNITS = ((86_400_000, "d"), (3_600_000, "h"), (60_000, "min"), (1_000, "s"))


def console() -> Console:
    """Standard output: as wide as the terminal, else 100 columns."""
    return Console() if sys.stdout.isatty() else Console(width=WIDTH, color_system=None)


def table(
    heads: Sequence[str], rows: Iterable[Sequence[str]], right: Sequence[str] = (), cut: Sequence[str] = ()
) -> Table:
    """A table; where there is no room the columns of `cut` end in an ellipsis, very long names are folded."""
    texts = [[plain(cell) for cell in row] for row in rows]
    widths = [max([len(head), *(row[n].cell_len for row in texts)]) for n, head in enumerate(heads)]
    widths = [width if head in cut else min(width, MOST_NAME) for head, width in zip(heads, widths, strict=True)]
    _shrink(widths, [n for n, head in enumerate(heads) if head in cut], LEAST)
    _shrink(widths, [n for n, head in enumerate(heads) if head not in right], LEAST_NAME)
    made = Table(box=box.SIMPLE_HEAD, pad_edge=False, expand=False)
    for head, width in zip(heads, widths, strict=True):
        justify: Literal["left", "right"] = "right" if head in right else "left"
        short = head in cut
        made.add_column(head, justify=justify, width=width, no_wrap=short, overflow="ellipsis" if short else "fold")
    for row in texts:
        made.add_row(*row)
    return made


def _shrink(widths: list[int], columns: Sequence[int], least: int) -> None:
    """Take from the widest of these columns, one by one, until all fit or none can give more."""
    while sum(widths) + GAP * len(widths) > console().width and (wide := [n for n in columns if widths[n] > least]):
        widths[max(wide, key=lambda n: widths[n])] -= 1


def plain(text: str) -> Text:
    """Text without what could command a terminal."""
    return Text(_CONTROL.sub("\N{REPLACEMENT CHARACTER}", text))


def age(then_ms: int, now_ms: int) -> str:
    """How long ago, in one unit."""
    if then_ms < 0:
        return "–"
    for size, unit in _UNITS:
        if now_ms - then_ms >= size:
            return f"{(now_ms - then_ms) // size} {unit}"
    return "now"


def moment(ms: int) -> str:
    """A time, to the second, in UTC."""
    return datetime.fromtimestamp(ms / 1000, UTC).strftime("%Y-%m-%d %H:%M:%SZ") if ms >= 0 else "–"


def what(case: Case) -> str:
    """What is wrong, in a few words."""
    return " ".join(part for part in (case.letter.pointer, case.letter.message) if part)


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


def page(case: Case, record: Record | None, ledger: Ledger, whole: bool) -> Iterable[str | Table]:
    """Everything about one letter."""
    one = case.letter
    facts = {
        "state": case.state,
        "class": f"{one.reason} ({one.disposition})",
        "where in the event": one.pointer,
        "why": one.message,
        "fingerprint": one.fingerprint,
        "event": f"{one.event_type} of {one.namespace} {one.job}".strip() if one.job else "",
        "producer": one.producer,
        "source": f"{one.source.topic}, partition {one.source.number}, offset {one.offset}",
        "key": redact(one.key, 200),
        "came to Kafka": moment(one.stated_at),
        "failed": f"{one.attempts} times, first {moment(one.first_failed_at)}, last {moment(one.failed_at)}",
        "buried by": f"group {one.group or '–'}, version {one.worker_version or '–'}, dialect {one.dialect}",
        "lies at": ", ".join(f"{one.place.topic}-{number}@{offset}" for number, offset in case.places),
        "value": f"{one.size} bytes, {one.kept}, sha256 {one.sha256}",
    }
    if one.edit:
        facts["edited"] = f"{one.edit.number} times, last by {one.edit.by} {moment(one.edit.at)}: {one.edit.reason}"
        facts["patch"] = one.edit.patch
        facts["made of"] = f"{one.place.topic}-{one.edit.of}, original sha256 {one.edit.original_sha256}"
    made = Table(box=None, show_header=False, pad_edge=False)
    made.add_column(no_wrap=True, style="bold")
    made.add_column(overflow="fold")
    for name, text in facts.items():
        if text:
            made.add_row(name, plain(text))
    yield plain(one.id).plain
    yield made
    yield from history(case.letter.id, ledger)
    if record is not None:
        yield value(record, whole)


def history(id_: str, ledger: Ledger) -> Iterable[Table]:
    """What was decided and tried, in its order."""
    entries = [
        *(
            (one.at, f"replay {one.replay or 'by hand'}", one.state, one.note)
            for one in ledger.tried.get(id_, {}).values()
        ),
        *((one.at, one.by, one.state, one.note) for one in [ledger.decided.get(id_)] if one is not None),
    ]
    if entries:
        cells = [(moment(at), who, state, note or "–") for at, who, state, note in sorted(entries)]
        yield table(("when", "who", "what", "note"), cells)


def value(record: Record, whole: bool) -> str:
    """The value as text: indented if it is JSON, and cut unless the whole is wanted."""
    if record.value is None:
        return "(no value)"
    try:
        text = json.dumps(json.loads(record.value), indent=1, ensure_ascii=False)
        text.encode()
    except (ValueError, RecursionError):
        text = record.value.decode("utf-8", "backslashreplace")
    text = _CONTROL.sub(lambda found: f"\\x{ord(found[0]):02x}", text)
    if whole or len(text) <= MOST_VALUE:
        return text
    return f"{text[:MOST_VALUE]}\n… {len(text) - MOST_VALUE} characters more (--whole shows all)"


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

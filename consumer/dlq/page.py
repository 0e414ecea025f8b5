"""Everything about one letter, for people."""

from __future__ import annotations

import json
from collections.abc import Iterable

from rich.table import Table

from consumer.dlq.cases import Case
from consumer.dlq.layout import escaped, line, moment, plain, table
from consumer.dlq.ledger import Ledger
from consumer.records import Record
from mappers.redact import redact

MOST_VALUE = 2_000


def what(case: Case) -> str:
    """What is wrong, in a few words."""
    return " ".join(part for part in (case.letter.pointer, case.letter.message) if part)


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


def title(case: Case, before: str = "") -> str:
    """One letter in one line."""
    return line(f"{before}{case.letter.id}  {case.letter.reason}", what(case))


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
    text = escaped(text)
    if whole or len(text) <= MOST_VALUE:
        return text
    return f"{text[:MOST_VALUE]}\n… {len(text) - MOST_VALUE} characters more (--whole shows all)"

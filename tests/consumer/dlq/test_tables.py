"""What people read fits into 100 columns, shows whole names, and cannot command their terminal."""

from __future__ import annotations

import inspect
import io
import sys
from dataclasses import replace
from typing import Any

import pytest
from rich.console import Console
from rich.table import Table

from consumer.dlq import layout, tables
from consumer.dlq import page as page_of_a_letter
from consumer.dlq.cases import Cases
from consumer.dlq.edit_note import EditNote
from consumer.dlq.ledger import Decided, ReplayNote, Tried, encode
from consumer.dlq.page import page, title, value
from consumer.dlq.stats import grouped
from consumer.dlq.trial import Outcome
from tests.consumer.dlq.made import a_case, buried, source
from tests.consumer.fakes import TIME

LONG = "a very long word of somebody else " * 8
NOW = TIME + 3 * 3_600_000


def shown(*parts: Table | str) -> str:
    out = io.StringIO()
    console = Console(file=out, width=layout.WIDTH, color_system=None)
    for part in parts:
        console.print(part)
    return out.getvalue()


def many() -> Cases:
    """Letters with every state, long names and long messages."""
    cases = Cases()
    for number, state in enumerate(("open", "parked", "discarded", "planned", "sent", "resolved", "failed")):
        name = f"openlineage.events.of.the.whole.company-11-{1_000_000_000 + number}"
        one = a_case(number, "corrupt_record").letter
        note = EditNote(1, "somebody@somewhere", TIME, LONG, "1@2", "ab" * 32, LONG) if number == 0 else None
        cases.add(replace(one, id=name, message=LONG, job=LONG, producer=LONG, namespace=LONG, edit=note, attempts=10))
        if state in ("parked", "discarded"):
            cases.ledger.add(*encode(Decided(name, state, TIME, "somebody@somewhere", LONG)))  # type: ignore[arg-type]
        elif state != "open":
            cases.ledger.add(*encode(Tried(name, "8d1f02ab", state, TIME, note=LONG)))  # type: ignore[arg-type]
    options = {"rate": 200.0, "to": "retry"}
    for name, stage in (("8d1f02ab", "running"), ("11111111", "preparing"), ("22222222", "cancelled")):
        cases.ledger.add(*encode(ReplayNote(name, stage, TIME, 123_456, "me", LONG, options=options)))  # type: ignore[arg-type]
    return cases


def pages() -> dict[str, str]:
    cases = many()
    every = list(cases)
    outcomes = [(one, Outcome(one.letter.id, "fails", "corrupt_record", "/a/b", LONG)) for one in every]
    outcomes += [(every[0], Outcome(every[0].letter.id, end)) for end in ("written", "skipped", "kills")]
    record = buried(source(0), 0)
    return {
        **{f"stats by {by}": shown(tables.groups(by, grouped(every, by), NOW)) for by in ("class", "job", "producer")},
        "causes": shown(tables.causes(grouped(every, "fingerprint"))),
        "ls": shown(tables.letters(every, NOW)),
        "test": shown(tables.outcomes(outcomes)),
        "status": shown(tables.replays(cases.ledger, list(cases.ledger.replays.values()), NOW)),
        **{f"show {case.state}": shown(*page(case, record, cases.ledger, whole=False)) for case in every},
    }


@pytest.mark.parametrize("name", pages())
def test_a_page_fits_into_100_columns(name: str) -> None:
    text = pages()[name]
    assert max(map(len, text.splitlines())) <= 100
    assert text.strip()


def test_every_table_and_line_of_the_commands_is_among_those_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    made = {
        f"{module.__name__}.{name}"
        for module in (tables, page_of_a_letter)
        for name, function in vars(module).items()
        if inspect.isfunction(function) and function.__module__ == module.__name__
        if inspect.signature(function).return_annotation in ("Table", "Iterable[Table]", "Iterable[str | Table]")
    }
    assert len(made) == 7
    seen = set[str]()
    for full in made:
        module, _, name = full.rpartition(".")
        function = getattr(sys.modules[module], name)

        def noted(*given: Any, _full: str = full, _function: Any = function, **more: Any) -> Any:
            seen.add(_full)
            return _function(*given, **more)

        monkeypatch.setattr(sys.modules[module], name, noted)
    monkeypatch.setattr(sys.modules[__name__], "page", page_of_a_letter.page)
    pages()
    assert seen == made


def test_a_letter_in_one_line_is_cut_behind_its_name() -> None:
    (case, *_) = many()
    line = title(case, "2026-11-18 10:00:00Z  ")
    assert len(line) <= 100
    assert "\n" not in title(replace(case, letter=replace(case.letter, message="two\nlines")))
    assert case.letter.id in line
    assert case.letter.reason in line
    assert line.endswith("…")
    long = replace(case, letter=replace(case.letter, id="x" * 150))
    assert "x" * 150 in title(long), "a name is never cut"


def test_names_that_one_would_copy_are_shown_whole() -> None:
    cases = list(many())
    text = shown(tables.letters(cases, NOW))
    pieces = [line.split("  ")[0].strip() for line in text.splitlines()[3:]]
    assert cases[0].letter.id in "".join(pieces), "a name that is too long is folded and not cut"
    assert "…" in text, "what is cut says so"
    assert cases[0].letter.fingerprint in shown(tables.causes(grouped(cases, "fingerprint")))
    short = shown(tables.letters([a_case(7)], NOW))
    assert "events-1-7" in short
    assert "8d1f02ab" in pages()["status"]


def test_every_number_of_a_row_is_there() -> None:
    text = shown(tables.groups("class", grouped(many(), "class"), NOW))
    row = next(line for line in text.splitlines() if "corrupt_record" in line)
    assert row.split()[1:7] == ["7", "2", "2", "1", "1", "1"], "2 open, 2 sent, 1 resolved, 1 parked, 1 discarded"


@pytest.mark.parametrize("text", ["\x1b[2Jgone", "a\x07b", "\x9b31m", "\rover"])
def test_what_a_letter_says_cannot_command_the_terminal(text: str) -> None:
    case = replace(a_case(1), letter=replace(a_case(1).letter, job=text, message=text, id=text))
    record = replace(buried(source(1), 1), value=text.encode())
    parts = [tables.letters([case], NOW), *page(case, record, many().ledger, whole=True)]
    assert not set("\x1b\x07\x9b\r") & set(shown(*parts) + value(record, True))


def test_values_are_shown_as_json_as_text_or_as_what_they_are() -> None:
    record = buried(source(1), 1)
    assert '\n "eventType": "COMPLETE"' in value(record, True)
    assert value(replace(record, value=None), True) == "(no value)"
    assert value(replace(record, value=b"\xff{"), True) == "\\xff{"
    assert value(replace(record, value=b"[" * 5000), False).endswith("(--whole shows all)")
    assert value(replace(record, value=b'{"n": 5974101018787936586}'), True) == '{\n "n": 5974101018787936586\n}'


@pytest.mark.parametrize(
    ("milliseconds", "text"),
    [(0, "now"), (999, "now"), (1_000, "1 s"), (119_000, "1 min"), (7_200_000, "2 h"), (3 * 86_400_000, "3 d")],
)
def test_ages_have_one_unit(milliseconds: int, text: str) -> None:
    assert layout.age(TIME - milliseconds, TIME) == text
    assert layout.age(-1, TIME) == "–"


def test_a_page_tells_who_edited_and_why() -> None:
    cases = many()
    text = shown(*page(next(iter(cases)), None, cases.ledger, whole=False))
    assert "corrupt_record (malformed)" in text
    assert "1 times, last by somebody@somewhere" in text

"""Exit codes say how a command ended, and are told in the docs; which letters are meant where nobody says which."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click
import pytest

from consumer.cli import main
from consumer.dlq import asking
from consumer.dlq.ledger import Decided, Tried
from consumer.errors import KafkaUnusable
from tests.consumer.dlq.made import buried, source
from tests.consumer.dlq.memory import MemoryKafka
from tests.consumer.dlq.test_docs import PAGE
from tests.consumer.fakes import TIME

BROKEN, SOUND, PARKED, DISCARDED, RESOLVED = (f"events-{n % 3}-{n}" for n in range(5))


@pytest.fixture
def kafka(monkeypatch: pytest.MonkeyPatch) -> MemoryKafka:
    """An open letter that fails again, one that would be written, and one each that is not open any more."""
    values: dict[int, dict[str, Any]] = {0: {"value": b"{"}}
    made = MemoryKafka(*(buried(source(n, **values.get(n, {})), n, "too_large", now=TIME + n) for n in range(5)))
    made.enter(
        *(Decided(PARKED, "parked", TIME), Decided(DISCARDED, "discarded", TIME)),
        Tried(RESOLVED, "8d1f02ab", "resolved", TIME),
    )
    monkeypatch.setattr("consumer.dlq.asking.open_desk", made.open)
    monkeypatch.setenv("LINEAGE_TOPICS", "events")
    return made


def ends(*arguments: str) -> int:
    """The exit code of a command."""
    try:
        main(["dlq", *arguments])
    except SystemExit as ended:
        return int(ended.code or 0)
    return 0


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["stats"], 0),
        (["stats", "class=names"], 0),
        (["ls"], 0),
        (["show", SOUND], 0),
        (["show", "events-9-9"], 2),
        (["peek"], 0),
        (["tail", "--no-follow"], 0),
        (["export"], 0),
        (["test"], 3),
        (["test", SOUND], 0),
        (["test", BROKEN], 3),
        (["test", "class=names"], 0),
        (["plan"], 0),
        (["replay", "--dry-run"], 0),
        (["replay", "--dry-run", "--to", "nowhere"], 2),
        (["resume", "nothing"], 2),
        (["status"], 0),
        (["status", "nothing"], 2),
        (["cancel", "nothing"], 2),
        (["edit", SOUND], 2),
        (["park", "colour=red"], 2),
        (["unpark", "job=nothing"], 0),
        (["discard", SOUND], 2),
        (["purge", "--dry-run"], 0),
        (["purge", "--before", "soon"], 2),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else str(value),
)
def test_a_command_ends_with_the_code_that_it_should(kafka: MemoryKafka, arguments: Sequence[str], code: int) -> None:
    assert ends(*arguments) == code


@pytest.mark.parametrize("command", ["stats", "ls", "test", "plan", "export", "status", "purge"])
def test_what_the_user_can_mend_ends_with_1_and_one_sentence(
    kafka: MemoryKafka, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], command: str
) -> None:
    def refuse(*_: object) -> None:
        raise KafkaUnusable("No Kafka broker answers at 127.0.0.1:1.")

    monkeypatch.setattr("consumer.dlq.asking.open_desk", refuse)
    assert ends(command) == 1
    assert capsys.readouterr().err == "Error: No Kafka broker answers at 127.0.0.1:1.\n"


def test_interrupted_by_hand_ends_with_130(kafka: MemoryKafka, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("consumer.dlq.asking.open_desk", interrupt)
    assert ends("stats") == 130


@pytest.mark.parametrize(
    ("arguments", "meant"),
    [
        (["ls"], [BROKEN, SOUND]),
        (["ls", "state=parked"], [PARKED]),
        (["ls", DISCARDED], [DISCARDED]),
        (["ls", "state=open,resolved", "offset>=1"], [SOUND, RESOLVED]),
        (["peek", "-n", "9"], [BROKEN, SOUND, PARKED, DISCARDED, RESOLVED]),
        (["test", "--each"], [BROKEN, SOUND]),
    ],
    ids=" ".join,
)
def test_open_letters_are_meant_unless_the_filter_says_otherwise(
    kafka: MemoryKafka, capsys: pytest.CaptureFixture[str], arguments: Sequence[str], meant: Sequence[str]
) -> None:
    ends(*arguments, "--json")
    told = json.loads(capsys.readouterr().out)
    rows = told["each"] if "each" in told else told["letters"]
    assert sorted(row["id"] for row in rows) == sorted(meant)


@pytest.mark.parametrize(
    ("arguments", "letters", "state"), [(["park"], 2, "parked"), (["unpark"], 1, "open"), (["discard", "--yes"], 3, "")]
)
def test_decisions_are_about_letters_of_which_they_can_be_made(
    kafka: MemoryKafka, monkeypatch: pytest.MonkeyPatch, arguments: Sequence[str], letters: int, state: str
) -> None:
    decided = list[Any]()

    class Pen:
        async def __aenter__(self) -> Pen:
            return self

        async def __aexit__(self, *_: object) -> None:
            return None

        async def enter(self, entries: Sequence[Any]) -> None:
            decided.extend(entries)

    async def prepared(_: object) -> None:
        return None

    monkeypatch.setattr("consumer.dlq.decide.open_pen", lambda *_: Pen())
    monkeypatch.setattr("consumer.dlq.desk.Desk.prepare", prepared)
    assert ends(*arguments) == 0
    assert len(decided) == letters
    assert {one.state for one in decided} == {state or "discarded"}
    decided.clear()
    assert ends(*arguments, "state=resolved") == 0
    assert decided == [], "what has ended stays ended"


def test_the_docs_tell_every_code() -> None:
    table = PAGE.split("## Exit codes")[1].split("\n## ")[0]
    told = {int(code) for code in re.findall(r"^\| (\d+) \|", table, re.M)}
    assert told == {0, 1, click.UsageError.exit_code, asking.PARTLY, 70, 130}
    source_of = {path.stem: path.read_text(encoding="utf-8") for path in Path(asking.__file__).parent.glob("*.py")}
    partly = {name for name, text in source_of.items() if "sys.exit(PARTLY)" in text}
    assert partly == {"predict", "mend", "send"}, "the commands test, edit, replay and resume"
    assert all(f"`{command}`" in table for command in ("test", "edit", "replay", "resume"))


def test_a_value_that_is_edited_only_in_thought_is_not_written(
    kafka: MemoryKafka, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    class Pen:
        async def __aenter__(self) -> Pen:
            return self

        async def __aexit__(self, *_: object) -> None:
            return None

    monkeypatch.setattr("consumer.dlq.mend.open_pen", lambda *_: Pen())
    patch = json.dumps([{"op": "replace", "path": "/job/name", "value": "mended"}])
    assert ends("edit", "class=too_large", "--op", patch, "--dry-run", "--json") == 3
    told = json.loads(capsys.readouterr().out)
    assert (told["edited"], told["well"], len(told["not_edited"])) == (1, 1, 1), "what is no JSON cannot be patched"

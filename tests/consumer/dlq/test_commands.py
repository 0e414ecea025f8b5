"""The commands as one meets them: help with an example, options that do not fit together, exit codes."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from consumer.cli import cli
from consumer.dlq.commands import COMMANDS, dlq
from consumer.dlq.fields import FIELDS

NAMES = (
    *("stats", "ls", "show", "peek", "tail", "export", "test", "plan", "replay", "resume", "status", "cancel"),
    *("edit", "park", "unpark", "discard", "purge"),
)


def command(name: str) -> click.Command:
    found = dlq.get_command(click.Context(dlq), name)
    assert found is not None
    return found


def run(*arguments: str) -> tuple[int, str]:
    done = CliRunner().invoke(cli, ["dlq", *arguments])
    return done.exit_code, done.output


def examples(name: str) -> list[list[str]]:
    """The example of a command's help, as the shell would split it."""
    text = (command(name).help or "").replace("\\\n", " ")
    found = re.findall(r"Example: lineagegraph (dlq .*)", text)
    return [shlex.split(one)[1:] for one in found]


def test_all_commands_are_there_and_no_other() -> None:
    assert set(COMMANDS) == set(NAMES) == set(dlq.list_commands(click.Context(dlq)))


@pytest.mark.parametrize("name", NAMES)
def test_every_command_has_help_with_an_example_and_json(name: str) -> None:
    code, text = run(name, "--help")
    assert code == 0
    assert f"Example: lineagegraph dlq {name}" in text
    assert "--json" in text
    assert max(map(len, text.splitlines())) <= 100


@pytest.mark.parametrize("name", NAMES)
def test_every_example_can_be_given_as_it_stands(name: str) -> None:
    (example,) = examples(name)
    assert example[0] == name
    with command(name).make_context(name, example[1:]) as context:
        assert not context.args


def test_the_help_of_the_group_explains_the_filter() -> None:
    _, text = run("--help")
    assert all(f"  {name}" in text for name in FIELDS)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("ls", "clas=x"), "Did you mean 'class'"),
        (("edit", "class=names"), "exactly one of --patch, --op, --value and --restore"),
        (("edit", "class=names", "--op", "[]", "--restore"), "exactly one of"),
        (("edit", "--op", "[]"), "Say which letters"),
        (("edit", "class=names", "--op", "{"), "This is no JSON Patch"),
        (("plan", "--json"), "--json needs --output"),
        (("replay", "--rate", "fast"), "'fast' is no rate such as 200/s"),
        (("replay", "--abort-if-failing", "200%"), "more than all of them"),
        (("purge", "--before", "yesterday"), "neither a time such as"),
        (("stats", "--by", "colour"), "'colour' is not one of"),
        (("nothing",), "No such command"),
    ],
)
def test_wrong_usage_ends_with_2_and_the_remedy(arguments: tuple[str, ...], says: str) -> None:
    code, text = run(*arguments)
    assert code == 2
    assert says in text.replace("\n", " ")


def test_a_plan_and_a_filter_exclude_each_other(tmp_path: Path) -> None:
    file = tmp_path / "plan.json"
    file.write_text("{}", encoding="utf-8")
    assert "not both" in run("replay", "class=names", "--plan", str(file))[1]
    code, text = run("replay", "--plan", str(file))
    assert (code, "This is no plan" in text) == (2, True)


def test_of_several_topics_one_must_be_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LINEAGE_TOPICS", "a,b")
    code, text = run("stats")
    assert code == 2
    assert "say which one with --topic" in text

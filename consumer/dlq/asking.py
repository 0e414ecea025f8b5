"""What the commands share: their options, opening a desk, asking for confirmation, exit codes."""

from __future__ import annotations

import asyncio
import getpass
import json
import socket
import sys
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import wraps
from typing import Any, TypeVar

import click

from consumer.dlq.desk import Desk, now_ms, open_desk
from consumer.dlq.filter import Filter, parse
from consumer.dlq.names import Names, names
from consumer.dlq.shelf import Progress
from consumer.errors import BadFilter
from consumer.settings import Settings, load

PARTLY = 3
T = TypeVar("T")
Command = TypeVar("Command", bound=Callable[..., Any])

filtered = click.argument("terms", nargs=-1, metavar="[FILTER]...")
as_json = click.option("--json", "as_json", is_flag=True, help="JSON instead of text for people.")
reason = click.option("--reason", default="", help="Why; kept with the letters.")
yes = click.option("--yes", is_flag=True, help="Do not ask.")


def at_desk(command: Command) -> Command:
    """The options that say whose dead letters are meant; a wrong filter or plan is wrong usage."""

    @click.option("--topic", help="Source topic; needed if LINEAGE_TOPICS has several.")
    @click.option("--letters", help="A dead-letter topic of somebody else, instead of our own.")
    @wraps(command)
    def told(*arguments: Any, **options: Any) -> Any:
        with usage():
            return command(*arguments, **options)

    return told  # type: ignore[return-value]  # wraps gives it the shape of the command


@contextmanager
def usage() -> Iterator[None]:
    """What was asked for wrongly ends with exit code 2."""
    try:
        yield
    except BadFilter as error:
        raise click.UsageError(str(error)) from None


def chosen(terms: Sequence[str], *states: str) -> Filter:
    """The filter of these terms; with states, those are meant unless the terms say otherwise."""
    made = parse(terms, now_ms())
    return made.unless_stated(*states) if states else made


def settings_of(topic: str | None, letters: str | None) -> tuple[Settings, Names]:
    """The settings, and the topics of the desk."""
    from consumer import logs

    settings = load()
    logs.configure("CRITICAL")  # what fails is told in one sentence
    return settings, names(settings, topic, letters)


def open_and(topic: str | None, letters: str | None, work: Callable[[Desk], Awaitable[T]]) -> T:
    """Open the desk, do the work, close it."""
    settings, of = settings_of(topic, letters)

    async def inside() -> T:
        async with open_desk(settings, of) as desk:
            return await work(desk)

    return asyncio.run(inside())


def who() -> str:
    """Who works here, for the ledger."""
    try:
        return f"{getpass.getuser()}@{socket.gethostname()}"
    except (KeyError, OSError, ImportError):
        return f"unknown@{socket.gethostname()}"


def confirm(question: str, yes: bool) -> None:
    """Ask; without a terminal --yes is needed. Ends the command unless the answer is yes."""
    if yes:
        return
    if not sys.stdin.isatty():
        raise click.UsageError(f"{question} Say --yes: there is nobody to ask.")
    click.confirm(question, abort=True)


def show_json(content: Any) -> None:
    """One JSON document."""
    click.echo(json.dumps(content))


@contextmanager
def reading(shown: bool = True) -> Iterator[Progress | None]:
    """A bar while letters are read, if somebody sits before it."""
    if not (shown and sys.stderr.isatty()):
        yield None
        return
    from rich.console import Console
    from rich.progress import Progress as Bar

    with Bar(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("reading letters", total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)

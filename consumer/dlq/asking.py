"""What the commands share: whose letters, which of them, asking for confirmation, exit codes."""

from __future__ import annotations

import asyncio
import getpass
import json
import socket
import sys
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import wraps
from pathlib import Path
from typing import Any, TypeVar

import click

from consumer.dlq.cases import Cases
from consumer.dlq.desk import Desk, now_ms, open_desk
from consumer.dlq.filter import Filter, parse
from consumer.dlq.names import Names, names
from consumer.dlq.shelf import Progress
from consumer.errors import BadFilter
from consumer.settings import Settings, load

PARTLY = 3
T = TypeVar("T")
Command = TypeVar("Command", bound=Callable[..., Any])

as_json = click.option("--json", "as_json", is_flag=True, help="JSON instead of text for people.")
reason = click.option("--reason", default="", help="Why; kept with the letters.")
yes = click.option("--yes", is_flag=True, help="Do not ask.")
output = click.option(
    "-o", "--output", type=click.Path(dir_okay=False, path_type=Path), help="File; standard output if not given."
)


def filtered(*states: str) -> Callable[[Command], Command]:
    """The argument that says which letters, as `wanted`; those of these states, unless its terms say otherwise."""

    def told(context: click.Context, parameter: click.Parameter, terms: tuple[str, ...]) -> Filter:
        with usage():
            made = parse(terms, now_ms())
        return made.unless_stated(*states) if states else made

    return click.argument("wanted", nargs=-1, metavar="[FILTER]...", callback=told)


@dataclass(frozen=True, slots=True)
class Whose:
    """Whose dead letters are meant, as the options say it."""

    topic: str | None
    letters: str | None

    def settings(self) -> tuple[Settings, Names]:
        """The settings, and the topics of the desk. Raises BadFilter."""
        from consumer import logs

        settings = load()
        logs.configure("CRITICAL")  # what fails is told in one sentence
        return settings, names(settings, self.topic, self.letters)

    def at_desk(self, work: Callable[[Desk], Awaitable[T]]) -> T:
        """Open the desk, do the work, close it."""
        settings, of = self.settings()

        async def inside() -> T:
            async with open_desk(settings, of) as desk:
                return await work(desk)

        return asyncio.run(inside())

    def cases(self) -> Cases:
        """Every case, with a bar while they are read."""

        async def work(desk: Desk) -> Cases:
            with reading() as progress:
                return await desk.cases(progress)

        return self.at_desk(work)


def of_somebody(command: Command) -> Command:
    """The options that say whose dead letters are meant, as `whose`; a wrong filter or plan is wrong usage."""

    @click.option("--topic", help="Source topic; needed if LINEAGE_TOPICS has several.")
    @click.option("--letters", help="A dead-letter topic of somebody else, instead of our own.")
    @wraps(command)
    def told(*arguments: Any, topic: str | None, letters: str | None, **options: Any) -> Any:
        with usage():
            return command(*arguments, whose=Whose(topic, letters), **options)

    return told  # type: ignore[return-value]  # wraps gives it the shape of the command


@contextmanager
def usage() -> Iterator[None]:
    """What was asked for wrongly ends with exit code 2."""
    try:
        yield
    except BadFilter as error:
        raise click.UsageError(str(error)) from None


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

"""Commands that give letters one by one: tail for people who wait, export for other programs."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path

import click

from consumer.dlq import captured
from consumer.dlq.asking import Whose, as_json, filtered, of_somebody, output, reading, show_json
from consumer.dlq.cases import Case, in_order, newest
from consumer.dlq.desk import Desk
from consumer.dlq.filter import Filter
from consumer.dlq.letters import letter

SECONDS = 0.5  # between two looks


@click.command()
@filtered()
@click.option("-n", "count", type=click.IntRange(min=0), default=10, show_default=True, help="How many to begin with.")
@click.option("--no-follow", is_flag=True, help="End there instead of waiting for more.")
@as_json
@of_somebody
def tail(wanted: Filter, count: int, no_follow: bool, as_json: bool, whose: Whose) -> None:
    """Show new letters as they come, one line each, until stopped.

    \b
    Example: lineagegraph dlq tail class=rejected
    """

    async def work(desk: Desk) -> None:
        read_to = dict[int, int]()
        for case in newest([case async for case in _new(desk, wanted, read_to)], count):
            _line(case, as_json)
        while not no_follow:
            await asyncio.sleep(SECONDS)
            async for case in _new(desk, wanted, read_to):
                _line(case, as_json)

    with suppress(KeyboardInterrupt):
        whose.at_desk(work)


async def _new(desk: Desk, wanted: Filter, read_to: dict[int, int]) -> AsyncIterator[Case]:
    async for record in desk.records(read_to=read_to):
        one = letter(record)
        case = Case(one, "open", ((one.place.number, one.at),))
        if wanted(case):
            yield case


def _line(case: Case, as_json: bool) -> None:
    if as_json:
        show_json(captured.case(case))
    else:
        from consumer.dlq.layout import moment
        from consumer.dlq.page import title

        click.echo(title(case, f"{moment(case.letter.failed_at)}  "))
    sys.stdout.flush()


@click.command()
@filtered()
@output
@click.option("--json", is_flag=True, expose_value=False, help="JSON lines, as ever.")
@of_somebody
def export(wanted: Filter, output: Path | None, whose: Whose) -> None:
    """Write letters as JSON lines that `lineagegraph explain` and `publish` read: what came, and why it is here.

    \b
    Example: lineagegraph dlq export class=names -o names.ndjson
    """

    async def work(desk: Desk) -> int:
        count = 0
        with reading(output is not None) as progress:
            found = in_order(case for case in await desk.cases(progress) if wanted(case))
        with click.open_file(str(output) if output else "-", "w", encoding="utf-8") as file:
            async for case, record in desk.values(found):
                file.write(captured.line(case, record))
                count += 1
        return count

    count = whose.at_desk(work)
    if output is not None:
        click.echo(f"{count} letters written to {output}.")

"""Commands that look at letters and change nothing: ls, show, peek."""

from __future__ import annotations

import click

from consumer.dlq import captured
from consumer.dlq.asking import Whose, as_json, filtered, of_somebody, show_json
from consumer.dlq.cases import Case, Cases, newest
from consumer.dlq.desk import Desk, now_ms
from consumer.dlq.edit import originals
from consumer.dlq.filter import Filter
from consumer.errors import BadFilter
from consumer.records import Record

NONE = "No dead letters match."


@click.command()
@filtered("open")
@click.option("--limit", type=click.IntRange(min=1), default=50, show_default=True, help="The newest so many.")
@as_json
@of_somebody
def ls(wanted: Filter, limit: int, as_json: bool, whose: Whose) -> None:
    """List open letters, or those that the filter asks for.

    \b
    Example: lineagegraph dlq ls class=names 'job~^daily'
    """
    found = [case for case in whose.cases() if wanted(case)]
    shown, more = newest(found, limit), max(0, len(found) - limit)
    if as_json:
        show_json({"letters": [captured.case(case) for case in shown], "more": more})
        return
    from consumer.dlq import layout, tables

    if not found:
        click.echo(NONE)
        return
    layout.console().print(tables.letters(shown, now_ms()))
    if more:
        click.echo(f"{more} older ones are not shown (--limit).")


@click.command()
@click.argument("id_", metavar="ID")
@click.option("--whole", is_flag=True, help="The whole value, however long.")
@click.option("--original", is_flag=True, help="The value as the producer sent it, if it was edited since.")
@as_json
@of_somebody
def show(id_: str, whole: bool, original: bool, as_json: bool, whose: Whose) -> None:
    """Show everything about one letter: why, where, whose, what was tried, the value, the headers.

    \b
    Example: lineagegraph dlq show openlineage.events-3-42
    """

    async def work(desk: Desk) -> tuple[Case, Cases, Record | None]:
        cases = await desk.cases()
        if (case := cases.get(id_)) is None:
            raise BadFilter(f"There is no dead letter {id_!r}; `lineagegraph dlq ls` lists them.")
        source = originals(desk, [case]) if original and case.letter.edits else desk.values([case])
        return case, cases, await anext((record async for _, record in source), None)

    case, cases, record = whose.at_desk(work)
    if as_json:
        tried = [captured.tried(one) for one in cases.ledger.tried.get(id_, {}).values()]
        show_json(captured.case(case) | {"tried": tried} | (captured.record(case, record) if record else {}))
        return
    from consumer.dlq import layout
    from consumer.dlq.page import page

    out = layout.console()
    for part in page(case, record, cases.ledger, whole):
        if isinstance(part, str):
            click.echo(part)
        else:
            out.print(part)


@click.command()
@filtered()
@click.option("-n", "count", type=click.IntRange(min=1), default=3, show_default=True, help="How many.")
@click.option("--whole", is_flag=True, help="The whole values, however long.")
@as_json
@of_somebody
def peek(wanted: Filter, count: int, whole: bool, as_json: bool, whose: Whose) -> None:
    """Show the newest letters with their values.

    \b
    Example: lineagegraph dlq peek -n 1 class=json_syntax
    """

    async def work(desk: Desk) -> list[tuple[Case, Record]]:
        found = newest((case for case in await desk.cases() if wanted(case)), count)
        return [pair async for pair in desk.values(found)]

    pairs = whose.at_desk(work)
    if as_json:
        show_json({"letters": [captured.case(case) | captured.record(case, record) for case, record in pairs]})
        return
    from consumer.dlq.page import title, value

    for case, record in pairs:
        click.echo(click.style(title(case), bold=True))
        click.echo(value(record, whole))
    if not pairs:
        click.echo(NONE)

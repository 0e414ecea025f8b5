"""Commands that look at dead letters and change nothing."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path

import click

from consumer.dlq import captured
from consumer.dlq.asking import as_json, at_desk, chosen, filtered, open_and, reading, settings_of, show_json
from consumer.dlq.cases import Case, Cases, in_order
from consumer.dlq.desk import Desk, now_ms
from consumer.dlq.edit import originals
from consumer.dlq.filter import Filter
from consumer.dlq.letters import letter
from consumer.dlq.stats import GROUPS, grouped, numbers
from consumer.errors import BadFilter
from consumer.records import Record


@click.command()
@filtered
@click.option(
    "--by",
    type=click.Choice(sorted(GROUPS)),
    metavar="WHAT",
    default="class",
    show_default=True,
    help=f"{', '.join(sorted(GROUPS))}.",
)
@click.option("--listen", metavar="HOST:PORT", help="Go on, and answer /metrics and /stats.json there.")
@as_json
@at_desk
def stats(
    terms: tuple[str, ...], by: str, listen: str | None, as_json: bool, topic: str | None, letters: str | None
) -> None:
    """Count letters by class, job, hour and so on, and name the commonest causes.

    \b
    Example: lineagegraph dlq stats since=24h --by producer
    """
    wanted = chosen(terms)
    if listen is not None:
        from consumer.dlq.exporter import export_numbers

        settings, of = settings_of(topic, letters)
        asyncio.run(export_numbers(settings, of, listen))
        return
    cases = _read(topic, letters)
    found = [case for case in cases if wanted(case)]
    now, running = now_ms(), sum(note.state == "running" for note in cases.ledger.replays.values())
    if as_json:
        settings, of = settings_of(topic, letters)
        counted = numbers(of.source, found, running).as_json(now)
        show_json(counted | {"by": by, "groups": captured.rows(grouped(found, by))})
        return
    from consumer.dlq import tables

    out = tables.console()
    if not found:
        click.echo("No dead letters.")
        return
    out.print(tables.groups(by, grouped(found, by), now))
    causes = [row for row in grouped(found, "fingerprint") if row.states["open"]]
    if causes:
        out.print(tables.causes(causes[:10]))


@click.command()
@filtered
@click.option("--limit", type=click.IntRange(min=1), default=50, show_default=True, help="The newest so many.")
@as_json
@at_desk
def ls(terms: tuple[str, ...], limit: int, as_json: bool, topic: str | None, letters: str | None) -> None:
    """List open letters, or those that the filter asks for.

    \b
    Example: lineagegraph dlq ls class=names 'job~^daily'
    """
    wanted = chosen(terms, "open")
    found = sorted((case for case in _read(topic, letters) if wanted(case)), key=lambda case: case.letter.failed_at)
    shown = found[-limit:]
    if as_json:
        show_json({"letters": [captured.case(case) for case in shown], "more": len(found) - len(shown)})
        return
    from consumer.dlq import tables

    if not found:
        click.echo("No dead letters match.")
        return
    tables.console().print(tables.letters(shown, now_ms()))
    if len(found) > len(shown):
        click.echo(f"{len(found) - len(shown)} older ones are not shown (--limit).")


@click.command()
@click.argument("id_", metavar="ID")
@click.option("--whole", is_flag=True, help="The whole value, however long.")
@click.option("--original", is_flag=True, help="The value as the producer sent it, if it was edited since.")
@as_json
@at_desk
def show(id_: str, whole: bool, original: bool, as_json: bool, topic: str | None, letters: str | None) -> None:
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

    case, cases, record = open_and(topic, letters, work)
    if as_json:
        tried = [captured.tried(one) for one in cases.ledger.tried.get(id_, {}).values()]
        show_json(captured.case(case) | {"tried": tried} | (captured.record(case, record) if record else {}))
        return
    from consumer.dlq import tables

    out = tables.console()
    for part in tables.page(case, record, cases.ledger, whole):
        if isinstance(part, str):
            click.echo(part)
        else:
            out.print(part)


@click.command()
@filtered
@click.option("-n", "count", type=click.IntRange(min=1), default=3, show_default=True, help="How many.")
@click.option("--whole", is_flag=True, help="The whole values, however long.")
@as_json
@at_desk
def peek(
    terms: tuple[str, ...], count: int, whole: bool, as_json: bool, topic: str | None, letters: str | None
) -> None:
    """Show the newest letters with their values.

    \b
    Example: lineagegraph dlq peek -n 1 class=json_syntax
    """
    wanted = chosen(terms)

    async def work(desk: Desk) -> list[tuple[Case, Record]]:
        found = [case for case in await desk.cases() if wanted(case)]
        newest = sorted(found, key=lambda case: case.letter.failed_at)[-count:]
        return [pair async for pair in desk.values(newest)]

    pairs = open_and(topic, letters, work)
    if as_json:
        show_json({"letters": [captured.case(case) | captured.record(case, record) for case, record in pairs]})
        return
    from consumer.dlq import tables

    for case, record in pairs:
        title = tables.plain(f"{case.letter.id}  {case.letter.reason}  {tables.what(case)}")
        click.echo(click.style(title.plain, bold=True))
        click.echo(tables.value(record, whole))
    if not pairs:
        click.echo("No dead letters match.")


@click.command()
@filtered
@click.option("-n", "count", type=click.IntRange(min=0), default=10, show_default=True, help="How many to begin with.")
@click.option("--no-follow", is_flag=True, help="End there instead of waiting for more.")
@as_json
@at_desk
def tail(
    terms: tuple[str, ...], count: int, no_follow: bool, as_json: bool, topic: str | None, letters: str | None
) -> None:
    """Show new letters as they come, one line each, until stopped.

    \b
    Example: lineagegraph dlq tail class=rejected
    """
    wanted = chosen(terms)

    async def work(desk: Desk) -> None:
        latest = list[Case]()
        read_to = dict[int, int]()
        async for case in _new(desk, wanted, read_to):
            latest.append(case)
        for case in sorted(latest, key=lambda case: case.letter.failed_at)[len(latest) - min(count, len(latest)) :]:
            _line(case, as_json)
        while not no_follow:
            await asyncio.sleep(0.5)
            async for case in _new(desk, wanted, read_to):
                _line(case, as_json)

    with suppress(KeyboardInterrupt):
        open_and(topic, letters, work)


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
        from consumer.dlq import tables

        one = case.letter
        said = tables.plain(f"{one.id}  {one.reason}  {tables.what(case)}")
        click.echo(f"{tables.moment(one.failed_at)}  {said.plain}")
    sys.stdout.flush()


@click.command()
@filtered
@click.option(
    "-o", "--output", type=click.Path(dir_okay=False, path_type=Path), help="File; standard output if not given."
)
@click.option("--json", is_flag=True, expose_value=False, help="JSON lines, as ever.")
@at_desk
def export(terms: tuple[str, ...], output: Path | None, topic: str | None, letters: str | None) -> None:
    """Write letters as JSON lines that `lineagegraph explain` and `publish` read: what came, and why it is here.

    \b
    Example: lineagegraph dlq export class=names -o names.ndjson
    """
    wanted = chosen(terms)

    async def work(desk: Desk) -> int:
        count = 0
        with reading(output is not None) as progress:
            found = in_order(case for case in await desk.cases(progress) if wanted(case))
        with click.open_file(str(output) if output else "-", "w", encoding="utf-8") as file:
            async for case, record in desk.values(found):
                file.write(captured.line(case, record))
                count += 1
        return count

    count = open_and(topic, letters, work)
    if output is not None:
        click.echo(f"{count} letters written to {output}.")


def _read(topic: str | None, letters: str | None) -> Cases:
    async def work(desk: Desk) -> Cases:
        with reading() as progress:
            return await desk.cases(progress)

    return open_and(topic, letters, work)

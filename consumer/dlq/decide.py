"""Commands by which people decide about dead letters: park, unpark, discard; and purge: delete what has ended."""

from __future__ import annotations

import click

from consumer.dlq.asking import Whose, as_json, confirm, filtered, of_somebody, reason, show_json, who, yes
from consumer.dlq.cases import Cases
from consumer.dlq.desk import Desk, now_ms
from consumer.dlq.filter import Filter, moment
from consumer.dlq.ledger import Decided, Decision
from consumer.dlq.pen import open_pen
from consumer.dlq.purge import Sweep, delete, forgotten, sweep


@click.command()
@filtered("open")
@reason
@as_json
@of_somebody
def park(wanted: Filter, reason: str, as_json: bool, whose: Whose) -> None:
    """Put open letters aside: they are kept, and no replay sends them until they are unparked.

    \b
    Example: lineagegraph dlq park producer=*legacy* --reason "asked the team, fixed on Friday"
    """
    _tell(_decide(whose, wanted, "parked", reason), "parked", as_json)


@click.command()
@filtered("parked")
@reason
@as_json
@of_somebody
def unpark(wanted: Filter, reason: str, as_json: bool, whose: Whose) -> None:
    """Make parked letters open again.

    \b
    Example: lineagegraph dlq unpark producer=*legacy*
    """
    _tell(_decide(whose, wanted, "open", reason), "open again", as_json)


@click.command()
@filtered("open", "parked")
@reason
@yes
@as_json
@of_somebody
def discard(wanted: Filter, reason: str, yes: bool, as_json: bool, whose: Whose) -> None:
    """Give open or parked letters up for good: they are never sent again, and `purge` may delete them.

    \b
    Example: lineagegraph dlq discard class=tombstone --reason "nothing in them" --yes
    """
    _tell(_decide(whose, wanted, "discarded", reason, ask=not yes), "discarded", as_json)


BEFORE: dict[Decision, tuple[str, ...]] = {"parked": ("open",), "open": ("parked",), "discarded": ("open", "parked")}


def _decide(whose: Whose, wanted: Filter, state: Decision, reason: str, ask: bool = False) -> int:
    async def work(desk: Desk) -> int:
        found = [case for case in await desk.cases() if wanted(case) and case.state in BEFORE[state]]
        if not found:
            return 0
        if ask:
            confirm(f"Give up {len(found)} letters for good?", yes=False)
        await desk.prepare()
        entries = [Decided(case.letter.id, state, now_ms(), who(), reason) for case in found]
        async with open_pen(desk.settings, desk.names) as pen:
            for start in range(0, len(entries), 1000):
                await pen.enter(entries[start : start + 1000])
        return len(entries)

    return whose.at_desk(work)


def _tell(count: int, state: str, as_json: bool) -> None:
    if as_json:
        show_json({"letters": count, "state": state.split(" ", maxsplit=1)[0]})
    else:
        click.echo(f"{count} letters are {state}." if count else "No dead letters match.")


@click.command()
@click.option("--before", default="0s", metavar="TIME", help="Only letters that failed last before: 7d, or 2026-11-25.")
@click.option("--dry-run", is_flag=True, help="Say what would be deleted.")
@yes
@as_json
@of_somebody
def purge(before: str, dry_run: bool, yes: bool, as_json: bool, whose: Whose) -> None:
    """Delete letters that are resolved or discarded, from the front of their topic up to the first that is open.

    \b
    Example: lineagegraph dlq purge --before 7d --dry-run
    """
    before_ms = moment("--before", before, now_ms())

    async def work(desk: Desk) -> tuple[Cases, Sweep]:
        cases = await desk.cases()
        found = sweep(cases, range(desk.letters.partitions), before_ms)
        if found.letters and not dry_run:
            confirm(f"Delete {found.letters} letters from {desk.letters.name!r} for good?", yes)
            await delete(desk, found)
            async with open_pen(desk.settings, desk.names) as pen:
                await pen.forget(forgotten(cases, found))
        return cases, found

    cases, found = whose.at_desk(work)
    if as_json:
        below = {str(number): offset for number, offset in found.below.items()}
        show_json({"deleted": found.letters, "below": below, "held_by": found.held_by, "dry_run": dry_run})
        return
    click.echo(f"{found.letters} letters {'would be' if dry_run else 'are'} deleted.")
    for number, id_ in sorted(found.held_by.items()):
        click.echo(f"Partition {number} is kept from {id_} on, which is {cases[id_].state}.")

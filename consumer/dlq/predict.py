"""`lineagegraph dlq test`: what a replay would bring, by the worker's own reading; nothing is written."""

from __future__ import annotations

import sys
from collections import Counter
from dataclasses import asdict

import click

from consumer import program_version
from consumer.dlq.asking import PARTLY, Whose, as_json, filtered, of_somebody, reading, show_json
from consumer.dlq.cases import Case
from consumer.dlq.desk import Desk
from consumer.dlq.filter import Filter
from consumer.dlq.trial import Outcome, trials


@click.command("test")
@filtered("open")
@click.option("--each", is_flag=True, help="With --json: the outcome of each letter.")
@as_json
@of_somebody
def test(wanted: Filter, each: bool, as_json: bool, whose: Whose) -> None:
    """Read open letters with this version's real decoding and mapping, and say what a replay would bring.

    Nothing is written. Whether the graph would take the facts is not tried. Ends with 3 if any would fail again.

    \b
    Example: lineagegraph dlq test class=event_type
    """

    async def work(desk: Desk) -> list[tuple[Case, Outcome]]:
        with reading() as progress:
            found = [case for case in await desk.cases() if wanted(case)]
            outcomes = []
            async for pair in trials(desk, found):
                outcomes.append(pair)
                if progress is not None:
                    progress(len(outcomes), len(found))
        return outcomes

    outcomes = whose.at_desk(work)
    well = sum(one.well for _, one in outcomes)
    if as_json:
        told = {"letters": len(outcomes), "well": well, "ends": Counter(one.end for _, one in outcomes)}
        told |= {"reasons": Counter(one.reason for _, one in outcomes if not one.well)}
        told |= {"version": program_version()}
        show_json({**told, **({"each": [asdict(one) for _, one in outcomes]} if each else {})})
    else:
        _tell(outcomes, well)
    if well < len(outcomes):
        sys.exit(PARTLY)


def _tell(outcomes: list[tuple[Case, Outcome]], well: int) -> None:
    from consumer.dlq import layout, tables

    if not outcomes:
        click.echo("No dead letters match.")
        return
    layout.console().print(tables.outcomes(outcomes))
    rejected = sum(case.letter.disposition == "rejected" and one.well for case, one in outcomes)
    click.echo(f"{well} would be resolved, {len(outcomes) - well} would not (version {program_version()}).")
    if rejected:
        click.echo(f"{rejected} of them were refused by the graph, which is not asked here: replay one as a canary.")
    others = {case.letter.worker_version for case, _ in outcomes} - {program_version(), ""}
    if others:
        click.echo(
            f"They were buried by version {', '.join(sorted(others))}; the workers may still be of that version."
        )

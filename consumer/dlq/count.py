"""`lineagegraph dlq stats`: how many letters there are, of what kinds, and why."""

from __future__ import annotations

import asyncio

import click

from consumer.dlq import captured
from consumer.dlq.asking import Whose, as_json, filtered, of_somebody, show_json
from consumer.dlq.desk import now_ms
from consumer.dlq.filter import Filter
from consumer.dlq.stats import GROUPS, Row, grouped, numbers

MOST_CAUSES = 10


@click.command()
@filtered()
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
@of_somebody
def stats(wanted: Filter, by: str, listen: str | None, as_json: bool, whose: Whose) -> None:
    """Count letters by class, job, hour and so on, and name the commonest causes.

    \b
    Example: lineagegraph dlq stats since=24h --by producer
    """
    if listen is not None:
        from consumer.dlq.exporter import export_numbers

        asyncio.run(export_numbers(*whose.settings(), listen))
        return
    cases = whose.cases()
    found = [case for case in cases if wanted(case)]
    rows = grouped(found, by)
    if as_json:
        _, of = whose.settings()
        counted = numbers(of.source, found, cases.ledger).as_json(now_ms())
        show_json(counted | {"by": by, "groups": captured.rows(rows)})
    elif found:
        _tell(by, rows, grouped(found, "fingerprint"))
    else:
        click.echo("No dead letters.")


def _tell(by: str, rows: list[Row], causes: list[Row]) -> None:
    from consumer.dlq import layout, tables

    out = layout.console()
    out.print(tables.groups(by, rows, now_ms()))
    if still_open := [row for row in causes if row.states["open"]]:
        out.print(tables.causes(still_open[:MOST_CAUSES]))

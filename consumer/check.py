"""`lineagegraph check`: what is wrong between the producers and the answers, and the remedy."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Iterator
from dataclasses import asdict
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from consumer.settings import Settings
    from lineagegraph.probe import Finding

SIGNS = {"ok": "ok     ", "warning": "warning", "wrong": "WRONG  "}


@click.command()
@click.option("--json", "as_json", is_flag=True, help="One JSON object with all findings.")
def check(as_json: bool) -> None:
    """Look at Kafka, topics, group, lag, graph, schema, clocks and a round trip; say what is wrong and what mends it.

    Changes nothing. Ends with 1 if anything is wrong; warnings alone end with 0.

    \b
    Example: lineagegraph check
    """
    from consumer import logs
    from consumer.settings import load

    settings = load()
    logs.configure("CRITICAL")
    found: list[Finding] = []
    for one in findings(settings):
        found.append(one)
        if not as_json:
            click.echo(f"{SIGNS[one.state]}  {one.name}: {one.says}")
            if one.remedy:
                click.echo(f"         → {one.remedy}")
    wrong = sum(one.state == "wrong" for one in found)
    if as_json:
        click.echo(json.dumps({"ok": not wrong, "findings": [asdict(one) for one in found]}, ensure_ascii=False))
    if wrong:
        sys.exit(1)


def findings(settings: Settings) -> Iterator[Finding]:
    """Every finding, the graph's first: the group's offsets belong to it."""
    from consumer.check_kafka import check_kafka
    from consumer.environment import unknown
    from lineagegraph.probe import Finding, probe

    for line in unknown(type(settings)):
        yield Finding("settings", "warning", f"{line}.", "Correct its name: nobody reads it.")
    ids: dict[str, str] = {}
    yield from probe(settings.graph(), ids)
    graph_id = next(iter(ids.values()), None)

    async def kafka() -> list[Finding]:
        return [one async for one in check_kafka(settings, graph_id)]

    yield from asyncio.run(kafka())

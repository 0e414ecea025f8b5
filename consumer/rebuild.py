"""`lineagegraph rebuild`: the events that Kafka still has, once more, into another graph.

It reads as a group of its own, and disturbs nobody: no dead letter is buried, no ledger is told, nothing of the group's
own offsets is touched. What was replayed counts as well, so the group's retry topics are read too. Killed, it goes on
where it was when it is started again.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections import Counter
from collections.abc import Sequence
from contextlib import closing

import click

from consumer.deadletters import DeadLetter
from consumer.replayed import Replayed
from consumer.settings import Settings, load

PARTLY = 3


class Counted:
    """Takes dead letters and keeps their numbers only."""

    def __init__(self) -> None:
        self.reasons: Counter[str] = Counter()

    async def bury(self, letters: Sequence[DeadLetter]) -> None:
        """Count them."""
        self.reasons.update(one.reason for one in letters)

    async def resolve(self, many: Sequence[tuple[str, Replayed]]) -> None:
        """The ledger is another graph's."""


@click.command()
@click.option("--from", "start", type=click.Choice(["earliest"]), default="earliest", show_default=True, help="Where.")
@click.option("--into", required=True, metavar="URL", help="The graph to fill: ws://HOST:PORT/gremlin.")
@click.option("--json", "as_json", is_flag=True, help="End with the counts as one line of JSON.")
def rebuild(start: str, into: str, as_json: bool) -> None:
    """Fill another graph with the events that Kafka still has, by this program's mapping and the naming rules in force.

    The consumers of the graph in use may go on. Compare the two with `lineagegraph diff`, then switch. Ends with 3 if
    events could not be written.

    \b
    Example: lineagegraph rebuild --into ws://127.0.0.1:8183/gremlin
    """
    from consumer import logs
    from consumer.run import cause

    settings = load()
    if into in settings.graph_urls:
        raise click.UsageError(f"{into} is the graph in use (LINEAGE_GRAPH_URLS); rebuild is for another one.")
    logs.configure("ERROR")
    try:
        counts, reasons = asyncio.run(_rebuild(settings, into))
    except BaseExceptionGroup as errors:
        raise cause(errors) from errors
    if as_json:
        click.echo(json.dumps({**counts, "reasons": reasons}))
    else:
        why = f" ({', '.join(f'{count} {name}' for name, count in reasons.most_common())})" if reasons else ""
        click.echo(
            f"{counts['received']} records read: {counts['written']} written, {counts['dead']} cannot be{why}, "
            f"{counts['skipped']} skipped."
        )
    if counts["dead"]:
        sys.exit(PARTLY)


async def _rebuild(settings: Settings, into: str) -> tuple[dict[str, int], Counter[str]]:
    from consumer import connection
    from consumer.run import How, consume
    from lineagegraph.gremlin import Connections
    from lineagegraph.install import install
    from lineagegraph.store import GraphStore

    target = settings.graph_at(into)
    with closing(Connections(target)) as connections:
        made = await asyncio.to_thread(install, connections, target.naming().hash)
    async with connection.admin(settings) as client:
        standing = await connection.topics(client)
    retries = [name for topic in settings.topics if (name := settings.retry_of(topic)) in standing]
    apart = load(
        topics=(*settings.topics, *retries),
        group=f"{settings.group[:70]}.rebuild-{made.graph_id[:16]}",
        graph_urls=(into,),
        brake_run=0,
        brake_share=0.0,
    )
    burial = Counted()
    counts = await consume(apart, How(until_end=True, apart=burial), GraphStore(target))
    return counts, burial.reasons

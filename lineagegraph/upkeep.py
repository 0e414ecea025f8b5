"""Commands for those who look after a graph: doctor, diff, import, prune, schema migrate."""

from __future__ import annotations

import json
import sys
from collections import Counter
from contextlib import closing
from datetime import UTC, datetime, timedelta
from typing import Any, TextIO

import click

from lineagegraph.commands import Graph, _connections, _counting, _json, _print, schema

PARTLY = 3


@click.command()
@click.option("--repair", is_flag=True, help="Write what heals: half edges, and what is left of vertices.")
@click.option("--delete", is_flag=True, help="Also delete foreign vertices; needs that no consumer runs.")
@click.option("--examples", type=click.IntRange(0), default=20, show_default=True, help="So many of each kind.")
@_json
@click.pass_obj
def doctor(graph: Graph, repair: bool, delete: bool, examples: int, as_json: bool) -> None:
    """Look at every row of the graph for what should not be; changes nothing unless told to.

    Ends with 3 if anything is wrong and was not mended.

    \b
    Example: lineagegraph doctor --repair
    """
    from lineagegraph.doctor import KINDS, examine

    with _counting("examining") as progress:
        done = examine(graph(), repair, delete, examples, progress)
    shown = {kind: [[one.where, one.what] for one in many] for kind, many in done.examples.items()}
    answer = {"rows": done.rows, "found": dict(done.found), "mended": done.mended, "deleted": done.deleted}
    text = [f"{done.rows} rows examined: {done.found.total()} things wrong, {done.mended + done.deleted} mended."]
    for kind, many in shown.items():
        text.append(f"{done.found[kind]} × {KINDS[kind]}")
        text += [f"  {where}: {what}" for where, what in many]
    _print({**answer, "left": done.left, "examples": shown}, "\n".join(text), as_json)
    if done.left:
        sys.exit(PARTLY)


@click.command()
@click.argument("first", metavar="A")
@click.argument("second", metavar="B")
@click.option("--summary", is_flag=True, help="Only the numbers.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object for each difference, and one at the end.")
@click.pass_obj
def diff(graph: Graph, first: str, second: str, summary: bool, as_json: bool) -> None:
    """Say how two graphs differ: A and B are addresses of servers, or files of `export` or `explain`.

    `-` is an element that only A has, `+` one that only B has; a changed one has both lines. Ends with 3 if they
    differ.

    \b
    Example: lineagegraph diff before.ndjson ws://127.0.0.1:8182/gremlin
    """
    from lineagegraph.diff import differences, lines

    settings, count = graph(), Counter[str]()
    # both are generators, which can be closed, though typed as iterators
    with _counting("comparing") as progress, closing(lines(settings, first, progress)) as a:  # type: ignore[type-var]
        for one in differences(a, lines(settings, second, progress)):
            count[one.kind] += 1
            if summary:
                continue
            if as_json:
                parts = {"first": one.first, "second": one.second}
                told: dict[str, Any] = {name: json.loads(line) for name, line in parts.items() if line}
                click.echo(json.dumps({"difference": one.kind, **told}, ensure_ascii=False))
            else:
                for sign, line in (("-", one.first), ("+", one.second)):
                    if line:
                        click.echo(f"{sign} {line}")
    numbers = {kind: count[kind] for kind in ("only_first", "only_second", "changed")}
    words = f"{numbers['only_first']} only in A, {numbers['only_second']} only in B, {numbers['changed']} changed."
    _print({"equal": not count, **numbers}, words if count else "The graphs are equal.", as_json)
    if count:
        sys.exit(PARTLY)


@click.command()
@click.option("--keep-days", type=click.IntRange(2), metavar="DAYS", help="Keep the runs of so many days.")
@click.option(
    "--before", type=click.DateTime(["%Y-%m-%d"]), help="Or: remove runs last heard of before this day (UTC)."
)
@click.option("--delete", is_flag=True, help="Really remove them; without it only say what would go.")
@click.option("--settle", type=click.FloatRange(0), metavar="SECONDS", help="How long to wait for consumers to know.")
@_json
@click.pass_obj
def prune(
    graph: Graph, keep_days: int | None, before: datetime | None, delete: bool, settle: float | None, as_json: bool
) -> None:
    """Remove old runs. No answer about now, about the time since, or about a model changes.

    Whatever such an answer rests on stays, and so do datasets, versions, models and their edges. Consumers may run:
    they learn of the horizon and skip older events of runs. It may be broken off and repeated.

    \b
    Example: lineagegraph prune --keep-days 400 --delete
    """
    from lineagegraph import prune as retention

    if (keep_days is None) == (before is None):
        raise click.UsageError("Say either --keep-days or --before.")
    at = before.replace(tzinfo=UTC) if before else datetime.now(UTC) - timedelta(days=keep_days or 0)
    settings, horizon = graph(), int(at.timestamp() * 1000)
    corrections = settings.corrections()
    with _counting("pruning") as progress:
        plan = retention.prune(settings, horizon, delete, settle, lambda what, count: progress(count), corrections)
    day = datetime.fromtimestamp(plan.horizon / 1000, UTC).date().isoformat()
    needed = {name: count for name, count in plan.needed.items() if count}
    why = ", ".join(f"{count} for {name}" for name, count in needed.items())
    verb = "removed" if delete else "would go"
    text = [
        f"{plan.runs} runs, {plan.old} of them older than {day}: {plan.going} {verb}, with {plan.buckets} day Buckets.",
        f"{sum(needed.values())} stay, because answers rest on them{f' ({why})' if why else ''}.",
    ]
    if not delete:
        text.append("Nothing was changed: add --delete to remove them.")
    counts = {"runs": plan.runs, "old": plan.old, "needed": needed, "going": plan.going, "buckets": plan.buckets}
    _print({"horizon": day, **counts, "deleted": delete, "removed": plan.removed}, "\n".join(text), as_json)


@click.command("import")
@click.argument("file", type=click.File(encoding="utf-8"))
@_json
@click.pass_obj
def import_(graph: Graph, file: TextIO, as_json: bool) -> None:
    """Write what an export says into the graph; `-` reads standard input. Adds to what is there; safe to repeat.

    \b
    Example: lineagegraph import graph.ndjson
    """
    from lineagegraph.load import load

    with _counting("importing") as progress:
        count = load(graph(), file, progress)
    _print({"lines": count}, f"{count} lines imported.", as_json)


@click.command("migrate")
@click.option("--dry-run", is_flag=True, help="Say what would be made.")
@_json
@click.pass_obj
def migrate(graph: Graph, dry_run: bool, as_json: bool) -> None:
    """Bring an older schema up to this program's: only adds; safe to repeat, also while others do the same.

    \b
    Example: lineagegraph schema migrate --dry-run
    """
    from lineagegraph.install import install, outlook
    from lineagegraph.schema import SCHEMA_VERSION

    settings = graph()
    with _connections(settings) as connections:
        before, lacks = outlook(connections, settings.naming().hash)
        made = lacks if dry_run else install(connections, settings.naming().hash).made
    verb = "would be made" if dry_run else "made"
    text = f"Schema version {before} → {SCHEMA_VERSION}: {len(made)} elements {verb}."
    if before == SCHEMA_VERSION and not made:
        text = f"The schema has version {SCHEMA_VERSION} and lacks nothing."
    _print({"from": before, "to": SCHEMA_VERSION, "made": list(made), "dry_run": dry_run}, text, as_json)


schema.add_command(migrate)
COMMANDS = (doctor, diff, import_, prune)

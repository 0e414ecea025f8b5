"""`lineagegraph backup` and `lineagegraph restore`: read the options, call one thing, print."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from pathlib import Path

import click

PARTLY = 3
_FOLDER = click.Path(file_okay=False, path_type=Path)
_NODES = click.Path(dir_okay=False, path_type=Path)


def _say(text: str) -> None:
    click.echo(f"{text} …", err=True)


@click.command()
@click.argument("folder", type=_FOLDER)
@click.option("--nodes", "file", type=_NODES, required=True, help="TOML with one [[node]] for every Cassandra node.")
@click.option("--keyspace", default="lineage", show_default=True, help="The graph's keyspace.")
@click.option("--hash/--no-hash", "hashed", default=True, help="Whether to hash the graph if no consumer runs.")
@click.option("--json", "as_json", is_flag=True, help="As one JSON object.")
def backup(folder: Path, file: Path, keyspace: str, hashed: bool, as_json: bool) -> None:
    """Take a snapshot of every Cassandra node and the group's offsets into a new FOLDER. Consumers may go on.

    \b
    Example: lineagegraph backup /backups/2026-11-25 --nodes nodes.toml
    """
    from consumer import backup as work
    from consumer import logs
    from consumer.settings import load
    from lineagegraph import nodes

    settings = load()
    logs.configure("CRITICAL")
    made = work.backup(settings, nodes.load(file), keyspace, folder, hashed, _say)
    size = sum(one.size for one in made.nodes)
    if as_json:
        told = {"folder": str(folder), "graph": made.graph, "hash": made.hash, "bytes": size}
        click.echo(json.dumps({**told, "nodes": len(made.nodes), "partitions": len(made.kafka.offsets)}))
        return
    click.echo(
        f"{len(made.nodes)} nodes, {size:,} bytes, offsets of {len(made.kafka.offsets)} partitions in {folder}."
        + (f" The graph's hash is {made.hash}." if made.hash else " Not hashed: somebody may have written meanwhile.")
    )


@click.command()
@click.argument("folder", type=_FOLDER)
@click.option("--nodes", "file", type=_NODES, help="TOML with one [[node]] for every Cassandra node.")
@click.option("--finish", is_flag=True, help="The servers run again: verify the graph and set the offsets.")
@click.option("--json", "as_json", is_flag=True, help="As one JSON object.")
def restore(folder: Path, file: Path | None, finish: bool, as_json: bool) -> None:
    """Bring a backup back, in two steps: files into stopped, empty nodes; then, with the servers running, --finish.

    With --finish the graph gets a new id, so that no offset of the time after the backup is used, and the group goes on
    where the backup was made. Ends with 3 if Kafka no longer has all of the records since then.

    \b
    Example:
      lineagegraph restore /backups/2026-11-25 --nodes nodes.toml
      lineagegraph restore /backups/2026-11-25 --finish
    """
    from consumer import backup as work
    from consumer import logs
    from consumer.manifest import load as manifest_of
    from consumer.settings import load
    from lineagegraph import nodes

    if finish == (file is not None):
        raise click.UsageError("Say either --nodes or --finish.")
    settings, manifest = load(), manifest_of(folder)
    logs.configure("CRITICAL")
    if file is not None:
        work.restore_files(manifest, folder, nodes.load(file))
        told = {"nodes": len(manifest.nodes), "graph": manifest.graph, "at": manifest.at}
        text = (
            f"{len(manifest.nodes)} nodes have their files of {manifest.at}. Start Cassandra, then JanusGraph, and no "
            "consumer; then run the same with --finish."
        )
        click.echo(json.dumps(told) if as_json else text)
        return
    done = work.finish(settings, manifest, _say)
    if as_json:
        click.echo(json.dumps(asdict(done)))
    else:
        compared = "as in the backup" if done.compared else "the backup had none to compare it with"
        click.echo(f"Graph {done.graph}, hash {done.hash} ({compared}). {done.gap} records are to be read again.")
        if done.lost:
            click.echo(f"{done.lost} records since the backup are not in Kafka any more: what they stated is lost.")
        click.echo("Start the consumers.")
    if done.lost:
        sys.exit(PARTLY)

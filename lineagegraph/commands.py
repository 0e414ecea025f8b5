"""The graph's commands: read the options, ask one question, print. The command line itself is assembled elsewhere.

The context's object is a function that gives the settings, so that `--help` works without any.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import click

from lineagegraph.questions import QUESTIONS

if TYPE_CHECKING:
    from lineagegraph.gremlin import Connections
    from lineagegraph.reader import Reader
    from lineagegraph.settings import GraphSettings

Graph = Callable[[], "GraphSettings"]

_json = click.option("--json", "as_json", is_flag=True, help="One JSON object instead of text for people.")
_dataset = click.argument("dataset")
_namespace = click.option("--namespace", help="The dataset's namespace; DATASET is then its whole name.")
_depth = click.option("--depth", type=click.IntRange(1, 100), default=5, show_default=True, help="How many steps.")
_as_of = click.option("--as-of", type=click.DateTime(), help="As it was at that moment (UTC).")
_all_time = click.option("--all-time", is_flag=True, help="Also what was so once and is no longer.")


@click.group()
def schema() -> None:
    """Install the graph's schema, or check it."""


@schema.command("install")
@_json
@click.pass_obj
def schema_install(graph: Graph, as_json: bool) -> None:
    """Install what the graph's schema lacks; safe to repeat, also while others do the same.

    \b
    Example: lineagegraph schema install
    """
    from lineagegraph.install import install

    settings = graph()
    with _connections(settings) as connections:
        done = install(connections, settings.naming().hash)
    made = f"{len(done.made)} elements made" if done.made else "nothing was missing"
    _print({"graph": done.graph_id, "made": list(done.made)}, f"Graph {done.graph_id}: {made}.", as_json)


@schema.command("check")
@_json
@click.pass_obj
def schema_check(graph: Graph, as_json: bool) -> None:
    """Say whether the graph's schema and naming rules are this program's; exit 1 if not.

    \b
    Example: lineagegraph schema check
    """
    from lineagegraph.install import check

    settings = graph()
    with _connections(settings) as connections:
        graph_id = check(connections, settings.naming().hash)
    _print({"graph": graph_id, "ok": True}, f"Graph {graph_id}: schema and naming rules are ours.", as_json)


@click.command()
@_dataset
@_namespace
@_depth
@_all_time
@_as_of
@_json
@click.pass_obj
def upstream(
    graph: Graph, dataset: str, namespace: str | None, depth: int, all_time: bool, as_of: datetime | None, as_json: bool
) -> None:
    """What a dataset was made of, and which snapshots were read for it.

    DATASET is what people type (gold/customers), a catalogue's name, or with --namespace the exact name.

    \b
    Example: lineagegraph upstream gold/customers --depth 3
    """
    _ask_lineage(graph, "upstream", dataset, namespace, depth, all_time, as_of, as_json)


@click.command()
@_dataset
@_namespace
@_depth
@_all_time
@_as_of
@_json
@click.pass_obj
def downstream(
    graph: Graph, dataset: str, namespace: str | None, depth: int, all_time: bool, as_of: datetime | None, as_json: bool
) -> None:
    """What was made of a dataset, and which of its snapshots were read for that.

    \b
    Example: lineagegraph downstream bronze/orders --json
    """
    _ask_lineage(graph, "downstream", dataset, namespace, depth, all_time, as_of, as_json)


def _ask_lineage(
    graph: Graph,
    which: str,
    name: str,
    namespace: str | None,
    depth: int,
    all_time: bool,
    as_of: datetime | None,
    as_json: bool,
) -> None:
    from lineagegraph import display, lineage

    until = int(as_of.replace(tzinfo=UTC).timestamp() * 1000) if as_of else None
    with _reader(graph()) as reader:
        start = lineage.find_dataset(reader, name, namespace)
        found = (lineage.upstream if which == "upstream" else lineage.downstream)(reader, start, depth, all_time, until)
        _print(display.as_json(reader.view, found, which), lambda: display.as_tree(reader.view, found, which), as_json)


@click.command()
@click.argument("run_id")
@_json
@click.pass_obj
def run(graph: Graph, run_id: str, as_json: bool) -> None:
    """One run: its state, and the snapshots that it read and wrote, each with its certainty.

    \b
    Example: lineagegraph run 01a20628-7b75-77b3-81d0-5d5cdd398e13
    """
    from lineagegraph import display, lineage
    from lineagegraph.answers import run_answer

    with _reader(graph()) as reader:
        found = lineage.find_run(reader, run_id)
        answer = run_answer(reader.view, found)
    _print(answer, lambda: display.run_as_text(answer), as_json)


@click.command()
@click.option("--hash", "only_hash", is_flag=True, help="Only one hash of all lines; two graphs are equal iff it is.")
@click.option("--json", "as_json", is_flag=True, help="With --hash: as a JSON object. Lines are JSON anyway.")
@click.pass_obj
def export(graph: Graph, only_hash: bool, as_json: bool) -> None:
    """Print the whole graph as sorted JSON lines, without internal ids.

    \b
    Example: lineagegraph export --hash
    """
    from lineagegraph.export import digest
    from lineagegraph.export import export as lines

    with _counting("exporting") as progress:
        found = lines(graph(), progress)
        if only_hash:
            value = digest(found)
        else:
            for line in found:
                sys.stdout.write(line + "\n")
    if only_hash:
        _print({"hash": value}, value, as_json)


COMMANDS = (schema, upstream, downstream, run, export, *QUESTIONS)  # and those of lineagegraph.upkeep


@contextmanager
def _connections(settings: GraphSettings) -> Iterator[Connections]:
    from lineagegraph.gremlin import Connections

    with closing(Connections(settings)) as connections:
        yield connections


@contextmanager
def _reader(settings: GraphSettings) -> Iterator[Reader]:
    from lineagegraph.reader import Reader

    with _connections(settings) as connections:
        yield Reader(connections.ask)


@contextmanager
def _counting(what: str) -> Iterator[Callable[[int], None]]:
    """A count for people who wait; nothing where nobody looks."""
    if not sys.stderr.isatty():
        yield lambda count: None
        return
    from rich.console import Console

    console = Console(stderr=True)
    with console.status(what) as status:
        yield lambda count: status.update(f"{what}: {count:,} vertices")


def _print(answer: dict[str, Any], text: str | Callable[[], str], as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps(answer, ensure_ascii=False))
    else:
        click.echo(text if isinstance(text, str) else text())

"""The graph's commands: read the options, ask one question, print. The command line itself is assembled elsewhere.

The context's object is a function that gives the settings, so that `--help` works without any.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING, Any

import click

from lineagegraph import histories, listings, questions, walks

if TYPE_CHECKING:
    from lineagegraph.gremlin import Connections
    from lineagegraph.settings import GraphSettings

Graph = Callable[[], "GraphSettings"]

_json = click.option("--json", "as_json", is_flag=True, help="One JSON object instead of text for people.")


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


COMMANDS = (  # and those of lineagegraph.upkeep
    schema,
    export,
    *walks.COMMANDS,
    *questions.COMMANDS,
    *histories.COMMANDS,
    *listings.COMMANDS,
)


@contextmanager
def _connections(settings: GraphSettings) -> Iterator[Connections]:
    from lineagegraph.gremlin import Connections

    with closing(Connections(settings)) as connections:
        yield connections


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

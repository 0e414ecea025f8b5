"""The commands that go up and down from a dataset, or from a run to its snapshots."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

import click

from lineagegraph import asking

if TYPE_CHECKING:
    from lineagegraph.settings import GraphSettings


def _lineage(command: asking.Command) -> asking.Command:
    """A command that walks from a dataset."""
    for part in (asking.question, asking.as_of, asking.all_time, asking.depth, asking.namespace, asking.dataset):
        command = part(command)
    return command


@click.command()
@_lineage
def upstream(graph: GraphSettings, **asked: Any) -> None:
    """What a dataset was made of, and which snapshots were read for it.

    DATASET is what people type (gold/customers), a catalogue's name, or with --namespace the exact name.

    \b
    Example: lineagegraph upstream gold/customers --depth 3
    """
    _walk(graph, "upstream", **asked)


@click.command()
@_lineage
def downstream(graph: GraphSettings, **asked: Any) -> None:
    """What was made of a dataset, and which of its snapshots were read for that.

    \b
    Example: lineagegraph downstream bronze/orders --json
    """
    _walk(graph, "downstream", **asked)


def _walk(
    graph: GraphSettings,
    which: str,
    dataset: str,
    namespace: str | None,
    depth: int,
    all_time: bool,
    as_of: datetime | None,
    as_json: bool,
) -> None:
    from lineagegraph import display, lineage
    from lineagegraph.moments import millis

    walk = lineage.upstream if which == "upstream" else lineage.downstream
    with asking.reading(graph) as reader:
        start = lineage.find_dataset(reader, dataset, namespace)
        found = walk(reader, start, depth, all_time, millis(as_of))
        if as_json:
            click.echo(asking.text(display.as_json(reader.view, found, which)))
        else:
            click.echo(display.as_tree(reader.view, found, which))


@click.command()
@click.argument("run_id")
@asking.question
def run(graph: GraphSettings, run_id: str, as_json: bool) -> None:
    """One run: its state, and the snapshots that it read and wrote, each with its certainty.

    \b
    Example: lineagegraph run 01a20628-7b75-77b3-81d0-5d5cdd398e13
    """
    from lineagegraph import display, lineage
    from lineagegraph.answers import run_answer

    with asking.reading(graph) as reader:
        found = lineage.find_run(reader, run_id)
        answer = run_answer(reader.view, found)
    click.echo(asking.text(answer) if as_json else display.run_as_text(answer))


@click.command("graph")
@asking.dataset
@click.option("--direction", type=click.Choice(["upstream", "downstream", "both"]), default="both", show_default=True)
@click.option("--dot", "form", flag_value="dot", help="For Graphviz.")
@click.option("--mermaid", "form", flag_value="mermaid", help="For Mermaid.")
@asking.namespace
@asking.depth
@asking.question
def draw(
    graph: GraphSettings,
    dataset: str,
    direction: Any,
    form: str | None,
    namespace: str | None,
    depth: int,
    as_json: bool,
) -> None:
    """What is around a dataset, as nodes and edges.

    \b
    Example: lineagegraph graph gold/customers --depth 3 --mermaid
    """
    from lineagegraph import drawing

    with asking.reading(graph) as reader:
        found = drawing.graph(reader, asking.find(reader, dataset, namespace), depth, direction)
        view = reader.view
        if form is not None and not as_json:
            click.echo(drawing.as_dot(view, found) if form == "dot" else drawing.as_mermaid(view, found))
            return
        rows = [(asking.called(reader, e.source), e.label, asking.called(reader, e.target)) for e in found.edges]
    asking.show(found, ("from", "edge", "to"), rows, as_json)


COMMANDS = (upstream, downstream, run, draw)

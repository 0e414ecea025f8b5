"""The commands that go up and down from a dataset, or from a run to its snapshots."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

import click

from lineagegraph import asking

if TYPE_CHECKING:
    from lineagegraph.settings import GraphSettings


def _lineage(command: asking.Command) -> asking.Command:
    """A command that walks from a dataset, or from another thing."""
    options = (asking.namespace, asking.kind, asking.depth, asking.all_time, asking.as_of, asking.drawable)
    for part in (asking.question, *reversed(options), asking.dataset):
        command = part(command)
    return command


@click.command()
@_lineage
def upstream(graph: GraphSettings, **asked: Any) -> None:
    """What a dataset was made of, and which snapshots were read for it.

    DATASET is what people type (gold/customers), a catalogue's name, or with --namespace the exact name; with --type
    the name of a pipeline, model or feature view.

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
    label: str,
    depth: int,
    all_time: bool,
    as_of: datetime | None,
    form: str | None,
    as_json: bool,
) -> None:
    from lineagegraph import display, drawing, lineage
    from lineagegraph.finding import find
    from lineagegraph.moments import millis

    walk = lineage.upstream if which == "upstream" else lineage.downstream
    with asking.reading(graph) as reader:
        found = walk(reader, find(reader, label, dataset, namespace), depth, all_time, millis(as_of))
        view = reader.view
        if asking.drawn(form, as_json, lambda: drawing.sketch(view, drawing.drawn(found.start, found))):
            return
        if as_json:
            click.echo(asking.text(display.as_json(view, found, which)))
        else:
            click.echo(display.as_tree(view, found, which))


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


@click.command()
@click.argument("pipeline_id")
@asking.namespace
@asking.question
def pipeline(graph: GraphSettings, pipeline_id: str, namespace: str | None, as_json: bool) -> None:
    """What a pipeline reads and writes now, and the feature views that it makes.

    \b
    Example: lineagegraph pipeline daily_revenue
    """
    from lineagegraph import around

    with asking.reading(graph) as reader:
        found = around.pipeline_ends(reader, around.find_pipeline(reader, pipeline_id, namespace))
        ends = (("reads", found.inputs), ("writes", found.outputs), ("makes", found.features))
        rows = [(verb, asking.called(reader, v), v.key[0], v.key[1]) for verb, some in ends for v in some]
    asking.show(found, ("", "called", "namespace", "name"), rows, as_json)


@click.command("graph")
@asking.dataset
@click.option("--direction", type=click.Choice(["upstream", "downstream", "both"]), default="both", show_default=True)
@asking.drawable
@asking.namespace
@asking.kind
@asking.depth
@asking.all_time
@asking.as_of
@asking.question
def draw(
    graph: GraphSettings,
    dataset: str,
    direction: Any,
    form: str | None,
    namespace: str | None,
    label: str,
    depth: int,
    all_time: bool,
    as_of: datetime | None,
    as_json: bool,
) -> None:
    """What is around a dataset (with --type around another thing), as nodes and edges.

    \b
    Example: lineagegraph graph gold/customers --depth 3 --mermaid
    """
    from lineagegraph import drawing
    from lineagegraph.finding import find
    from lineagegraph.moments import millis

    with asking.reading(graph) as reader:
        start = find(reader, label, dataset, namespace)
        found = drawing.graph(reader, start, depth, direction, all_time, millis(as_of))
        if asking.drawn(form, as_json, lambda: drawing.sketch(reader.view, found)):
            return
        rows = [(asking.called(reader, e.source), e.label, asking.called(reader, e.target)) for e in found.edges]
    asking.show(found, ("from", "edge", "to"), rows, as_json)


COMMANDS = (upstream, downstream, run, pipeline, draw)

"""The commands that ask: read the options, ask one question, print a table or a tree, or with --json the answer."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from lineagegraph.facts import Vertex
    from lineagegraph.reader import Reader
    from lineagegraph.settings import GraphSettings

Graph = Callable[[], "GraphSettings"]

_json = click.option("--json", "as_json", is_flag=True, help="One JSON object instead of text for people.")
_dataset = click.argument("dataset")
_namespace = click.option("--namespace", help="The namespace; the name is then the whole name.")
_depth = click.option("--depth", type=click.IntRange(1, 100), default=5, show_default=True, help="How many steps.")
_first = click.option("--first", type=click.IntRange(1, 1000), default=50, show_default=True, help="Rows of a page.")
_after = click.option("--after", help="Where the page before ended: its `after`.")
_layer = click.option("--layer", help="Only datasets of this layer.")


@click.command()
@_dataset
@click.option("--field", "fields", multiple=True, help="A column (again for several); all without it.")
@click.option("--down", is_flag=True, help="What was made of the columns, instead of what they were made of.")
@_namespace
@_depth
@_json
@click.pass_obj
def columns(
    graph: Graph, dataset: str, fields: tuple[str, ...], down: bool, namespace: str | None, depth: int, as_json: bool
) -> None:
    """What columns were made of, with the transformations.

    \b
    Example: lineagegraph columns gold/customers --field country
    """
    from lineagegraph.columns import column_lineage

    with _reader(graph()) as reader:
        start = _find(reader, dataset, namespace)
        found = column_lineage(reader, start, fields, "downstream" if down else "upstream", depth)
        rows = [
            (f"{_called(reader, s.target)}.{s.target_field}", f"{_called(reader, s.source)}.{s.source_field}", _how(s))
            for s in found.steps
        ]
    _print(found, ("column", "made of", "how"), rows, as_json)


def _how(step: Any) -> str:
    return ", ".join("/".join(p for p in (t[0], t[1], "masked" if t[2] else None) if p) for t in step.transformations)


@click.command()
@_dataset
@click.argument("version", required=False)
@_namespace
@_depth
@_first
@_after
@_json
@click.pass_obj
def snapshot(
    graph: Graph,
    dataset: str,
    version: str | None,
    namespace: str | None,
    depth: int,
    first: int,
    after: str | None,
    as_json: bool,
) -> None:
    """Every snapshot that this one was made of, and by which runs; without VERSION the snapshots there are.

    \b
    Example: lineagegraph snapshot gold/customers 3415980659974692448
    """
    from lineagegraph import history
    from lineagegraph.provenance import provenance

    with _reader(graph()) as reader:
        start = _find(reader, dataset, namespace)
        if version is None:
            page = history.versions(reader, start, first, after)
            rows = [
                (r.version, _moment(r.first_named_at), ", ".join(w[0].key[0] for w in r.writers)) for r in page.rows
            ]
            _print(page, ("snapshot", "first named", "written by run"), rows, as_json)
            return
        found = provenance(reader, start, version, depth)
        of = [
            (_snapshot(reader, o.target), o.run.key[0], o.wrote, _snapshot(reader, o.source), o.source.certainty)
            for o in found.origins
        ]
        ends = [(_snapshot(reader, e.snapshot), "", "", e.reason, "") for e in found.ends]
    _print(found, ("snapshot", "written by run", "", "made of", ""), [*of, *ends], as_json)


@click.command()
@click.argument("name")
@click.argument("version", required=False)
@click.option("--namespace", help="The model's namespace.")
@click.option("--audit", type=click.Choice(["markdown", "json"]), help="An audit report.")
@_json
@click.pass_obj
def model(
    graph: Graph, name: str, version: str | None, namespace: str | None, audit: str | None, as_json: bool
) -> None:
    """What a model version was trained on, and whether that can be repeated; without VERSION the latest one.

    \b
    Example: lineagegraph model churn_predictor 5 --audit markdown
    """
    from lineagegraph import audit as reports
    from lineagegraph.training import model_lineage

    with _reader(graph()) as reader:
        if audit is not None:
            report = reports.audit(reader, int(time.time() * 1000), name, version, namespace)
            click.echo(_text(reports.as_json(report)) if audit == "json" else reports.as_markdown(report))
            return
        found = model_lineage(reader, name, version, namespace)
    if not as_json:
        click.echo(f"Model {found.name}, version {found.version}. Reproducible: {found.reproducible}.")
    rows = [(r.dataset_id, r.version or "none", r.certainty, r.reason or "", r.sql or "") for r in found.trained_on]
    _print(found, ("trained on", "snapshot", "certainty", "reason", "to read it again"), rows, as_json)


@click.command()
@_dataset
@click.option("--change", type=click.Choice(["schema", "data", "removal"]), default="schema", show_default=True)
@click.option("--column", "fields", multiple=True, help="Only what may use this column (again for several).")
@_namespace
@_json
@click.pass_obj
def impact(
    graph: Graph, dataset: str, change: Any, fields: tuple[str, ...], namespace: str | None, as_json: bool
) -> None:
    """What a change of a dataset affects, why, and who answers for it.

    \b
    Example: lineagegraph impact silver/customers --change schema --column email
    """
    from lineagegraph.impact import impact as ask

    with _reader(graph()) as reader:
        found = ask(reader, _find(reader, dataset, namespace), change, fields)
        rows = [
            (a.thing.label, _called(reader, a.thing), str(a.depth), "; ".join(a.reasons), ", ".join(a.owners))
            for a in (*found.datasets, *found.pipelines, *found.models, *found.features)
        ]
    if not as_json:
        click.echo(f"{found.total} affected: {found.severity}.")
    _print(found, ("", "affected", "steps", "why", "owners"), rows, as_json)


@click.command()
@_layer
@click.option("--models", is_flag=True, help="Instead: models trained on anything whose snapshot is not recorded.")
@_first
@_after
@_json
@click.pass_obj
def orphans(graph: Graph, layer: str | None, models: bool, first: int, after: str | None, as_json: bool) -> None:
    """Datasets that nothing uses: no pipeline reads them, no dataset was made of them, no model trained on them.

    \b
    Example: lineagegraph orphans --layer bronze
    """
    from lineagegraph import inventory
    from lineagegraph.scan import scan

    settings = graph()
    with _reader(settings) as reader:
        if models:
            page = inventory.without_snapshots(reader, scan(settings, "Model"), first, after)
        else:
            known = inventory.by_layer(reader, layer, 10_000).things if layer else scan(settings, "Dataset")
            page = inventory.orphans(reader, iter(known), first, after)
        rows = [(thing.label, _called(reader, thing), thing.key[0]) for thing in page.things]
    _print(page, ("", "name", "namespace"), rows, as_json)


@click.command()
@click.argument("text", required=False)
@_layer
@_first
@_after
@_json
@click.pass_obj
def search(graph: Graph, text: str | None, layer: str | None, first: int, after: str | None, as_json: bool) -> None:
    """Datasets, pipelines, models and features in whose name TEXT stands; with --layer the datasets of a layer.

    \b
    Example: lineagegraph search customers
    """
    from functools import partial

    from lineagegraph import inventory
    from lineagegraph.scan import scan

    if (text is None) == (layer is None):
        raise click.UsageError("Give a TEXT, or --layer.")
    settings = graph()
    with _reader(settings) as reader:
        if layer is not None:
            page = inventory.by_layer(reader, layer, first, after)
        else:
            page = inventory.search(reader, partial(scan, settings), text or "", first, after)
        rows = [(thing.label, _called(reader, thing), thing.key[0], thing.key[1]) for thing in page.things]
    _print(page, ("", "called", "namespace", "name"), rows, as_json)


@click.command("graph")
@_dataset
@click.option("--direction", type=click.Choice(["upstream", "downstream", "both"]), default="both", show_default=True)
@click.option("--dot", "form", flag_value="dot", help="For Graphviz.")
@click.option("--mermaid", "form", flag_value="mermaid", help="For Mermaid.")
@_namespace
@_depth
@_json
@click.pass_obj
def draw(
    graph: Graph, dataset: str, direction: Any, form: str | None, namespace: str | None, depth: int, as_json: bool
) -> None:
    """What is around a dataset, as nodes and edges.

    \b
    Example: lineagegraph graph gold/customers --depth 3 --mermaid
    """
    from lineagegraph import drawing

    with _reader(graph()) as reader:
        found = drawing.graph(reader, _find(reader, dataset, namespace), depth, direction)
        view = reader.view
        if form is not None and not as_json:
            click.echo(drawing.as_dot(view, found) if form == "dot" else drawing.as_mermaid(view, found))
            return
        rows = [(_called(reader, e.source), e.label, _called(reader, e.target)) for e in found.edges]
    _print(found, ("from", "edge", "to"), rows, as_json)


@click.command()
@click.argument("pipeline")
@click.option("--namespace", required=True, help="The pipeline's namespace.")
@_first
@_after
@_json
@click.pass_obj
def runs(graph: Graph, pipeline: str, namespace: str, first: int, after: str | None, as_json: bool) -> None:
    """The runs of a pipeline, newest first.

    \b
    Example: lineagegraph runs daily_revenue --namespace spark --first 10
    """
    from lineagegraph import history
    from lineagegraph.facts import Vertex

    with _reader(graph()) as reader:
        page = history.runs(reader, Vertex("Pipeline", (namespace, pipeline)), first, after)
    rows = [(r.run.key[0], r.state, _moment(r.started_at), _moment(r.seen_at), r.error or "") for r in page.rows]
    _print(page, ("run", "state", "started", "last seen", "error"), rows, as_json)


@click.command()
@_dataset
@_namespace
@_json
@click.pass_obj
def schemas(graph: Graph, dataset: str, namespace: str | None, as_json: bool) -> None:
    """Every schema that a dataset has had, and what changed from one to the next.

    \b
    Example: lineagegraph schemas silver/customers
    """
    from lineagegraph import history, rules

    with _reader(graph()) as reader:
        found = history.schemas(reader, _find(reader, dataset, namespace))
    before: tuple[rules.Field, ...] = ()
    rows = []
    for schema in found.schemas:
        changed = rules.drift(before, schema.fields)
        what = [*(f"+{f.name}" for f in changed.added), *(f"-{f.name}" for f in changed.removed)]
        what += [f"{name}: {old} → {new}" for name, old, new in changed.retyped]
        rows.append((schema.hash[:12], schema.first_day or "", schema.last_day or "", ", ".join(what)))
        before = schema.fields
    _print(found, ("schema", "first stated", "last stated", "changes"), rows, as_json)


QUESTIONS = (columns, snapshot, model, impact, orphans, search, draw, runs, schemas)


@contextmanager
def _reader(settings: GraphSettings) -> Iterator[Reader]:
    from lineagegraph.gremlin import Connections
    from lineagegraph.reader import Reader

    with closing(Connections(settings)) as connections:
        yield Reader(connections.ask)


def _find(reader: Reader, name: str, namespace: str | None) -> Vertex:
    from lineagegraph.lineage import find_dataset

    return find_dataset(reader, name, namespace)


def _called(reader: Reader, thing: Vertex) -> str:
    from lineagegraph.drawing import called

    return called(reader.view, thing)


def _snapshot(reader: Reader, row: Any) -> str:
    return f"{_called(reader, row.dataset)} @ {row.version or 'unknown'}"


def _moment(millis: int | None) -> str:
    return "" if millis is None else datetime.fromtimestamp(millis / 1000, UTC).strftime("%Y-%m-%d %H:%M:%S")


def _text(answer: Any) -> str:
    import json

    return json.dumps(answer, ensure_ascii=False)


def _print(answer: Any, head: Sequence[str], rows: Iterable[Sequence[str]], as_json: bool) -> None:
    from lineagegraph.shown import shown

    if as_json:
        click.echo(_text(shown(answer)))
        return
    texts = [list(head), *([str(cell) for cell in row] for row in rows)]
    widths = [max(len(row[at]) for row in texts) for at in range(len(head))]
    for row in texts if len(texts) > 1 else [["Nothing."] + [""] * (len(head) - 1)]:
        click.echo("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())
    if getattr(answer, "cut", None):
        click.echo("Limits cut this answer short: ask for less --depth, or from something nearer to what you look for.")
    if getattr(answer, "after", None):
        click.echo("There are more: go on with --after and the `after` of --json.")

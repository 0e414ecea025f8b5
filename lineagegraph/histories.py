"""The commands that ask what there was: snapshots, runs, schemas."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from lineagegraph import asking

if TYPE_CHECKING:
    from lineagegraph.facts import Vertex
    from lineagegraph.reader import Reader
    from lineagegraph.rules import Snapshot
    from lineagegraph.settings import GraphSettings


@click.command()
@asking.dataset
@click.argument("version", required=False)
@asking.namespace
@asking.depth
@asking.first
@asking.after
@asking.drawable
@asking.question
def snapshot(
    graph: GraphSettings,
    dataset: str,
    version: str | None,
    namespace: str | None,
    depth: int,
    first: int,
    after: str | None,
    form: str | None,
    as_json: bool,
) -> None:
    """Every snapshot that this one was made of, and by which runs; without VERSION the snapshots there are.

    \b
    Example: lineagegraph snapshot gold/customers 3415980659974692448
    """
    from lineagegraph import drawing
    from lineagegraph.provenance import provenance

    if form and version is None:
        raise click.UsageError("What can be drawn is what a VERSION was made of.")
    with asking.reading(graph) as reader:
        start = asking.find(reader, dataset, namespace)
        if version is None:
            _versions(reader, start, first, after, as_json)
            return
        found = provenance(reader, start, version, depth)
        view = reader.view
        if asking.drawn(form, as_json, lambda: drawing.of_snapshots(view, found)):
            return

        def called(one: Snapshot) -> str:
            return drawing.snapshot_called(view, one)

        of = [(called(o.target), o.run.key[0], o.wrote, called(o.source), o.source.certainty) for o in found.origins]
        ends = [(called(e.snapshot), "", "", e.reason, "") for e in found.ends]
    asking.show(found, ("snapshot", "written by run", "", "made of", ""), [*of, *ends], as_json)


def _versions(reader: Reader, dataset: Vertex, first: int, after: str | None, as_json: bool) -> None:
    from lineagegraph import history

    page = history.versions(reader, dataset, first, after)
    rows = [(r.version, asking.moment(r.first_named_at), ", ".join(w[0].key[0] for w in r.writers)) for r in page.rows]
    asking.show(page, ("snapshot", "first named", "written by run"), rows, as_json)


@click.command()
@click.argument("pipeline")
@click.option("--namespace", required=True, help="The pipeline's namespace.")
@asking.first
@asking.after
@asking.question
def runs(graph: GraphSettings, pipeline: str, namespace: str, first: int, after: str | None, as_json: bool) -> None:
    """The runs of a pipeline, newest first.

    \b
    Example: lineagegraph runs daily_revenue --namespace spark --first 10
    """
    from lineagegraph import history
    from lineagegraph.facts import Vertex

    with asking.reading(graph) as reader:
        page = history.runs(reader, Vertex("Pipeline", (namespace, pipeline)), first, after)
    rows = [
        (r.run.key[0], r.state, asking.moment(r.started_at), asking.moment(r.seen_at), r.error or "") for r in page.rows
    ]
    asking.show(page, ("run", "state", "started", "last seen", "error"), rows, as_json)


@click.command()
@asking.dataset
@asking.namespace
@asking.question
def schemas(graph: GraphSettings, dataset: str, namespace: str | None, as_json: bool) -> None:
    """Every schema that a dataset has had, and what changed from one to the next.

    \b
    Example: lineagegraph schemas silver/customers
    """
    from lineagegraph import history, rules

    with asking.reading(graph) as reader:
        found = history.schemas(reader, asking.find(reader, dataset, namespace))
    before: tuple[rules.Field, ...] = ()
    rows = []
    for schema in found.schemas:
        changed = rules.drift(before, schema.fields)
        what = [*(f"+{f.name}" for f in changed.added), *(f"-{f.name}" for f in changed.removed)]
        what += [f"{name}: {old} → {new}" for name, old, new in changed.retyped]
        rows.append((schema.hash[:12], schema.first_day or "", schema.last_day or "", ", ".join(what)))
        before = schema.fields
    asking.show(found, ("schema", "first stated", "last stated", "changes"), rows, as_json)


@click.command()
@asking.dataset
@click.argument("old", required=False)
@click.argument("new", required=False)
@asking.namespace
@asking.question
def drift(
    graph: GraphSettings, dataset: str, old: str | None, new: str | None, namespace: str | None, as_json: bool
) -> None:
    """What changed from one schema of a dataset to another: OLD and NEW begin their hashes; without, the last two.

    \b
    Example: lineagegraph drift silver/customers 9539540e2d3e dd274848d275
    """
    from lineagegraph import history

    with asking.reading(graph) as reader:
        found = history.drift(reader, asking.find(reader, dataset, namespace), old, new)
    rows = [("added", field.name, "", field.type or "") for field in found.added]
    rows += [("removed", field.name, field.type or "", "") for field in found.removed]
    rows += [("retyped", name, before or "", after or "") for name, before, after in found.retyped]
    asking.show(found, ("", "column", "before", "after"), rows, as_json)


COMMANDS = (snapshot, runs, schemas, drift)

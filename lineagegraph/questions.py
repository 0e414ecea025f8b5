"""The commands that ask about datasets, columns and models: read the options, ask one question, print."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import click

from lineagegraph import asking

if TYPE_CHECKING:
    from lineagegraph.settings import GraphSettings


@click.command()
@asking.dataset
@click.option("--field", "fields", multiple=True, help="A column (again for several); all without it.")
@click.option("--down", is_flag=True, help="What was made of the columns, instead of what they were made of.")
@asking.namespace
@asking.depth
@asking.all_time
@asking.drawable
@asking.question
def columns(
    graph: GraphSettings,
    dataset: str,
    fields: tuple[str, ...],
    down: bool,
    namespace: str | None,
    depth: int,
    all_time: bool,
    form: str | None,
    as_json: bool,
) -> None:
    """What columns were made of, with the transformations.

    \b
    Example: lineagegraph columns gold/customers --field country
    """
    from lineagegraph import drawing
    from lineagegraph.columns import column_lineage

    with asking.reading(graph) as reader:
        start = asking.find(reader, dataset, namespace)
        found = column_lineage(reader, start, fields, "downstream" if down else "upstream", depth, all_time)
        if asking.drawn(form, as_json, lambda: drawing.of_columns(reader.view, found)):
            return
        rows = [
            (
                f"{asking.called(reader, s.target)}.{s.target_field}",
                f"{asking.called(reader, s.source)}.{s.source_field}",
                drawing.how(s),
            )
            for s in found.steps
        ]
    asking.show(found, ("column", "made of", "how"), rows, as_json)


@click.command()
@click.argument("name")
@click.argument("version", required=False)
@click.option("--namespace", help="The model's namespace.")
@click.option("--audit", type=click.Choice(["markdown", "json"]), help="An audit report.")
@asking.drawable
@asking.question
def model(
    graph: GraphSettings,
    name: str,
    version: str | None,
    namespace: str | None,
    audit: str | None,
    form: str | None,
    as_json: bool,
) -> None:
    """What a model version was trained on, and whether that can be repeated; without VERSION the latest one.

    \b
    Example: lineagegraph model churn_predictor 5 --audit markdown
    """
    from lineagegraph import audit as reports
    from lineagegraph import drawing
    from lineagegraph.training import model_lineage

    with asking.reading(graph) as reader:
        if audit is not None:
            report = reports.audit(reader, now(), name, version, namespace)
            click.echo(asking.text(reports.as_json(report)) if audit == "json" else reports.as_markdown(report))
            return
        found = model_lineage(reader, name, version, namespace)
        view = reader.view
        if asking.drawn(form, as_json, lambda: drawing.sketch(view, drawing.drawn(found.model, found.upstream))):
            return
    if not as_json:
        click.echo(f"Model {found.name}, version {found.version}. Reproducible: {found.reproducible}.")
    rows = [(r.dataset_id, r.version or "none", r.certainty, r.reason or "", r.sql or "") for r in found.trained_on]
    asking.show(found, ("trained on", "snapshot", "certainty", "reason", "to read it again"), rows, as_json)


def now() -> int:
    """Milliseconds since 1970."""
    return int(time.time() * 1000)


@click.command()
@asking.dataset
@click.option("--change", type=click.Choice(["schema", "data", "removal"]), default="schema", show_default=True)
@click.option("--column", "fields", multiple=True, help="Only what may use this column (again for several).")
@click.option("--low", type=click.IntRange(0), default=5, show_default=True, help="Up to so many affected are LOW.")
@click.option("--medium", type=click.IntRange(0), default=20, show_default=True, help="Up to so many are MEDIUM.")
@asking.namespace
@asking.question
def impact(
    graph: GraphSettings,
    dataset: str,
    change: Any,
    fields: tuple[str, ...],
    low: int,
    medium: int,
    namespace: str | None,
    as_json: bool,
) -> None:
    """What a change of a dataset affects, why, and who answers for it.

    \b
    Example: lineagegraph impact silver/customers --change schema --column email
    """
    from lineagegraph.impact import Thresholds
    from lineagegraph.impact import impact as ask

    thresholds = Thresholds(low, medium)
    with asking.reading(graph) as reader:
        found = ask(reader, asking.find(reader, dataset, namespace), change, fields, thresholds)
        rows = [
            (a.thing.label, asking.called(reader, a.thing), str(a.depth), "; ".join(a.reasons), ", ".join(a.owners))
            for a in (*found.datasets, *found.pipelines, *found.models, *found.features)
        ]
    if not as_json:
        click.echo(f"{found.total} affected: {found.severity}.")
    asking.show(found, ("", "affected", "steps", "why", "owners"), rows, as_json)


@click.command()
@asking.dataset
@asking.all_time
@asking.namespace
@asking.question
def consumers(graph: GraphSettings, dataset: str, all_time: bool, namespace: str | None, as_json: bool) -> None:
    """Who uses a dataset directly: pipelines that read it, models trained on it, what was made of it.

    \b
    Example: lineagegraph consumers silver/customers
    """
    from lineagegraph import impact

    with asking.reading(graph) as reader:
        found = impact.consumers(reader, asking.find(reader, dataset, namespace), all_time)
        every = (*found.pipelines, *found.models, *found.datasets, *found.features)
        owners = [", ".join(impact.owners(reader.view, thing)) for thing in every]
        rows = [(v.label, asking.called(reader, v), v.key[0], by) for v, by in zip(every, owners, strict=True)]
    asking.show(found, ("", "used by", "namespace", "owners"), rows, as_json)


COMMANDS = (columns, model, impact, consumers)

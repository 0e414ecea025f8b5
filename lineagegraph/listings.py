"""The commands that ask what there is, page by page: orphans, search, paths."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from lineagegraph import asking

if TYPE_CHECKING:
    from lineagegraph.settings import GraphSettings


@click.command()
@asking.layer
@click.option("--models", is_flag=True, help="Instead: models trained on anything whose snapshot is not recorded.")
@asking.first
@asking.after
@asking.question
def orphans(
    graph: GraphSettings, layer: str | None, models: bool, first: int, after: str | None, as_json: bool
) -> None:
    """Datasets that nothing uses: no pipeline reads them, no dataset was made of them, no model trained on them.

    \b
    Example: lineagegraph orphans --layer bronze
    """
    from lineagegraph import inventory
    from lineagegraph.scan import scan

    with asking.reading(graph) as reader:
        if models:
            page = inventory.without_snapshots(reader, inventory.in_order(scan(graph, ["Model"])), first, after)
        else:
            names = [] if layer else inventory.in_order(scan(graph, ["Dataset"]))
            page = inventory.orphans(reader, names, first, after, layer)
        rows = [(thing.label, asking.called(reader, thing), thing.key[0]) for thing in page.things]
    asking.show(page, ("", "name", "namespace"), rows, as_json)


@click.command()
@click.argument("text", required=False)
@asking.layer
@asking.first
@asking.after
@asking.question
def search(
    graph: GraphSettings, text: str | None, layer: str | None, first: int, after: str | None, as_json: bool
) -> None:
    """Datasets, pipelines, models and features in whose name TEXT stands; with --layer the datasets of a layer.

    \b
    Example: lineagegraph search customers
    """
    from lineagegraph import inventory
    from lineagegraph.scan import scan

    if (text is None) == (layer is None):
        raise click.UsageError("Give a TEXT, or --layer.")
    with asking.reading(graph) as reader:
        if layer is not None:
            page = inventory.by_layer(reader, layer, first, after)
        else:
            names = inventory.in_order(scan(graph, inventory.NAMED))
            page = inventory.search(reader, names, text or "", first, after)
        rows = [(thing.label, asking.called(reader, thing), thing.key[0], thing.key[1]) for thing in page.things]
    asking.show(page, ("", "called", "namespace", "name"), rows, as_json)


@click.command()
@click.option("--layer", default="bronze", show_default=True, help="Where the paths begin.")
@asking.depth
@asking.first
@asking.after
@asking.drawable
@asking.question
def paths(
    graph: GraphSettings, layer: str, depth: int, first: int, after: str | None, form: str | None, as_json: bool
) -> None:
    """A shortest path from each dataset of a layer to each model below it.

    \b
    Example: lineagegraph paths --layer bronze
    """
    from lineagegraph import drawing, inventory

    with asking.reading(graph) as reader:
        page = inventory.paths_to_models(reader, layer, first, after, depth)
        if asking.drawn(form, as_json, lambda: drawing.of_paths(reader.view, page.paths)):
            return
        rows = [(" → ".join(asking.called(reader, thing) for thing in path.things),) for path in page.paths]
    asking.show(page, ("path",), rows, as_json)


COMMANDS = (orphans, search, paths)

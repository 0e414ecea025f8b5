"""What there is: datasets by layer, search by name, orphans, models without snapshots, paths from a layer to models.

Names are not in a search index: one would cost every write, and everything in the graph is reached from a name that
people type. What has no index is found by looking at every name in its order, page by page.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass

from lineagegraph import lineage, needs, rules
from lineagegraph.facts import Vertex
from lineagegraph.pages import Page, behind, cursor, looked_through
from lineagegraph.reader import Reader

FIRST = 100
NAMED = ("Dataset", "Pipeline", "Model", "Feature")  # what has a name that people know


@dataclass(frozen=True, slots=True)
class Path:
    """From a dataset down to a model: each made of the one before it."""

    things: tuple[Vertex, ...]


@dataclass(frozen=True, slots=True)
class Paths:
    """Paths by the datasets that they begin at; `after` and `cut` as of a page."""

    paths: tuple[Path, ...]
    after: str | None
    cut: bool


def in_order(names: Iterable[Vertex]) -> list[Vertex]:
    """Each once, as lists have them."""
    return sorted(set(names), key=cursor)


def by_layer(reader: Reader, layer: str, first: int = FIRST, after: str | None = None) -> Page:
    """The datasets of a layer."""
    found = in_order(_of_layer(reader, layer))
    shown = found[behind(found, after) :][:first]
    more = bool(shown) and shown[-1] != found[-1]
    return Page(tuple(shown), cursor(shown[-1]) if more else None, bool(reader.unfinished))


def _of_layer(reader: Reader, layer: str) -> set[Vertex]:
    found = reader.look_up([[("layer", layer.lower())]])
    needs.names(reader, found)
    corrections = reader.view.corrections
    meant = {corrections.dataset(d) for d in found if d.label == "Dataset" and not corrections.ignores(d)}
    return {rules.physical(reader.view, d) for d in meant if not corrections.ignores(d)}


def search(reader: Reader, names: Sequence[Vertex], text: str, first: int = FIRST, after: str | None = None) -> Page:
    """Datasets, pipelines, models and features in whose name this text stands, whatever the case of its letters.

    A dataset is found by any of its names and listed once, as itself, at the first of those that fit.
    `names`: those of all of them, in order.
    """
    wanted = text.casefold()

    def fits(name: Vertex) -> bool:
        return wanted in name.key[1].casefold() and not reader.view.corrections.ignores(name)

    def fitting(some: Collection[Vertex]) -> dict[Vertex, Vertex]:
        found = [name for name in some if fits(name)]
        needs.names(reader, [name for name in found if name.label == "Dataset"])
        meant = {name: _meant(reader, name) for name in found}
        return {name: thing for name, thing in meant.items() if name == _first(name, thing)}

    def _first(name: Vertex, thing: Vertex) -> Vertex:
        return min(filter(fits, _names(thing)), key=cursor, default=name)

    def _names(thing: Vertex) -> Iterable[Vertex]:
        if thing.label != "Dataset":
            return (thing,)
        return {as_stored for n in rules.names_of(reader.view, thing) for as_stored in reader.view.corrections.names(n)}

    page = looked_through(reader, names, fitting, first, after)
    reader.fetch(page.things)
    return page


def _meant(reader: Reader, name: Vertex) -> Vertex:
    """The dataset that has this name; any other thing is its own."""
    return rules.physical(reader.view, reader.view.corrections.dataset(name)) if name.label == "Dataset" else name


def orphans(
    reader: Reader, datasets: Sequence[Vertex], first: int = FIRST, after: str | None = None, layer: str | None = None
) -> Page:
    """Those of these datasets that nothing uses: no pipeline reads them, nothing was made of them, no model trained.

    `datasets` are in order; with a layer they are that layer's, whatever is given.
    """
    if layer is not None:
        datasets = in_order(_of_layer(reader, layer))

    def unused(some: Collection[Vertex]) -> dict[Vertex, Vertex]:
        needs.names(reader, some)
        # Another name of a dataset comes with it; so does what the operator says is another name.
        physical = [d for d in some if reader.view.corrections.dataset(d) == d == rules.physical(reader.view, d)]
        needs.trained(reader, physical)
        needs.sources(reader, {o for d in physical for o in rules.outputs_of(reader.view, d)})
        needs.standing(reader, physical)
        every = {n for d in physical for n in rules.names_of(reader.view, d)}
        needs.current(reader, {p for n in every for p in reader.view.into("CONSUMES", n)})
        return {d: d for d in physical if rules.is_orphan(reader.view, d)}

    return looked_through(reader, datasets, unused, first, after)


def without_snapshots(reader: Reader, models: Sequence[Vertex], first: int = FIRST, after: str | None = None) -> Page:
    """Those of these model versions, in order, that were trained on anything whose snapshot is not recorded."""

    def bare(some: Collection[Vertex]) -> dict[Vertex, Vertex]:
        needs.training(reader, some)
        found = ((model, rules.training(reader.view, model)) for model in some)
        return {model: model for model, t in found if t and any(row.snapshot.version is None for row in t.trained_on)}

    return looked_through(reader, models, bare, first, after)


def paths_to_models(
    reader: Reader, layer: str = "bronze", first: int = FIRST, after: str | None = None, depth: int = 10
) -> Paths:
    """A shortest path from each dataset of a layer to each model below it; `first` of them and the rest of the last."""
    starts = in_order(_of_layer(reader, layer))
    starts = starts[behind(starts, after) :]
    found: list[Path] = []
    cut = bool(reader.unfinished)
    for number, start in enumerate(starts):
        walk = lineage.downstream(reader, start, depth)
        found += _paths(walk, start)
        cut = cut or walk.cut is not None
        if (len(found) >= first or reader.exhausted) and number + 1 < len(starts):
            return Paths(tuple(found), cursor(start), cut or reader.exhausted is not None)
    return Paths(tuple(found), None, cut)


def _paths(walk: lineage.Lineage, start: Vertex) -> Iterator[Path]:
    came: dict[Vertex, Vertex] = {}
    for step in walk.steps:
        if step.target not in came:
            came[step.target] = step.source
            if step.target.label == "Model":
                yield Path(tuple(reversed(list(_back(step.target, start, came)))))


def _back(end: Vertex, start: Vertex, came: dict[Vertex, Vertex]) -> Iterator[Vertex]:
    at = end
    while at != start:
        yield at
        at = came[at]
    yield start

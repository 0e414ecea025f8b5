"""What there is: datasets by layer, search by name, orphans, models without snapshots, paths from a layer to models.

Names are not in a search index: one would cost every write, and everything in the graph is reached from a name that
people type. What has no index is found by looking at every name in its order; a page ends when it is full or the time
is over, and `after` says from where to go on.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass

from lineagegraph import lineage, needs, rules
from lineagegraph.facts import Vertex
from lineagegraph.reader import Reader

FIRST = 100
AT_ONCE = 200  # vertices whose surroundings are fetched together
NAMED = ("Dataset", "Pipeline", "Model", "Feature")  # what has a name that people know


@dataclass(frozen=True, slots=True)
class Page:
    """Things in the order of their names; `after` continues the list (None: there are no more).

    `cut`: the time was over, or the limits reached, before the page was full.
    """

    things: tuple[Vertex, ...]
    after: str | None
    cut: bool


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


def cursor(vertex: Vertex) -> str:
    """Where a page ends."""
    return "\x1f".join((vertex.key[1], *vertex.key, vertex.label))


def by_layer(reader: Reader, layer: str, first: int = FIRST, after: str | None = None) -> Page:
    """The datasets of a layer."""
    found = in_order(_of_layer(reader, layer))
    shown = found[_behind(found, after) :][:first]
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

    `names`: those of all of them, in order.
    """
    wanted = text.casefold()

    def fits(some: Collection[Vertex]) -> Collection[Vertex]:
        return {v for v in some if wanted in v.key[1].casefold()}

    page = _looked_through(reader, names, fits, first, after)
    reader.fetch(page.things)
    return page


def orphans(
    reader: Reader, datasets: Sequence[Vertex], first: int = FIRST, after: str | None = None, layer: str | None = None
) -> Page:
    """Those of these datasets that nothing uses: no pipeline reads them, nothing was made of them, no model trained.

    `datasets` are in order; with a layer they are that layer's, whatever is given.
    """
    if layer is not None:
        datasets = in_order(_of_layer(reader, layer))

    def unused(some: Collection[Vertex]) -> Collection[Vertex]:
        needs.names(reader, some)
        # Another name of a dataset comes with it; so does what the operator says is another name.
        physical = [d for d in some if reader.view.corrections.dataset(d) == d == rules.physical(reader.view, d)]
        needs.trained(reader, physical)
        needs.sources(reader, {o for d in physical for o in rules.outputs_of(reader.view, d)})
        needs.standing(reader, physical)
        every = {n for d in physical for n in rules.names_of(reader.view, d)}
        needs.current(reader, {p for n in every for p in reader.view.into("CONSUMES", n)})
        return {d for d in physical if rules.is_orphan(reader.view, d)}

    return _looked_through(reader, datasets, unused, first, after)


def without_snapshots(reader: Reader, models: Sequence[Vertex], first: int = FIRST, after: str | None = None) -> Page:
    """Those of these model versions, in order, that were trained on anything whose snapshot is not recorded."""

    def bare(some: Collection[Vertex]) -> Collection[Vertex]:
        needs.training(reader, some)
        found = ((model, rules.training(reader.view, model)) for model in some)
        return {model for model, t in found if t and any(row.snapshot.version is None for row in t.trained_on)}

    return _looked_through(reader, models, bare, first, after)


def paths_to_models(
    reader: Reader, layer: str = "bronze", first: int = FIRST, after: str | None = None, depth: int = 10
) -> Paths:
    """A shortest path from each dataset of a layer to each model below it; `first` of them and the rest of the last."""
    starts = in_order(_of_layer(reader, layer))
    starts = starts[_behind(starts, after) :]
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


def _looked_through(
    reader: Reader,
    names: Sequence[Vertex],
    chosen: Callable[[Collection[Vertex]], Collection[Vertex]],
    first: int,
    after: str | None,
) -> Page:
    """The first of these names behind `after` that are chosen; as many are looked at as it takes, or time allows."""
    found: list[Vertex] = []
    start = _behind(names, after)
    while start < len(names):
        if reader.exhausted:
            last = cursor(names[start - 1]) if start else ""
            return Page(tuple(found), last, True)
        some = [name for name in names[start : start + AT_ONCE] if not reader.view.corrections.ignores(name)]
        fitting = chosen(some)
        found += [name for name in some if name in fitting]
        start += AT_ONCE
        if len(found) > first or (len(found) == first and start < len(names)):
            return Page(tuple(found[:first]), cursor(found[first - 1]), bool(reader.unfinished))
    return Page(tuple(found), None, bool(reader.unfinished))


def _behind(names: Sequence[Vertex], after: str | None) -> int:
    return 0 if after is None else bisect_right(names, after, key=cursor)

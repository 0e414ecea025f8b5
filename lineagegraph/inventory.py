"""What there is: datasets by layer, search by name, orphans, models without snapshots, paths from a layer to models.

Names are not in a search index: one would cost every write, and everything in the graph is reached from a name that
people type. What has no index is found by looking at every vertex, page by page, in a bounded time; `cut` says where to
go on.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from lineagegraph import lineage, needs, rules
from lineagegraph.facts import Vertex
from lineagegraph.reader import Reader

FIRST = 100
AT_ONCE = 200  # vertices whose surroundings are fetched together


@dataclass(frozen=True, slots=True)
class Page:
    """Things in the order of their names; `after` continues the list (None: there are no more).

    `cut`: the time was over, or the limits reached, before everything was looked at.
    """

    things: tuple[Vertex, ...]
    after: str | None
    cut: bool


@dataclass(frozen=True, slots=True)
class Path:
    """From a dataset down to a model: each made of the one before it."""

    things: tuple[Vertex, ...]


Scan = Callable[[str], Iterator[Vertex]]  # every vertex of a label, as the servers hand them out


def by_layer(reader: Reader, layer: str, first: int = FIRST, after: str | None = None) -> Page:
    """The datasets of a layer."""
    found = reader.look_up([[("layer", layer.lower())]])
    needs.names(reader, found)
    view = reader.view
    return _page(
        {rules.physical(view, d) for d in found if d.label == "Dataset"}, first, after, bool(reader.unfinished)
    )


def search(reader: Reader, scan: Scan, text: str, first: int = FIRST, after: str | None = None) -> Page:
    """Datasets, pipelines, models and features in whose name this text stands, whatever the case of its letters."""
    wanted, found = text.casefold(), set[Vertex]()
    cut = False
    for label in ("Dataset", "Pipeline", "Model", "Feature"):
        for vertex in scan(label):
            if reader.exhausted:
                cut = True
                break
            if any(wanted in part.casefold() for part in vertex.key[1:2]) and not reader.view.corrections.ignores(
                vertex
            ):
                found.add(vertex)
    page = _page(found, first, after, cut)
    reader.fetch(page.things)
    return page


def orphans(reader: Reader, datasets: Iterator[Vertex], first: int = FIRST, after: str | None = None) -> Page:
    """Those of these datasets that nothing uses: no pipeline reads them, nothing was made of them, no model trained."""
    found: set[Vertex] = set()
    cut = False
    for some in _portions(datasets):
        if reader.exhausted:
            cut = True
            break
        needs.names(reader, some)
        physical = sorted({rules.physical(reader.view, d) for d in some})
        needs.trained(reader, physical)
        needs.sources(reader, {o for d in physical for o in rules.outputs_of(reader.view, d)})
        needs.standing(reader, physical)
        every = {n for d in physical for n in rules.names_of(reader.view, d)}
        needs.current(reader, {p for n in every for p in reader.view.into("CONSUMES", n)})
        found |= {d for d in physical if rules.is_orphan(reader.view, d)}
    return _page(found, first, after, cut or bool(reader.unfinished))


def without_snapshots(reader: Reader, models: Iterator[Vertex], first: int = FIRST, after: str | None = None) -> Page:
    """Those of these model versions that were trained on anything whose snapshot is not recorded."""
    found: set[Vertex] = set()
    cut = False
    for some in _portions(models):
        if reader.exhausted:
            cut = True
            break
        needs.training(reader, some)
        for model in some:
            training = rules.training(reader.view, model)
            if training and any(row.snapshot.version is None for row in training.trained_on):
                found.add(model)
    return _page(found, first, after, cut)


def paths_to_models(reader: Reader, layer: str = "bronze", most: int = 10, depth: int = 10) -> tuple[Path, ...]:
    """A shortest path from each dataset of a layer to each model below it, at most so many."""
    found: list[Path] = []
    for start in by_layer(reader, layer, AT_ONCE).things:
        came: dict[Vertex, Vertex] = {}
        for step in lineage.downstream(reader, start, depth).steps:
            came.setdefault(step.target, step.source)
            if step.target.label == "Model":
                found.append(Path(tuple(reversed(list(_back(step.target, start, came))))))
            if len(found) >= most:
                return tuple(found)
        if reader.exhausted:
            break
    return tuple(found)


def _back(end: Vertex, start: Vertex, came: dict[Vertex, Vertex]) -> Iterator[Vertex]:
    at = end
    while at != start:
        yield at
        at = came[at]
    yield start


def _portions(vertices: Iterator[Vertex]) -> Iterator[list[Vertex]]:
    some: list[Vertex] = []
    for vertex in vertices:
        some.append(vertex)
        if len(some) == AT_ONCE:
            yield some
            some = []
    if some:
        yield some


def cursor(vertex: Vertex) -> str:
    """Where a page ends."""
    return "\x1f".join((vertex.key[1], *vertex.key, vertex.label))


def _page(found: set[Vertex], first: int, after: str | None, cut: bool) -> Page:
    rows = sorted(found, key=cursor)
    rows = [row for row in rows if after is None or cursor(row) > after]
    shown = tuple(rows[:first])
    return Page(shown, cursor(shown[-1]) if len(rows) > first else None, cut)

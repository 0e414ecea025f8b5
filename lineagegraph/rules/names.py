"""Rules about names: which of them are one dataset."""

from __future__ import annotations

from collections.abc import Iterator

from lineagegraph.facts import Vertex
from lineagegraph.view import CLIENT, View, remembered


@remembered
def physical(view: View, dataset: Vertex) -> Vertex:
    """The dataset that a name belongs to: the physical one that claimed it last, else itself.

    Two physical names never become one through a logical one: RENAME and CREATE would join two tables for
    ever. What a client says about a bare dataset_id belongs to the only dataset of that id.
    Needs the Dataset and, against the direction of SAME_AS, those that claimed it; for a client's bare name
    the Datasets of that dataset_id (index byDatasetId).
    """
    if dataset.key[0] == CLIENT:
        meant = called(view, dataset.key[1])
        return meant[0] if len(meant) == 1 else dataset
    path = [dataset]
    while owner := view.claims.get(path[-1]):
        if view.corrections.ignores(owner):
            break
        if owner in path:
            return min(path[path.index(owner) :])
        path.append(owner)
    return path[-1]


@remembered
def called(view: View, dataset_id: str) -> tuple[Vertex, ...]:
    """The datasets that people may mean by a dataset_id; several: it is ambiguous. Needs the index byDatasetId."""
    return tuple(sorted({physical(view, name) for name in view.called(dataset_id) if name.key[0] != CLIENT}))


@remembered
def names_of(view: View, dataset: Vertex) -> frozenset[Vertex]:
    """The dataset and every name that belongs to it. Needs SAME_AS both ways, and the index byDatasetId."""
    found = {dataset}
    front = [dataset]
    while front:
        front = [name for owner in front for name in view.claimed(owner) if name not in found]
        found.update(front)
    names = {name for name in found if name == dataset or physical(view, name) == dataset}
    return frozenset(names | set(_of_clients(view, dataset, names)))


def _of_clients(view: View, dataset: Vertex, names: set[Vertex]) -> Iterator[Vertex]:
    """The bare names by which clients speak of the dataset."""
    for dataset_id in {view.text(name, "dataset_id") for name in names if name.key[0] != CLIENT}:
        bare = Vertex("Dataset", (CLIENT, dataset_id or ""))
        if view.knows(bare) and physical(view, bare) == dataset:
            yield bare

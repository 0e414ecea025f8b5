"""Rules about names: which of them are one dataset."""

from __future__ import annotations

from collections import defaultdict

from lineagegraph.facts import Vertex
from lineagegraph.view import View, remembered

CLIENT = "lineagegraph"  # the namespace of what a client says about a bare dataset_id


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
    while claim := view.text(path[-1], "claimed_by"):
        owner = view.dataset(*claim)
        if view.corrections.ignores(owner):
            break
        if owner in path:
            return min(path[path.index(owner) :])
        path.append(owner)
    return path[-1]


@remembered
def called(view: View, dataset_id: str) -> tuple[Vertex, ...]:
    """The datasets that people may mean by a dataset_id; several: it is ambiguous. Needs the index byDatasetId."""
    return tuple(sorted({physical(view, name) for name in _by_id(view).get(dataset_id, ())}))


def names_of(view: View, dataset: Vertex) -> set[Vertex]:
    """The dataset and every name that belongs to it. Needs SAME_AS both ways, and the index byDatasetId."""
    return {dataset} | _by_owner(view).get(dataset, set())


@remembered
def _by_id(view: View) -> dict[str, list[Vertex]]:
    found: dict[str, list[Vertex]] = defaultdict(list)
    for dataset in view.all("Dataset"):
        if dataset.key[0] != CLIENT and (dataset_id := view.text(dataset, "dataset_id")):
            found[dataset_id].append(dataset)
    return found


@remembered
def _by_owner(view: View) -> dict[Vertex, set[Vertex]]:
    found: dict[Vertex, set[Vertex]] = defaultdict(set)
    for name in view.all("Dataset"):
        found[physical(view, name)].add(name)
    return found

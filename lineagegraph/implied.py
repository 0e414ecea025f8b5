"""What an edge says beside itself: what another edge implies need not be stored, and is there all the same.

A run that read a version of a dataset read the dataset. So the graph holds the more exact edge alone: writers leave
the other one out, the view of the rules has both, and exports show what is stored by every order of arrival.
"""

from __future__ import annotations

from collections.abc import Iterable

from lineagegraph.facts import Edge, Vertex
from lineagegraph.schema import EDGES, IMPLIES

# By label the one that it implies to the Dataset of its DatasetVersion.
OF_DATASET = {
    label: other for label, others in IMPLIES.items() for other in others if ("Run", "Dataset") in EDGES[other].ends
}
_TO_DATASETS = frozenset(OF_DATASET.values())
_new = tuple.__new__  # of an Edge or a Vertex: every event has several


def dataset_of(version: Vertex) -> Vertex:
    """The Dataset of a DatasetVersion."""
    return _new(Vertex, ("Dataset", version[1][:2]))


def implied(edges: Iterable[Edge]) -> list[Edge]:
    """Every edge that one of these implies."""
    return [
        _new(Edge, (other, source, dataset_of(target) if other in _TO_DATASETS else target))
        for label, source, target in edges
        if label in IMPLIES
        for other in IMPLIES[label]
    ]

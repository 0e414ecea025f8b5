"""What an edge says beside itself: what another edge implies need not be stored, and is there all the same.

A run that read a version of a dataset read the dataset. So the graph holds the more exact edge alone: writers leave
the other one out, the view of the rules has both, and exports show what is stored by every order of arrival.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from lineagegraph.facts import Edge, Vertex
from lineagegraph.schema import EDGES, IMPLIES

# By label the one that it implies to the Dataset of its DatasetVersion.
OF_DATASET = {
    label: other for label, others in IMPLIES.items() for other in others if ("Run", "Dataset") in EDGES[other].ends
}


def dataset_of(version: Vertex) -> Vertex:
    """The Dataset of a DatasetVersion."""
    return Vertex("Dataset", version.key[:2])


def implied(edges: Iterable[Edge]) -> Iterator[Edge]:
    """Every edge that one of these implies."""
    for edge in edges:
        for label in IMPLIES.get(edge.label, ()):
            to_dataset = OF_DATASET[edge.label] == label
            yield Edge(label, edge.source, dataset_of(edge.target) if to_dataset else edge.target)

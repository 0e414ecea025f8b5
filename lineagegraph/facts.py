"""Facts: what events state, as vertices, edges and registers that merge by union and by maximum.

Adding the same facts again, in any order and any grouping, gives the same `Facts`; therefore the graph
needs no locks, no reads before writes and no order, and a replay is always safe.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from hashlib import blake2b
from typing import NamedTuple

import orjson

from lineagegraph.registers import Stored, winner
from lineagegraph.schema import VERTICES, Kind

Properties = dict[str, Stored]


class Vertex(NamedTuple):
    """A vertex by its label and natural key (a tuple, because mapping makes a hundred per event)."""

    label: str
    key: tuple[str, ...]

    @property
    def id(self) -> str:
        return vertex_id(self.label, self.key)


class Edge(NamedTuple):
    """An edge by its label and ends."""

    label: str
    source: Vertex
    target: Vertex


class Facts:
    """A set of facts: each vertex with its stored properties, each edge with the day it was last stated.

    The day is ISO text (`2026-11-22`) or None for edges that are not dated. What many events state alike is made
    once and included by reference (`include`); it comes apart only when somebody looks.
    """

    __slots__ = ("_edges", "_vertices", "parts")

    def __init__(self) -> None:
        self._vertices: dict[Vertex, Properties] = {}
        self._edges: dict[Edge, str | None] = {}
        self.parts: dict[int, Facts] = {}  # by identity: facts that are shared and never change again

    @property
    def vertices(self) -> dict[Vertex, Properties]:
        """Every vertex with its stored properties."""
        self._merge_parts()
        return self._vertices

    @property
    def edges(self) -> dict[Edge, str | None]:
        """Every edge with the day it was last stated."""
        self._merge_parts()
        return self._edges

    @property
    def own(self) -> tuple[dict[Vertex, Properties], dict[Edge, str | None]]:
        """The vertices and edges that are not in `parts`."""
        return self._vertices, self._edges

    @property
    def stated(self) -> int:
        """How many vertices and edges are stated, those that several parts state as often as they do."""
        return sum(len(part) for part in self.parts.values()) + len(self._vertices) + len(self._edges)

    def __bool__(self) -> bool:
        return bool(self._vertices or self.parts)

    def __len__(self) -> int:
        return len(self.vertices) + len(self._edges)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Facts) and (self.vertices, self.edges) == (other.vertices, other.edges)

    __hash__ = None  # type: ignore[assignment]  # facts grow

    def vertex(self, vertex: Vertex, properties: Mapping[str, Stored | None] = {}) -> Vertex:
        """State that the vertex exists, with these stored values; None states nothing."""
        known = self._vertices.get(vertex)
        if not known:  # the common case: nothing to compare with
            self._vertices[vertex] = {name: value for name, value in properties.items() if value is not None}
            return vertex
        kinds = VERTICES[vertex.label].properties
        for name, value in properties.items():
            if value is None:
                continue
            before = known.get(name)
            if before is None:
                known[name] = value
            elif before != value and kinds[name] is not Kind.IMMUTABLE:
                known[name] = winner(before, value)
        return vertex

    def edge(self, label: str, source: Vertex, target: Vertex, day: str | None = None) -> None:
        """State an edge and with it both its ends: an edge never travels alone."""
        if source not in self._vertices:
            self._vertices[source] = {}
        if target not in self._vertices:
            self._vertices[target] = {}
        edge = Edge(label, source, target)
        before = self._edges.get(edge)
        if before is None or (day is not None and day > before):
            self._edges[edge] = day

    def include(self, part: Facts) -> None:
        """State all that these facts state. They are kept as they are and must not change any more."""
        self.parts[id(part)] = part

    def add(self, other: Facts) -> None:
        """Take in all that the other facts state."""
        self.parts.update(other.parts)
        for vertex, properties in other._vertices.items():
            self.vertex(vertex, properties)
        edges = self._edges
        for edge, day in other._edges.items():  # their ends are among the vertices
            before = edges.get(edge)
            if before is None or (day is not None and day > before):
                edges[edge] = day

    def _merge_parts(self) -> None:
        while self.parts:
            self.add(self.parts.popitem()[1])


def fold(many: Iterable[Facts]) -> Facts:
    """What all of these state together, each element once."""
    together = Facts()
    for facts in many:
        together.add(facts)
    return together


@lru_cache(maxsize=200_000)
def vertex_id(label: str, key: tuple[str, ...]) -> str:
    """The vertex's id: a tag and 128 bits of its natural key, so that all writers of one thing agree."""
    return f"{VERTICES[label].tag}:{blake2b(orjson.dumps(key), digest_size=16).hexdigest()}"


@lru_cache(maxsize=50_000)
def bucket(owner: Vertex, period: str) -> Vertex:
    """The Bucket of an owner for a UTC year (`2026`) or day (`2026-11-22`)."""
    return Vertex("Bucket", (orjson.dumps([owner.label, *owner.key]).decode(), period))


def identity(vertex: Vertex) -> dict[str, str]:
    """The properties that follow from the vertex's natural key alone, as stored."""
    row = VERTICES[vertex.label]
    properties = dict(zip(row.key, vertex.key, strict=True))
    if vertex.label == "DatasetVersion":
        properties.update(_version_identity(*vertex.key))
    elif vertex.label == "Pipeline":
        properties["pipeline_id"] = vertex.key[1]
    elif vertex.label == "Model":
        properties["model_name"] = vertex.key[1]
    return properties


def _version_identity(namespace: str, name: str, version: str) -> Iterator[tuple[str, str]]:
    yield "dataset", vertex_id("Dataset", (namespace, name))
    if version.startswith("~"):
        yield "kind", "approximate"
        yield "rounded", version[1:]
    elif version.isascii() and version.isdigit() and len(version) <= 19:
        yield "kind", "snapshot"
        yield "rounded", repr(float(version))
    else:
        yield "kind", "named"

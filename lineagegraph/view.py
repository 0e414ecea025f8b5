"""A view of facts for the rules: who stands at which end of an edge, and what a register says.

It is the same whether the facts came from events or from the graph; rules see nothing else.
"""

from __future__ import annotations

from collections import defaultdict
from functools import cached_property
from typing import Any

from lineagegraph.facts import Facts, Vertex, identity
from lineagegraph.registers import decode
from lineagegraph.schema import VERTICES


class View:
    """An index over facts; build it when they no longer change."""

    def __init__(self, facts: Facts) -> None:
        self.facts = facts
        self._out: dict[tuple[str, Vertex], list[tuple[Vertex, str | None]]] = defaultdict(list)
        self._into: dict[tuple[str, Vertex], list[tuple[Vertex, str | None]]] = defaultdict(list)
        for (label, source, target), day in facts.edges.items():
            self._out[label, source].append((target, day))
            self._into[label, target].append((source, day))

    def out(self, label: str, source: Vertex) -> list[Vertex]:
        """Targets of the vertex's edges of that label."""
        return [target for target, _ in self._out.get((label, source), ())]

    def into(self, label: str, target: Vertex) -> list[Vertex]:
        """Sources of the edges of that label that end at the vertex."""
        return [source for source, _ in self._into.get((label, target), ())]

    def dated_out(self, label: str, source: Vertex) -> list[tuple[Vertex, str]]:
        """The same with the day each edge was last stated."""
        return [(target, day or "") for target, day in self._out.get((label, source), ())]

    def dated_into(self, label: str, target: Vertex) -> list[tuple[Vertex, str]]:
        """The same, backwards."""
        return [(source, day or "") for source, day in self._into.get((label, target), ())]

    def all(self, label: str) -> list[Vertex]:
        """Every vertex of a label."""
        return [vertex for vertex in self.facts.vertices if vertex.label == label]

    def number(self, vertex: Vertex, name: str) -> int | None:
        """A moment in milliseconds, or None if nothing states it."""
        value = self.facts.vertices.get(vertex, {}).get(name)
        return None if value is None else decode(VERTICES[vertex.label].properties[name], value)

    def text(self, vertex: Vertex, name: str) -> Any:
        """The payload of a text register (None if nothing states it), or an immutable property."""
        value = self.facts.vertices.get(vertex, {}).get(name)
        if value is None:
            return identity(vertex).get(name)
        decoded = decode(VERTICES[vertex.label].properties[name], value)
        return decoded["value"] if isinstance(decoded, dict) and "at" in decoded else decoded

    def stated_at(self, vertex: Vertex, name: str) -> int | None:
        """When a text register was stated."""
        value = self.facts.vertices.get(vertex, {}).get(name)
        if value is None:
            return None
        at: int = decode(VERTICES[vertex.label].properties[name], value)["at"]
        return at

    @cached_property
    def exact_versions(self) -> dict[tuple[tuple[str, ...], str], list[Vertex]]:
        """Exact versions by (dataset's key, number rounded to a double)."""
        found: dict[tuple[tuple[str, ...], str], list[Vertex]] = defaultdict(list)
        for vertex in self.all("DatasetVersion"):
            known = identity(vertex)
            if known["kind"] == "snapshot":
                found[vertex.key[:2], known["rounded"]].append(vertex)
        return found

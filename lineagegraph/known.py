"""What this process knows to be in the graph, so that it need not be sent again. Losing any of it costs only time.

Bounded by two generations: when the younger one is full it becomes the older one, and what nobody asked for since
then is dropped.
"""

from __future__ import annotations

from typing import Any

from lineagegraph.facts import Edge, Facts, Properties, Vertex, identity
from lineagegraph.registers import Stored, winner
from lineagegraph.schema import VERTICES, Kind

NOTHING: Properties = {}  # of the many vertices that state no property; shared, never written


class Known:
    """Acknowledged facts, at most about `most` vertices and edges."""

    def __init__(self, most: int) -> None:
        self._half = max(1, most // 2)
        self._young: dict[Vertex | Edge, Any] = {}
        self._old: dict[Vertex | Edge, Any] = {}

    def unknown(self, facts: Facts) -> Facts:
        """The facts of these that are not known, as they are stored: a new vertex has its identity's properties."""
        news = Facts()
        for vertex, properties in facts.vertices.items():
            known = self._recall(vertex)
            if known is None:
                news.vertices[vertex] = {**identity(vertex), **properties}
            elif stated := _stated(vertex, known, properties):
                news.vertices[vertex] = stated
        for edge, day in facts.edges.items():
            known = self._recall(edge)
            if known is None or (day is not None and day > known):
                news.edges[edge] = day
        return news

    def add(self, facts: Facts) -> None:
        """These facts were acknowledged."""
        for vertex, properties in facts.vertices.items():
            known = self._recall(vertex) or NOTHING
            together = {**known, **(_stated(vertex, known, properties) if known else properties)}
            self._remember(vertex, together or NOTHING)
        for edge, day in facts.edges.items():
            known = self._recall(edge)
            self._remember(edge, max(day or "", known or ""))

    def _recall(self, element: Vertex | Edge) -> Any:
        known = self._young.get(element)
        if known is None and (known := self._old.get(element)) is not None:
            self._remember(element, known)
        return known

    def _remember(self, element: Vertex | Edge, what: Any) -> None:
        if len(self._young) >= self._half:
            self._old, self._young = self._young, {}
        self._young[element] = what


def _stated(vertex: Vertex, known: Properties, properties: Properties) -> Properties:
    """The properties that say more than what is known: new ones, and registers with a greater value."""
    kinds = VERTICES[vertex.label].properties

    def more(name: str, value: Stored) -> bool:
        before = known.get(name)
        if before is None:
            return True
        return before != value and kinds[name] is not Kind.IMMUTABLE and winner(before, value) != before

    return {name: value for name, value in properties.items() if more(name, value)}

"""What this process knows to be in the graph, so that it need not be sent again. Losing any of it costs only time.

Bounded by two generations: when the younger one is full it becomes the older one, and what nobody asked for since
then is dropped.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lineagegraph.facts import Edge, Facts, Properties, Vertex, identity
from lineagegraph.implied import implied
from lineagegraph.registers import Stored, winner
from lineagegraph.schema import VERTICES, Kind

NOTHING: Properties = {}  # of the many vertices that state no property; shared, never written


class Known:
    """Acknowledged facts, at most about `most` vertices and edges."""

    def __init__(self, most: int) -> None:
        self._half = max(1, most // 2)
        self._young: dict[Vertex | Edge | int, Any] = {}  # an int: facts that many events share, by identity
        self._old: dict[Vertex | Edge | int, Any] = {}

    def unknown(self, facts: Facts) -> Facts:
        """The facts of these that are not known, as they are stored: a new vertex has its identity's properties.

        An edge that another of them implies is left out; what known ones imply is known (`add`).
        """
        news = Facts()
        for part in facts.parts.values():
            if self._recall(id(part)) is None:
                self._unknown(part, news)
        self._unknown(facts, news)
        edges = news.edges
        for edge in implied(edges):
            edges.pop(edge, None)
        return news

    def _unknown(self, facts: Facts, news: Facts) -> None:
        vertices, edges = facts.own
        for vertex, properties in vertices.items():
            known = self._recall(vertex)
            if known is None:
                news.vertex(vertex, {**identity(vertex), **properties})
            elif stated := _stated(vertex, known, properties):
                news.vertex(vertex, stated)
        new_edges = news.edges
        for edge, day in edges.items():
            known = self._recall(edge)
            if known is None or (day is not None and day > known):
                new_edges[edge] = max(day, new_edges.get(edge) or "") if day else None

    def add(self, sent: Facts, parts: Mapping[int, Facts] = {}) -> None:
        """What was sent is acknowledged, with what it implies, and with it all of these parts."""
        for vertex, properties in sent.vertices.items():
            known = self._recall(vertex) or NOTHING
            together = {**known, **(_stated(vertex, known, properties) if known else properties)}
            self._remember(vertex, together or NOTHING)
        for edge, day in sent.edges.items():
            known = self._recall(edge)
            self._remember(edge, max(day or "", known or ""))
        for edge in implied(sent.edges):
            self._remember(edge, "")
        for number, part in parts.items():
            self._remember(number, part)  # which keeps the part, so that its number stays its own

    def _recall(self, element: Vertex | Edge | int) -> Any:
        known = self._young.get(element)
        if known is None and (known := self._old.get(element)) is not None:
            self._remember(element, known)
        return known

    def _remember(self, element: Vertex | Edge | int, what: Any) -> None:
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

"""A view of facts for the rules: who stands at which end of an edge, and what a register says.

It is the same whether the facts came from events or from the graph, whole or the neighbourhood of a question;
rules see nothing else. The operator's corrections are applied here, so that no rule needs to know of them.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from functools import cached_property, wraps
from typing import Any, Concatenate, ParamSpec, TypeVar

from lineagegraph.corrections import NONE, Corrections
from lineagegraph.facts import Facts, Vertex, identity
from lineagegraph.registers import decode
from lineagegraph.schema import VERTICES

P = ParamSpec("P")
T = TypeVar("T")


class View:
    """An index over facts; build it when they no longer change. Whatever it lists, it lists in one order."""

    def __init__(self, facts: Facts, corrections: Corrections = NONE) -> None:
        self.facts = corrections.applied(facts)
        self.corrections = corrections
        self.memory: dict[Any, Any] = {}  # of the rules: see `remembered`
        self._out: dict[tuple[str, Vertex], list[tuple[Vertex, str | None]]] = defaultdict(list)
        self._into: dict[tuple[str, Vertex], list[tuple[Vertex, str | None]]] = defaultdict(list)
        for (label, source, target), day in self.facts.edges.items():
            self._out[label, source].append((target, day))
            self._into[label, target].append((source, day))
        self._ordered: set[tuple[bool, str, Vertex]] = set()  # what somebody asked for

    def out(self, label: str, source: Vertex) -> list[Vertex]:
        """Targets of the vertex's edges of that label."""
        return [target for target, _ in self._ends(True, label, source)]

    def into(self, label: str, target: Vertex) -> list[Vertex]:
        """Sources of the edges of that label that end at the vertex."""
        return [source for source, _ in self._ends(False, label, target)]

    def dated_out(self, label: str, source: Vertex) -> list[tuple[Vertex, str]]:
        """The same with the day each edge was last stated."""
        return [(target, day or "") for target, day in self._ends(True, label, source)]

    def dated_into(self, label: str, target: Vertex) -> list[tuple[Vertex, str]]:
        """The same, backwards."""
        return [(source, day or "") for source, day in self._ends(False, label, target)]

    def _ends(self, out: bool, label: str, vertex: Vertex) -> list[tuple[Vertex, str | None]]:
        rows = (self._out if out else self._into).get((label, vertex))
        if rows is None:
            return []
        if len(rows) > 1 and (out, label, vertex) not in self._ordered:
            rows.sort(key=lambda row: row[0])
            self._ordered.add((out, label, vertex))
        return rows

    def all(self, label: str) -> list[Vertex]:
        """Every vertex of a label."""
        return self._by_label.get(label, [])

    def knows(self, vertex: Vertex) -> bool:
        """Whether any fact speaks of the vertex."""
        return vertex in self.facts.vertices

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

    def dataset(self, namespace: str, name: str) -> Vertex:
        """The Dataset that a register's payload names, as the operator's aliases have it."""
        return self.corrections.dataset(Vertex("Dataset", (namespace, name)))

    @cached_property
    def _by_label(self) -> dict[str, list[Vertex]]:
        found: dict[str, list[Vertex]] = defaultdict(list)
        for vertex in sorted(self.facts.vertices):
            found[vertex.label].append(vertex)
        return found


def remembered(rule: Callable[Concatenate[View, P], T]) -> Callable[Concatenate[View, P], T]:
    """A rule that is asked the same again and again: its answers are kept with the view."""

    @wraps(rule)
    def recall(view: View, /, *args: P.args, **kwargs: P.kwargs) -> T:
        key = (rule, args, *kwargs.items())
        known: T | Any = view.memory.get(key, _NOTHING)
        if known is _NOTHING:
            known = view.memory[key] = rule(view, *args, **kwargs)
        return known

    return recall


_NOTHING = object()

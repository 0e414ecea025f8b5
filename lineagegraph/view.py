"""A view of facts for the rules: who stands at which end of an edge, and what a register says.

It is the same whether the facts came from events or from the graph, whole or the neighbourhood of a question, at
once or bit by bit; rules see nothing else. The operator's corrections are applied here, so that no rule needs to
know of them.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from functools import wraps
from typing import Any, Concatenate, ParamSpec, TypeVar

from lineagegraph.corrections import NONE, Corrections
from lineagegraph.facts import Facts, Properties, Vertex, identity
from lineagegraph.registers import Stored, decode
from lineagegraph.schema import VERTICES, Kind

P = ParamSpec("P")
T = TypeVar("T")

Day = str | None
Line = tuple[Vertex, Vertex, Day]  # an edge of a label
Ends = dict[Vertex, dict[Vertex, Day]]  # from the one end to the others, each with the day it was last stated


class View:
    """An index over facts that may grow. Whatever it lists, it lists in one order, however the facts came."""

    def __init__(self, facts: Facts, corrections: Corrections = NONE, absent: Collection[str] = ()) -> None:
        """`absent`: properties that are not among the facts though they may be stored; asking for one is an error."""
        self.corrections = corrections
        self.memory: dict[Any, Any] = {}  # of the rules, until the next facts: see `remembered`
        self._absent = absent
        self._facts = Facts()  # vertices only; the edges are in the two indexes
        self._stored = self._facts.own[0]
        self._out: dict[str, Ends] = {}
        self._into: dict[str, Ends] = {}  # of the labels that somebody followed backwards
        self._claimed: dict[Vertex, set[Vertex]] = {}  # by each dataset the names that it claimed once
        self._called: dict[str, set[Vertex]] = {}
        meant = corrections.applied(facts)
        self.add(meant.vertices.items(), ((label, [(a, b, day)]) for (label, a, b), day in meant.edges.items()))

    def add(
        self, vertices: Iterable[tuple[Vertex, Properties]], edges: Iterable[tuple[str, Iterable[Line]]] = ()
    ) -> None:
        """More facts, as they are meant: vertices, and by label edges between these or such as were there before."""
        self.memory.clear()
        known = self._stored
        for vertex, stored in vertices:
            if vertex in known:
                self._facts.vertex(vertex, stored)
            else:
                known[vertex] = dict(stored)
            if vertex.label == "Dataset":
                self._name(vertex, stored)
        for label, lines in edges:
            out, into = self._out.setdefault(label, {}), self._into.get(label)
            for source, target, day in lines:
                ends = out.setdefault(source, {})
                before = ends.get(target)
                if before is None or (day is not None and day > before):
                    ends[target] = day
                    if into is not None:
                        into.setdefault(target, {})[source] = day

    def _name(self, dataset: Vertex, stored: Properties) -> None:
        if claim := stored.get("claimed_by"):
            owner = self.dataset(*decode(Kind.NEWEST, claim)["value"])
            self._claimed.setdefault(owner, set()).add(dataset)
        if dataset_id := stored.get("dataset_id"):
            self._called.setdefault(str(dataset_id), set()).add(dataset)

    def __len__(self) -> int:
        """How many vertices."""
        return len(self._stored)

    @property
    def facts(self) -> Facts:
        """All the facts of the view, as they are meant."""
        together = Facts()
        together.add(self._facts)
        for label, index in self._out.items():
            for source, ends in index.items():
                for target, day in ends.items():
                    together.edge(label, source, target, day)
        return together

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

    def beside(self, direction: str, label: str, vertex: Vertex) -> list[Vertex]:
        """What an OUT, IN or BOTH step along edges of a label, or of any (`*`), leads to, in no order."""
        found: list[Vertex] = []
        for one in list(self._out) if label == "*" else (label,):
            if direction != "IN":
                found += self._out.get(one, _NO_ENDS).get(vertex, ())
            if direction != "OUT":
                found += self._backwards(one).get(vertex, ())
        return found

    def _backwards(self, label: str) -> Ends:
        into = self._into.get(label)
        if into is None:
            into = self._into[label] = {}
            for source, ends in self._out.get(label, _NO_ENDS).items():
                for target, day in ends.items():
                    into.setdefault(target, {})[source] = day
        return into

    def _ends(self, out: bool, label: str, vertex: Vertex) -> list[tuple[Vertex, Day]]:
        index = self._out.get(label, _NO_ENDS) if out else self._backwards(label)
        ends = index.get(vertex)
        if not ends:
            return []
        if len(ends) == 1:
            return list(ends.items())
        key = (out, label, vertex)
        rows: list[tuple[Vertex, Day]] | None = self.memory.get(key)
        if rows is None:
            rows = self.memory[key] = sorted(ends.items(), key=lambda row: row[0])
        return rows

    def all(self, label: str) -> list[Vertex]:
        """Every vertex of a label."""
        if "all" not in self.memory:
            found = self.memory["all"] = dict[str, list[Vertex]]()
            for vertex in sorted(self._stored):
                found.setdefault(vertex.label, []).append(vertex)
        every: list[Vertex] = self.memory["all"].get(label, [])
        return every

    def claimed(self, owner: Vertex) -> set[Vertex]:
        """The names that say, or once said, that this dataset claimed them last."""
        return self._claimed.get(owner, _NOBODY)

    def called(self, dataset_id: str) -> set[Vertex]:
        """The Datasets that have this dataset_id."""
        return self._called.get(dataset_id, _NOBODY)

    def knows(self, vertex: Vertex) -> bool:
        """Whether any fact speaks of the vertex."""
        return vertex in self._stored

    def number(self, vertex: Vertex, name: str) -> int | None:
        """A moment in milliseconds, or None if nothing states it."""
        value = self._value(vertex, name)
        return None if value is None else decode(VERTICES[vertex.label].properties[name], value)

    def text(self, vertex: Vertex, name: str) -> Any:
        """The payload of a text register (None if nothing states it), or an immutable property."""
        value, kind = self._value(vertex, name), VERTICES[vertex.label].properties.get(name, Kind.IMMUTABLE)
        if kind is Kind.IMMUTABLE:
            return identity(vertex).get(name) if value is None else value
        if value is None:
            return None
        decoded = decode(kind, value)
        return decoded if kind.numeric else decoded["value"]

    def stated_at(self, vertex: Vertex, name: str) -> int | None:
        """When a text register was stated."""
        value = self._value(vertex, name)
        if value is None:
            return None
        at: int = decode(VERTICES[vertex.label].properties[name], value)["at"]
        return at

    def _value(self, vertex: Vertex, name: str) -> Stored | None:
        if name in self._absent:
            raise LookupError(f"nobody fetched {name}")
        return self._stored.get(vertex, _NO_PROPERTIES).get(name)

    def dataset(self, namespace: str, name: str) -> Vertex:
        """The Dataset that a register's payload names, as the operator's aliases have it."""
        return self.corrections.dataset(Vertex("Dataset", (namespace, name)))


def remembered(rule: Callable[Concatenate[View, P], T]) -> Callable[Concatenate[View, P], T]:
    """A rule that is asked the same again and again: its answers are kept until there are more facts."""

    @wraps(rule)
    def recall(view: View, /, *args: P.args, **kwargs: P.kwargs) -> T:
        key = (rule, args, *kwargs.items()) if kwargs else (rule, args)
        known: T | Any = view.memory.get(key, _NOTHING)
        if known is _NOTHING:
            known = view.memory[key] = rule(view, *args, **kwargs)
        return known

    return recall


_NOTHING = object()
_NOBODY: set[Vertex] = set()  # shared, never written
_NO_ENDS: Ends = {}
_NO_PROPERTIES: Properties = {}

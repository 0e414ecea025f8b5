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
from lineagegraph.edges import Edges, Index, Line
from lineagegraph.facts import Facts, Properties, Vertex, identity
from lineagegraph.registers import Stored, decode
from lineagegraph.schema import VERTICES, Kind

CLIENT = "lineagegraph"  # the namespace of what a client says about a bare dataset_id

P = ParamSpec("P")
T = TypeVar("T")


class View:
    """An index over facts that may grow. Whatever it lists, it lists in one order, however the facts came."""

    def __init__(self, facts: Facts, corrections: Corrections = NONE, absent: Collection[str] = ()) -> None:
        """`absent`: properties that are not among the facts though they may be stored; asking for one is an error."""
        self.corrections = corrections
        self.memory: dict[Any, Any] = {}  # of the rules, until the next facts: see `remembered`
        self._absent = absent
        self._facts = Facts()  # vertices only
        self._stored = self._facts.own[0]
        self._edges = Edges()
        self.claims: dict[Vertex, Vertex] = {}  # by name the dataset that claimed it last; not to be changed
        self.clients: set[Vertex] = set()  # bare names by which clients speak of datasets; likewise
        self._claimed: dict[Vertex, set[Vertex]] = {}  # by each dataset the names that it claimed once
        meant = corrections.applied(facts)
        self.add(
            ((vertex, dict(stored)) for vertex, stored in meant.vertices.items()),
            ((label, [(a, b, day)]) for (label, a, b), day in meant.edges.items()),
        )

    def add(
        self, vertices: Iterable[tuple[Vertex, Properties]], edges: Iterable[tuple[str, Iterable[Line]]] = ()
    ) -> None:
        """More facts, as they are meant: vertices, and by label edges between these or such as were there before.

        They become the view's own.
        """
        self.memory.clear()
        known = self._stored
        for vertex, stored in vertices:
            if vertex in known:
                self._facts.vertex(vertex, stored)
                stored = known[vertex]
            else:
                known[vertex] = stored
            if vertex.label == "Dataset":
                self._name(vertex, stored)
        for label, lines in edges:
            self._edges.add(label, lines)

    def _name(self, dataset: Vertex, stored: Properties) -> None:
        if claim := stored.get("claimed_by"):
            owner = self.claims[dataset] = self.dataset(*decode(Kind.NEWEST, claim)["value"])
            self._claimed.setdefault(owner, set()).add(dataset)
        if dataset.key[0] == CLIENT:
            self.clients.add(dataset)

    def __len__(self) -> int:
        """How many vertices."""
        return len(self._stored)

    @property
    def facts(self) -> Facts:
        """All the facts of the view, as they are meant."""
        together = Facts()
        together.add(self._facts)
        for label, line in self._edges.all():
            together.edge(label, *line)
        return together

    def out(self, label: str, source: Vertex) -> list[Vertex]:
        """Targets of the vertex's edges of that label."""
        return list(self._edges.out(label, source))

    def into(self, label: str, target: Vertex) -> list[Vertex]:
        """Sources of the edges of that label that end at the vertex."""
        return list(self._edges.into(label, target))

    def dated_out(self, label: str, source: Vertex) -> list[tuple[Vertex, str]]:
        """The same with the day each edge was last stated."""
        return [(target, day or "") for target, day in self._edges.out(label, source).items()]

    def dated_into(self, label: str, target: Vertex) -> list[tuple[Vertex, str]]:
        """The same, backwards."""
        return [(source, day or "") for source, day in self._edges.into(label, target).items()]

    def leaving(self, label: str) -> Index:
        """By source the targets of all edges of a label with their days, in no order. Not to be changed."""
        return self._edges.leaving(label)

    def arriving(self, label: str) -> Index:
        """By target the sources, likewise."""
        return self._edges.arriving(label)

    def stored(self, vertex: Vertex) -> Properties | None:
        """The stored properties of a vertex; None if no fact speaks of it. Not to be changed."""
        return self._stored.get(vertex)

    def beside(self, direction: str, label: str, vertex: Vertex) -> list[Vertex]:
        """What an OUT, IN or BOTH step along edges of a label, or of any (`*`), leads to, in no order."""
        return self._edges.beside(direction, label, vertex)

    def all(self, label: str) -> list[Vertex]:
        """Every vertex of a label."""
        every: list[Vertex] | None = self.memory.get(label)
        if every is None:
            every = self.memory[label] = sorted(vertex for vertex in self._stored if vertex.label == label)
        return every

    def claimed(self, owner: Vertex) -> set[Vertex]:
        """The names that say, or once said, that this dataset claimed them last."""
        return self._claimed.get(owner, _NOBODY)

    def called(self, dataset_id: str) -> set[Vertex]:
        """The Datasets that have this dataset_id."""
        called: dict[Any, set[Vertex]] | None = self.memory.get("called")
        if called is None:
            called = self.memory["called"] = {}
            for vertex, stored in self._stored.items():
                if vertex.label == "Dataset" and "dataset_id" in stored:
                    called.setdefault(stored["dataset_id"], set()).add(vertex)
        return called.get(dataset_id, _NOBODY)

    def knows(self, vertex: Vertex) -> bool:
        """Whether any fact speaks of the vertex."""
        return vertex in self._stored

    def number(self, vertex: Vertex, name: str) -> int | None:
        """A moment in milliseconds, or None if nothing states it."""
        value = self._value(vertex, name)
        if value is None:
            return None
        return -int(value) if VERTICES[vertex.label].properties[name] is Kind.LEAST else int(value)

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
        answers = view.memory.setdefault(rule, {})
        key = (*args, *kwargs.items()) if kwargs else args
        known: T | Any = answers.get(key, _NOTHING)
        if known is _NOTHING:
            known = answers[key] = rule(view, *args, **kwargs)
        return known

    return recall


_NOTHING = object()
_NOBODY: set[Vertex] = set()  # shared, never written
_NO_PROPERTIES: Properties = {}

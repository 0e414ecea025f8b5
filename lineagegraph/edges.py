"""Edges by their ends: what stands at the other end of a vertex's edges of a label, in one order.

A run that read or wrote a version of a dataset read or wrote the dataset: that edge is here, stored or not.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from operator import itemgetter

from lineagegraph.facts import Vertex
from lineagegraph.implied import OF_DATASET, dataset_of

Day = str | None
Line = tuple[Vertex, Vertex, Day]  # an edge of a label: source, target, and the day it was last stated
Ends = dict[Vertex, Day]
_Index = dict[Vertex, Ends]  # from the one end to the others


class Edges:
    """Edges that may become more. The way back is indexed for labels that somebody follows backwards."""

    def __init__(self) -> None:
        self._out: dict[str, _Index] = {}
        self._into: dict[str, _Index] = {}

    def add(self, label: str, lines: Iterable[Line]) -> None:
        """More edges of a label, with those that they imply; of a known one the newest day counts."""
        if (other := OF_DATASET.get(label)) is not None:
            lines = list(lines)
            self.add(other, [(source, dataset_of(version), None) for source, version, _ in lines])
        out, into = self._out.setdefault(label, {}), self._into.get(label)
        for source, target, day in lines:
            _put(out, source, target, day)
            if into is not None:
                _put(into, target, source, day)

    def out(self, label: str, source: Vertex) -> Ends:
        """The targets of a vertex's edges."""
        return _ordered(self._out.get(label, _NO_INDEX), source)

    def into(self, label: str, target: Vertex) -> Ends:
        """The sources of the edges that end at a vertex."""
        return _ordered(self._backwards(label), target)

    def beside(self, direction: str, label: str, vertex: Vertex) -> list[Vertex]:
        """What an OUT, IN or BOTH step along edges of a label, or of any (`*`), leads to, in no order."""
        found: list[Vertex] = []
        for one in list(self._out) if label == "*" else (label,):
            if direction != "IN":
                found += self._out.get(one, _NO_INDEX).get(vertex, ())
            if direction != "OUT":
                found += self._backwards(one).get(vertex, ())
        return found

    def all(self) -> Iterator[tuple[str, Line]]:
        """Every edge, with its label."""
        for label, index in self._out.items():
            for source, ends in index.items():
                for target, day in ends.items():
                    yield label, (source, target, day)

    def _backwards(self, label: str) -> _Index:
        into = self._into.get(label)
        if into is None:
            into = self._into[label] = {}
            for source, ends in self._out.get(label, _NO_INDEX).items():
                for target, day in ends.items():
                    into.setdefault(target, {})[source] = day
        return into


class _Ordered(dict[Vertex, Day]):
    """Ends that are in order."""


def _put(index: _Index, one: Vertex, other: Vertex, day: Day) -> None:
    ends = index.get(one)
    if ends is None:
        index[one] = {other: day}
    elif other not in ends:
        if type(ends) is _Ordered:
            ends = index[one] = dict(ends)
        ends[other] = day
    elif day is not None and day > (ends[other] or ""):
        ends[other] = day


def _ordered(index: _Index, vertex: Vertex) -> Ends:
    """The ends in their order, into which they are put when somebody asks."""
    ends = index.get(vertex)
    if ends is None:
        return _NO_ENDS
    if len(ends) > 1 and type(ends) is not _Ordered:
        ends = index[vertex] = _Ordered(sorted(ends.items(), key=_first))
    return ends


_first = itemgetter(0)
_NO_ENDS: Ends = {}  # shared, never written
_NO_INDEX: _Index = {}

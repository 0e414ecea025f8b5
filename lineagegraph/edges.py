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
Index = dict[Vertex, Ends]  # from the one end to the others


class Edges:
    """Edges that may become more. Each way is indexed for the labels that somebody follows that way."""

    def __init__(self) -> None:
        self._lines: dict[str, list[Iterable[Line]]] = {}  # of every label those that are not in `_out` yet
        self._out: dict[str, Index] = {}
        self._into: dict[str, Index] = {}

    def add(self, label: str, lines: Iterable[Line]) -> None:
        """More edges of a label, with those that they imply; of a known one the newest day counts.

        They may be gone through later, and again.
        """
        if (other := OF_DATASET.get(label)) is not None:
            self.add(other, _OfDatasets(lines))
        waiting = self._lines.setdefault(label, [])
        out, into = self._out.get(label), self._into.get(label)
        if out is None:
            waiting.append(lines)
        else:
            _put_all(out, lines)
        if into is not None:
            for source, target, day in lines:
                _put(into, target, source, day)

    def out(self, label: str, source: Vertex) -> Ends:
        """The targets of a vertex's edges."""
        return _ordered(self.leaving(label), source)

    def into(self, label: str, target: Vertex) -> Ends:
        """The sources of the edges that end at a vertex."""
        return _ordered(self.arriving(label), target)

    def beside(self, direction: str, label: str, vertex: Vertex) -> list[Vertex]:
        """What an OUT, IN or BOTH step along edges of a label, or of any (`*`), leads to, in no order."""
        found: list[Vertex] = []
        for one in self._lines if label == "*" else (label,):
            if direction != "IN":
                found += self.leaving(one).get(vertex, ())
            if direction != "OUT":
                found += self.arriving(one).get(vertex, ())
        return found

    def all(self) -> Iterator[tuple[str, Line]]:
        """Every edge, with its label."""
        for label in self._lines:
            for source, ends in self.leaving(label).items():
                for target, day in ends.items():
                    yield label, (source, target, day)

    def leaving(self, label: str) -> Index:
        """By source the targets of all edges of a label, in no order. Not to be changed."""
        index = self._out.get(label)
        if index is None:
            if label not in self._lines:
                return _NO_INDEX
            index = self._out[label] = {}
            for lines in self._lines[label]:
                _put_all(index, lines)
            self._lines[label] = []
        return index

    def arriving(self, label: str) -> Index:
        """By target the sources of all edges of a label, in no order. Not to be changed."""
        index = self._into.get(label)
        if index is None:
            if label not in self._lines:
                return _NO_INDEX
            index = self._into[label] = {}
            for source, ends in self._out.get(label, _NO_INDEX).items():
                for target, day in ends.items():
                    _put(index, target, source, day)
            for lines in self._lines[label]:
                for source, target, day in lines:
                    _put(index, target, source, day)
        return index


class _OfDatasets:
    """Edges to versions as edges to their datasets, made when somebody looks."""

    __slots__ = ("_lines",)

    def __init__(self, lines: Iterable[Line]) -> None:
        self._lines = lines

    def __iter__(self) -> Iterator[Line]:
        return ((source, dataset_of(version), None) for source, version, _ in self._lines)


class _Ordered(dict[Vertex, Day]):
    """Ends that are in order."""


def _put_all(index: Index, lines: Iterable[Line]) -> None:
    for source, target, day in lines:
        if source in index:
            _put(index, source, target, day)
        else:
            index[source] = {target: day}


def _put(index: Index, one: Vertex, other: Vertex, day: Day) -> None:
    ends = index.get(one)
    if ends is None:
        index[one] = {other: day}
    elif other not in ends:
        if type(ends) is _Ordered:
            ends = index[one] = dict(ends)
        ends[other] = day
    elif day is not None and day > (ends[other] or ""):
        ends[other] = day


def _ordered(index: Index, vertex: Vertex) -> Ends:
    """The ends in their order, into which they are put when somebody asks."""
    ends = index.get(vertex)
    if ends is None:
        return _NO_ENDS
    if len(ends) > 1 and type(ends) is not _Ordered:
        ends = index[vertex] = _Ordered(sorted(ends.items(), key=_first))
    return ends


_first = itemgetter(0)
_NO_ENDS: Ends = {}  # shared, never written
_NO_INDEX: Index = {}

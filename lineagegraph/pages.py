"""Lists in the order of names, page by page: one ends when it is full or the time is over, and says how to go on."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from lineagegraph.facts import Vertex
from lineagegraph.reader import Reader

AT_ONCE = 200  # vertices whose surroundings are fetched together


@dataclass(frozen=True, slots=True)
class Page:
    """Things in the order of their names; `after` continues the list (None: there are no more).

    `cut`: the time was over, or the limits reached, before the page was full.
    """

    things: tuple[Vertex, ...]
    after: str | None
    cut: bool


def cursor(vertex: Vertex) -> str:
    """Where a page ends."""
    return "\x1f".join((vertex.key[1], *vertex.key, vertex.label))


def looked_through(
    reader: Reader,
    names: Sequence[Vertex],
    chosen: Callable[[Collection[Vertex]], Mapping[Vertex, Vertex]],
    first: int,
    after: str | None,
) -> Page:
    """What is chosen under the first of these names behind `after`: as many are looked at as it takes, or time allows.

    `chosen` gives the things that some of the names stand for; a name that it leaves out is passed over.
    """
    found: list[tuple[Vertex, Vertex]] = []
    start = behind(names, after)
    while start < len(names):
        if reader.exhausted:
            last = cursor(names[start - 1]) if start else ""
            return Page(_things(found), last, True)
        some = [name for name in names[start : start + AT_ONCE] if not reader.view.corrections.ignores(name)]
        fitting = chosen(some)
        found += [(name, fitting[name]) for name in some if name in fitting]
        start += AT_ONCE
        if len(found) > first or (len(found) == first and start < len(names)):
            return Page(_things(found[:first]), cursor(found[first - 1][0]), bool(reader.unfinished))
    return Page(_things(found), None, bool(reader.unfinished))


def _things(found: Iterable[tuple[Vertex, Vertex]]) -> tuple[Vertex, ...]:
    return tuple(thing for _, thing in found)


def behind(names: Sequence[Vertex], after: str | None) -> int:
    """How many of these names, in order, are before the page."""
    return 0 if after is None else bisect_right(names, after, key=cursor)

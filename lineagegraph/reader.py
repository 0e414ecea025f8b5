"""Reading: the facts around some vertices, fetched when a question needs them and kept for the rules.

Everything is bounded: what was cut is said in `unfinished`. What the rules need is known in `needs`.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Literal

import orjson

from lineagegraph.corrections import NONE, Corrections
from lineagegraph.errors import SchemaMismatch
from lineagegraph.facts import Facts, Vertex
from lineagegraph.gremlin import request_key
from lineagegraph.schema import EDGES, VERTICES
from lineagegraph.sight import EVERYTHING, Sight, runs_named
from lineagegraph.view import View

Step = tuple[str, str]
Hop = tuple[Step, ...]

STAY: Step = ("STAY", "")
OWNERS: Hop = (("OUT", "RUN_OF"),)

_LABELS = {row.tag: row for row in VERTICES.values()}

_TAGS = {  # of the vertices that can have edges of a direction and label
    (direction, row.label): sorted({VERTICES[ends[at]].tag for ends in row.ends})
    for row in EDGES.values()
    for at, direction in enumerate(("OUT", "IN"))
}

Ask = Callable[[str, str, str], dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Limits:
    """How much one request may bring: edges of one vertex, direction and label; and vertices in all.

    `total` and `seconds` bound the whole answer: vertices held, and the time after which no step is begun.
    """

    each: int = 1_000
    all: int = 20_000
    total: int = 200_000
    seconds: float = 20.0


class Reader:
    """The facts that one question has needed so far, and where to get more."""

    def __init__(
        self, ask: Ask, limits: Limits = Limits(), sight: Sight = EVERYTHING, corrections: Corrections = NONE
    ) -> None:
        self._ask = ask
        self._limits = limits
        self._sight = sight
        self._corrections = corrections
        self._until = time.monotonic() + limits.seconds
        self._all = Facts()  # also what may not be seen: only the view's facts leave the reader
        self._owned: set[Vertex] = set()  # Runs whose pipelines are known
        self._ids: dict[str, Vertex] = {}
        self._whole: set[tuple[Vertex, tuple[Hop, ...]]] = set()
        self._there: dict[Vertex, bool] = {}  # whether the graph has it
        self._followed: set[tuple[Vertex, Step]] = set()
        self._beside: dict[tuple[Vertex, Step], list[Vertex]] = {}
        self._view: View | None = None
        self.named: set[Vertex] = set()  # Datasets whose links to other names are all here
        self.joined: set[Vertex] = set()  # statements of clients about a bare dataset_id whose Datasets are all here
        self.unfinished: set[Vertex] = set()

    @property
    def view(self) -> View:
        """The facts fetched so far, for the rules."""
        if self._view is None:
            self._view = View(self._sight.applied(self._all), self._corrections)
        return self._view

    @property
    def exhausted(self) -> Literal["time", "size"] | None:
        """What ends the search: no further step should be begun."""
        if time.monotonic() > self._until:
            return "time"
        return "size" if len(self._all.vertices) > self._limits.total else None

    @property
    def facts(self) -> Facts:
        """The facts fetched so far, as they may be seen."""
        return self.view.facts

    def fetch(self, start: Iterable[Vertex], hops: tuple[Hop, ...] = ()) -> None:
        """The facts that these hops reach from these vertices; what was fetched before is not fetched again."""
        spelled = (name for vertex in start for name in self._corrections.spellings(vertex))
        news = [vertex for vertex in dict.fromkeys(spelled) if (vertex, hops) not in self._whole]
        self._whole.update((vertex, hops) for vertex in news)
        unknown = [vertex for vertex in news if not self._knows(vertex, hops)]
        if unknown:
            self._take(ids=[vertex.id for vertex in unknown], hops=[[_tagged(step) for step in hop] for hop in hops])
            for vertex in unknown:
                self._there.setdefault(vertex, False)

    def _knows(self, start: Vertex, hops: tuple[Hop, ...]) -> bool:
        """Whether all that these hops reach has come with what was fetched before."""
        if start not in self._there:
            return False
        reached, front = {start}, [start]
        for hop in hops if self._there[start] else ():
            following: list[Vertex] = []
            for step in hop:
                if step == STAY:
                    following += front
                    continue
                for vertex in front:
                    if VERTICES[vertex.label].tag not in _TAGS[step]:
                        continue
                    if (vertex, step) not in self._followed:
                        return False
                    news = [v for v in self._beside.get((vertex, step), ()) if v not in reached]
                    reached.update(news)
                    following += news
            front = following
        return True

    def look_up(self, lookups: Iterable[Iterable[tuple[str, str]]]) -> list[Vertex]:
        """The vertices that an index has under these keys and values, each lookup being one conjunction."""
        wanted = [list(lookup) for lookup in lookups]
        found = self._take(index=wanted) if wanted else []
        return found if self._sight.whole else [vertex for vertex in found if self.view.knows(vertex)]

    def _take(self, **what: Any) -> list[Vertex]:
        key = request_key()
        body = {"k": key, "each": self._limits.each, "all": self._limits.all, "hops": (), **what}
        reply = self._ask("around", key, orjson.dumps(body).decode())
        if not reply.get("g"):
            raise SchemaMismatch("The graph has no schema. Run `lineagegraph schema install`.")
        self._view = None
        kept = [self._keep(id_, stored) for id_, stored in reply["v"]]
        found = [vertex for vertex in kept if vertex]
        self._there.update(dict.fromkeys(found, True))
        for direction, label, places in reply.get("f", ()):
            self._followed.update((v, (direction, label)) for at in places if (v := kept[at]))
        for source, label, target, day in reply["e"]:
            ends = self._ids.get(source), self._ids.get(target)
            if ends[0] and ends[1]:  # a half-written vertex has no natural key yet
                self._all.edge(label, ends[0], ends[1], day)
                self._beside.setdefault((ends[0], ("OUT", label)), []).append(ends[1])
                self._beside.setdefault((ends[1], ("IN", label)), []).append(ends[0])
        self.unfinished |= {self._ids[id_] for id_ in reply["t"] if id_ in self._ids}
        if not self._sight.whole:
            self._find_owners()
        return found

    def _find_owners(self) -> None:
        """Of every run the pipelines: whether it may be seen depends on them."""
        news = set(runs_named(self._all)) - self._owned
        self._owned |= news
        if news:
            self._take(ids=[run.id for run in sorted(news)], hops=[[_tagged(step) for step in OWNERS]])

    def _keep(self, id_: str, stored: dict[str, Any]) -> Vertex | None:
        row = _LABELS.get(id_.partition(":")[0])
        if row is None or not all(name in stored for name in row.key):
            return None
        vertex = self._ids[id_] = Vertex(row.label, tuple(stored[name] for name in row.key))
        self._all.vertex(vertex, {name: value for name, value in stored.items() if name in row.properties})
        return vertex


def _tagged(step: Step) -> tuple[str, str, list[str]]:
    """The step with the vertices that can take it, so that the server asks no others."""
    return (*step, _TAGS.get(step, []))

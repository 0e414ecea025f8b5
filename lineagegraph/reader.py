"""Reading: the facts around some vertices, fetched when a question needs them and kept for the rules.

Everything is bounded: what was cut is said in `unfinished`. What the rules need is known in `needs`.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import orjson

from lineagegraph.corrections import NONE, Corrections
from lineagegraph.errors import SchemaMismatch
from lineagegraph.facts import Facts, Vertex
from lineagegraph.gremlin import request_key
from lineagegraph.implied import OF_DATASET, dataset_of
from lineagegraph.reply import EVERY_STEP, FORM, LABELS, STAY, UNREAD, Hop, Reply, Step, read, steps_of, written
from lineagegraph.sight import EVERYTHING, Sight, runs_named
from lineagegraph.view import View

OWNERS: Hop = (("OUT", "RUN_OF"),)
LASTING = frozenset({"Dataset", "Pipeline"})  # what one reply brought and the next is likely to speak of again

Send = Callable[[str, str, str], dict[str, Any]]
Ask = dict[str, Any]  # part of a request: see around.groovy
Wish = tuple[Iterable[Vertex], tuple[Hop, ...]]  # the facts that these hops reach from these vertices


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
        self, send: Send, limits: Limits = Limits(), sight: Sight = EVERYTHING, corrections: Corrections = NONE
    ) -> None:
        self._send = send
        self._limits = limits
        self._sight = sight
        self._corrections = corrections
        self._until = time.monotonic() + limits.seconds
        self._came = View(Facts(), absent=UNREAD)  # as stored, also what may not be seen
        self._seen: View | None = self._came if sight.whole and corrections.none else None
        self._owned: set[Vertex] = set()  # Runs whose pipelines are known
        self._done: dict[tuple[Hop, ...], set[Vertex]] = {}
        self._there: dict[Vertex, bool] = {}  # whether the graph has it
        self._followed: dict[Step, set[Vertex]] = {}
        self._latest: list[Vertex] = []  # of the last reply those that the next need not tell again
        self._unnamed: set[Vertex] = set()
        self._named: set[Vertex] = set()
        self.joined: set[Vertex] = set()  # statements of clients about a bare dataset_id whose Datasets are all here
        self.unfinished: set[Vertex] = set()
        self.horizon = 0  # before it (milliseconds) runs were removed; known with the first answer

    @property
    def view(self) -> View:
        """The facts fetched so far, for the rules."""
        if self._seen is None:
            self._seen = View(self._sight.applied(self._came.facts), self._corrections, UNREAD)
        return self._seen

    @property
    def exhausted(self) -> Literal["time", "size"] | None:
        """What ends the search: no further step should be begun."""
        if time.monotonic() > self._until:
            return "time"
        return "size" if len(self._came) > self._limits.total else None

    def unnamed(self, datasets: Iterable[Vertex] = ()) -> set[Vertex]:
        """Of these and of all Datasets that came those whose other names nobody asked for yet.

        Each is told once, and once more when it comes if it had not come yet: then its own properties name others.
        """
        came, self._unnamed = self._unnamed, set()
        news = {self._corrections.dataset(d) for d in (*came, *datasets) if d.label == "Dataset"} - self._named
        self._named |= {d for d in news if any(name in self._there for name in self._corrections.spellings(d))}
        return news

    def fetch(self, start: Iterable[Vertex], hops: tuple[Hop, ...] = ()) -> None:
        """The facts that these hops reach from these vertices; what was fetched before is not fetched again."""
        self.fetch_all((start, hops))

    def fetch_all(self, *wishes: Wish, guess: Wish = ((), ())) -> None:
        """All of this in one request. The guess may be more than is needed: where it is cut, nothing is lost."""
        asks, missing, sure = [], list[Vertex](), set[Step]()
        for start, hops in wishes:
            done = self._done.setdefault(hops, set())
            news = [vertex for vertex in self._spelled(start) if vertex not in done]
            done.update(news)
            if unknown := self._unknown(news, hops):
                asks.append(_ask(unknown, hops))
                missing += unknown
                sure.update(step for hop in hops for step in hop)
        if guessed := self._unknown(self._spelled(guess[0]), guess[1]):
            asks.append(_ask(guessed, guess[1]))
        if not asks:
            return
        reply = self._take(asks, self._latest, sure)
        if not reply.left:
            self._there.update((vertex, False) for vertex in (*missing, *guessed) if vertex not in self._there)
        self.unfinished.update(vertex for vertex in missing if vertex not in self._there)

    def _spelled(self, start: Iterable[Vertex]) -> Iterable[Vertex]:
        if self._corrections.none:
            return dict.fromkeys(start)
        return dict.fromkeys(name for vertex in start for name in self._corrections.spellings(vertex))

    def _unknown(self, start: Iterable[Vertex], hops: tuple[Hop, ...]) -> list[Vertex]:
        """Those of these from which not all that the hops reach has come with what was fetched before."""
        wanted = list(start)
        there = [vertex for vertex in wanted if self._there.get(vertex)]
        if not self._followed_all(there, hops):
            there = [vertex for vertex in there if self._followed_all([vertex], hops)]
        known = {vertex for vertex in wanted if self._there.get(vertex) is False}.union(there)
        return [vertex for vertex in wanted if vertex not in known]

    def _followed_all(self, start: list[Vertex], hops: tuple[Hop, ...]) -> bool:
        front = set(start)
        for number, hop in enumerate(hops, 1):
            following: set[Vertex] = set()
            for step in hop:
                if step == STAY:
                    following |= front
                    continue
                able = LABELS[step]
                some = [vertex for vertex in front if vertex.label in able]
                if some and not self._followed.get(step, _NOBODY).issuperset(some):
                    return False
                if number < len(hops):
                    following.update(v for vertex in some for v in self._came.beside(*step, vertex))
            front = following
        return True

    def look_up(self, lookups: Iterable[Iterable[tuple[str, str]]]) -> list[Vertex]:
        """The vertices that an index has under these keys and values, each lookup being one conjunction."""
        wanted = [list(lookup) for lookup in lookups]
        found = [vertex for vertex in self._take([{"index": wanted}]).places if vertex] if wanted else []
        return found if self._sight.whole else [vertex for vertex in found if self.view.knows(vertex)]

    def _take(self, asks: list[Ask], have: Sequence[Vertex] = (), sure: Collection[Step] = EVERY_STEP) -> Reply:
        """One request. Where it is cut along steps that are not sure, these count as not followed."""
        key = request_key()
        bounds = {"each": self._limits.each, "all": self._limits.all}
        body = {"k": key, **bounds, **FORM, "have": [vertex.id for vertex in have], "asks": asks}
        answer = self._send("around", key, orjson.dumps(body).decode())
        if not answer.get("g"):
            raise SchemaMismatch("The graph has no schema. Run `lineagegraph schema install`.")
        self.horizon = int(answer.get("h") or 0)
        reply = read(answer, have)
        self._learn(reply)
        cut = [row for row in reply.cut if row[0] in sure]
        for step, vertices in (*reply.followed, *cut):
            for one in steps_of(step):
                self._followed.setdefault(one, set()).update(vertices)
        self.unfinished.update(vertex for _, vertices in cut for vertex in vertices)
        if not self._sight.whole:
            self._find_owners(reply)
        return reply

    def _learn(self, reply: Reply) -> None:
        self._came.add(reply.came, reply.edges)
        if self._seen is not self._came:
            self._seen = None
        self._unnamed.update(v for v, _ in reply.came if v.label == "Dataset" and not self._there.get(v))
        by_version = (v for label, lines in reply.edges if label in OF_DATASET for _, v, _ in lines)
        self._unnamed.update(d for d in map(dataset_of, by_version) if d not in self._there)
        self._there.update((vertex, True) for vertex, _ in reply.came)
        if lasting := [vertex for vertex in reply.places if vertex and vertex.label in LASTING]:
            self._latest = lasting

    def _find_owners(self, reply: Reply) -> None:
        """Of every run the pipelines: whether it may be seen depends on them."""
        came = Facts()
        for vertex, stored in reply.came:
            came.vertex(vertex, stored)
        news = set(runs_named(came)) - self._owned
        self._owned |= news
        if news:
            self._take([_ask(sorted(news), (OWNERS,))])


def _ask(start: Iterable[Vertex], hops: tuple[Hop, ...]) -> Ask:
    return {"ids": [vertex.id for vertex in start], "hops": written(hops)}


_NOBODY: set[Vertex] = set()  # shared, never written

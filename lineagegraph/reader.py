"""Reading: the facts around some vertices, fetched when a question needs them and kept for the rules.

Everything is bounded: what was cut is said in `unfinished`. What the rules need is known in `needs`.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Any, Literal

import orjson

from lineagegraph.corrections import NONE, Corrections
from lineagegraph.errors import SchemaMismatch
from lineagegraph.facts import Facts, Vertex
from lineagegraph.gremlin import request_key
from lineagegraph.implied import OF_DATASET, dataset_of
from lineagegraph.reply import (
    BARE,
    EVERY_STEP,
    FORM,
    LABELS,
    STAY,
    UNREAD,
    Hop,
    Reply,
    Some,
    Step,
    above,
    implying,
    read,
    written,
)
from lineagegraph.sight import EVERYTHING, Sight, runs_named
from lineagegraph.view import CLIENT, View

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
        self._missing: set[Vertex] = set()  # what the graph has not
        self._followed: dict[Step, list[Some]] = {}
        self._around: dict[tuple[Step, ...], set[Vertex]] = {}  # what `followed` said since the last reply
        self._latest: list[Vertex] = []  # of the last reply those that the next need not tell again
        self._unread: list[Reply] = []  # replies whose Datasets nobody asked for yet
        self._heard: set[Vertex] = set()
        self._named: set[Vertex] = set()
        self.joined: set[Vertex] = set()  # statements of clients about a bare dataset_id whose Datasets are all here
        self._unfinished: set[Vertex] = set()
        self.horizon = 0  # before it (milliseconds) runs were removed; known with the first answer

    @property
    def view(self) -> View:
        """The facts fetched so far, for the rules."""
        if self._seen is None:
            self._seen = View(self._sight.applied(self._came.facts), self._corrections, UNREAD)
        return self._seen

    @property
    def unfinished(self) -> set[Vertex]:
        """From where limits kept something back; of what may not be seen nothing is told."""
        if self._sight.whole:
            return self._unfinished
        return {vertex for vertex in self._unfinished if self._told(vertex)}

    def _told(self, vertex: Vertex) -> bool:
        if self._came.knows(vertex):
            return self.view.knows(vertex)
        return vertex.label in LASTING and self._sight.sees(vertex.key[0])

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
        came = list(self._news())
        news = {self._corrections.dataset(d) for d in (*came, *datasets) if d.label == "Dataset"} - self._named
        known, missing, spelled = self._came.knows, self._missing, self._corrections.spellings
        self._named |= {d for d in news if any(known(name) or name in missing for name in spelled(d))}
        return news

    def _news(self) -> Iterator[Vertex]:
        """The Datasets that came first since this was asked, and those that only their versions tell of."""
        unread, self._unread = self._unread, []
        for reply in unread:
            came = {v for v, _ in reply.came if v.label == "Dataset"} - self._heard
            self._heard |= came
            yield from came
        of = {
            dataset_of(v) for reply in unread for label, rows in reply.edges if label in OF_DATASET for _, v, _ in rows
        }
        yield from (dataset for dataset in of if not self._came.knows(dataset) and dataset not in self._missing)

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
        reply = self._take({"asks": asks}, self._latest, sure)
        if not reply.left:
            self._missing.update(vertex for vertex in (*missing, *guessed) if not self._came.knows(vertex))
        self._unfinished.update(v for v in missing if v not in self._missing and not self._came.knows(v))

    def above(self, start: Iterable[Vertex], levels: int) -> None:
        """What the plain case needs so many levels above these datasets, in one request; cuts are as in a guess."""
        if start := [vertex for vertex in self._spelled(start) if vertex not in self._missing]:
            self._take(above(start, levels), sure=frozenset())

    def _spelled(self, start: Iterable[Vertex]) -> Iterable[Vertex]:
        if self._corrections.none:
            return dict.fromkeys(start)
        return dict.fromkeys(name for vertex in start for name in self._corrections.spellings(vertex))

    def _unknown(self, start: Iterable[Vertex], hops: tuple[Hop, ...]) -> list[Vertex]:
        """Those of these from which not all that the hops reach has come with what was fetched before."""
        wanted = list(start)
        there = [vertex for vertex in wanted if self._came.knows(vertex)]
        if not self._followed_all(there, hops):
            there = [vertex for vertex in there if self._followed_all([vertex], hops)]
        known = {vertex for vertex in wanted if vertex in self._missing}.union(there)
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
                if some and not self.followed(step).issuperset(some):
                    return False
                if number < len(hops):
                    following.update(v for vertex in some for v in self._came.beside(*step, vertex))
            front = following
        return True

    def followed(self, *steps: Step) -> set[Vertex]:
        """The vertices from which all of these steps were followed, as far as that is ever done. Not to be changed."""
        known = self._around.get(steps)
        if known is None:
            if len(steps) == 1:
                known = self._union(steps[0])
            else:
                some = list({id(found): found for found in map(self.followed, steps)}.values())
                known = some[0].intersection(*some[1:]) if len(some) > 1 else some[0]
            self._around[steps] = known
        return known

    def _union(self, step: Step) -> set[Vertex]:
        some = [found.vertices for one in implying(step) for found in self._followed.get(one, ())]
        return set().union(*some) if len(some) > 1 else some[0] if some else _NOBODY

    def unstated(self, names: Iterable[Vertex]) -> bool:
        """Whether it is known that no client says anything about these names' bare dataset_ids."""
        if not self.followed(BARE).issuperset(names):
            return False
        if not self._came.clients:
            return True
        ids = (str((self._came.stored(name) or {}).get("dataset_id", "")) for name in names)
        return not any(self._came.knows(Vertex("Dataset", (CLIENT, dataset_id))) for dataset_id in ids)

    def look_up(self, lookups: Iterable[Iterable[tuple[str, str]]]) -> list[Vertex]:
        """The vertices that an index has under these keys and values, each lookup being one conjunction."""
        wanted = [list(lookup) for lookup in lookups]
        found = [vertex for vertex in self._take({"asks": [{"index": wanted}]}).places if vertex] if wanted else []
        return found if self._sight.whole else [vertex for vertex in found if self.view.knows(vertex)]

    def _take(
        self, request: dict[str, Any], have: Sequence[Vertex] = (), sure: AbstractSet[Step] = EVERY_STEP
    ) -> Reply:
        """One request. Where it is cut along steps that are not sure, these count as not followed."""
        key = request_key()
        bounds = {"each": self._limits.each, "all": self._limits.all}
        body = {"k": key, **bounds, **FORM, "have": [vertex.id for vertex in have], **request}
        answer = self._send("around", key, orjson.dumps(body).decode())
        if not answer.get("g"):
            raise SchemaMismatch("The graph has no schema. Run `lineagegraph schema install`.")
        self.horizon = int(answer.get("h") or 0)
        reply = read(answer, have)
        self._learn(reply)
        cut = [row for row in reply.cut if not sure.isdisjoint(row[0])]
        self._around.clear()
        for steps, some in (*reply.followed, *cut):
            for step in steps:
                self._followed.setdefault(step, []).append(some)
        self._unfinished.update(vertex for _, some in cut for vertex in some.vertices)
        if not self._sight.whole:
            self._find_owners(reply)
        return reply

    def _learn(self, reply: Reply) -> None:
        self._came.add(reply.came, reply.edges)
        self._unread.append(reply)
        if self._seen is not self._came:
            self._seen = None
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
            self._take({"asks": [_ask(sorted(news), (OWNERS,))]})


def _ask(start: Iterable[Vertex], hops: tuple[Hop, ...]) -> Ask:
    return {"ids": [vertex.id for vertex in start], "hops": written(hops)}


_NOBODY: set[Vertex] = set()  # shared, never written

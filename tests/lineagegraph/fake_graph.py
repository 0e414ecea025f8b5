"""A graph that answers the reader as `around.groovy` does, from facts in memory: quick, and for many random ones."""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import blake2b
from typing import Any

import orjson

from lineagegraph import rules
from lineagegraph.facts import Facts, Vertex, bucket, identity
from lineagegraph.implied import implied
from lineagegraph.schema import EDGES
from lineagegraph.view import View


def stored(facts: Facts) -> Facts:
    """As a graph holds these facts: without what others of them imply."""
    less = Facts()
    less.add(facts)
    for edge in set(implied(facts.edges)):
        less.edges.pop(edge, None)
    return less


def of_version_1(facts: Facts) -> Facts:
    """What programs of schema version 1 made of the same events: a Dataset's Buckets held the Runs that read it too."""
    more, view = Facts(), View(facts)
    more.add(facts)
    for label, run, dataset in facts.edges:
        for day in rules.days_of(view, run) if label == "READ" and dataset.label == "Dataset" else ():
            more.edge("BUCKET", dataset, bucket(dataset, day[:4]))
            more.edge("BUCKET", bucket(dataset, day[:4]), bucket(dataset, day))
            more.edge("HOLDS", bucket(dataset, day), run)
    return more


class FakeGraph:
    """Counts its requests and what it tells; edges that are stored one way cannot be followed backwards."""

    def __init__(self, facts: Facts, whole: bool = False) -> None:
        """`whole`: what other edges imply is stored too, as graphs of schema version 1 have it."""
        self.requests = self.told = 0
        self.vertices = {v.id: (v, {**identity(v), **stored}) for v, stored in facts.vertices.items()}
        self._edges: dict[tuple[str, str, str], list[tuple[str, list[Any]]]] = {}
        for (label, source, target), day in sorted((facts if whole else stored(facts)).edges.items()):
            row = [source.id, label, target.id, day]
            self._edges.setdefault((source.id, "OUT", label), []).append((target.id, row))
            if EDGES[label].both_ways:
                self._edges.setdefault((target.id, "IN", label), []).append((source.id, row))

    def ask(self, name: str, key: str, body: str) -> dict[str, Any]:
        """One request of the reader."""
        self.requests += 1
        b = orjson.loads(body)
        answer = _Answer(self, b)
        for ask in b["asks"]:
            answer.walk(ask)
        rows = answer.rows()
        self.told += sum(len(found) for _, found in rows["v"]) + sum(len(found) for _, found in rows["e"])
        return {"k": key, "g": "fake", "h": 0, **rows}

    def start(self, ask: dict[str, Any]) -> list[str]:
        """The ids that a walk starts from, and what an index has."""
        found = [id_ for id_ in ask.get("ids", ()) if id_ in self.vertices]
        for lookup in ask.get("index", ()):
            found += [id_ for id_, (_, has) in self.vertices.items() if self._fits(has, lookup)]
        return list(dict.fromkeys(found))

    def ends(self, direction: str, label: str, id_: str) -> list[tuple[str, list[Any]]]:
        """What a step leads to, with the edge."""
        found = []
        for way in ("OUT", "IN") if direction == "BOTH" else (direction,):
            for one in EDGES if label == "*" else (label,):
                found += self._edges.get((id_, way, one), [])
        return found

    def _fits(self, has: dict[str, Any], lookup: list[list[str]]) -> bool:
        return all(has.get(key) == value for key, value in lookup)

    def find(self, id_: str) -> Vertex:
        """The vertex of an id."""
        return self.vertices[id_][0]


class _Answer:
    """One reply, as the script makes it."""

    def __init__(self, graph: FakeGraph, b: dict[str, Any]) -> None:
        self._graph, self._b = graph, b
        self._reached: dict[str, None] = {}
        self._left = False
        self._edges: dict[str, list[list[Any]]] = {}
        self._steps: dict[str, dict[tuple[str, str], list[str]]] = {"f": {}, "t": {}}

    def walk(self, ask: dict[str, Any]) -> None:
        """All hops of one ask."""
        wanted = self._graph.start(ask) + [id_ for id_ in self._reached if id_[:2] == ask.get("reached")]
        front = [id_ for id_ in wanted if self._reach(id_)]
        self._left |= len(front) < len(wanted)
        mine, followed = set(front), set[tuple[str, str, str]]()
        for hop in ask.get("hops", ()):
            following: list[str] = []
            for direction, label, tags, *form in hop:
                if direction == "STAY":
                    following += front
                    continue
                for id_ in front:
                    if not any(self._able(id_, tag) for tag in tags) or (direction, label, id_) in followed:
                        continue
                    followed.add((direction, label, id_))
                    for step, whole in self._taken(direction, label, form, id_, mine, following):
                        self._steps["f" if whole else "t"].setdefault(step, []).append(id_)
            front = following

    def _able(self, id_: str, tag: str) -> bool:
        found = self._graph.vertices.get(id_)
        if id_[:2] != tag[:2] or len(tag) == 2:
            return id_[:2] == tag
        return found is not None and (tag[3:] in found[1]) == (tag[2] == "+")

    def _taken(
        self, direction: str, label: str, form: list[list[Any]], id_: str, mine: set[str], following: list[str]
    ) -> Iterator[tuple[tuple[str, str], bool]]:
        """One step from one vertex; of a ROW each, one after the other."""
        if direction == "NAMED":
            yield (direction, label), self._named(label, form[0], id_, mine, following)
        elif direction == "ROW":
            for step in label.split(","):
                way, one = step.split(" ")
                yield (way, one), self._follow(way, one, id_, mine, following)
        else:
            done = [self._follow(direction, one, id_, mine, following) for one in label.split("+")]
            yield (direction, label), all(done)

    def _named(self, name: str, form: list[Any], id_: str, mine: set[str], following: list[str]) -> bool:
        head, before, after, register = form
        said = self._graph.vertices[id_][1].get(name) if id_ in self._graph.vertices else None
        if said is None:
            return True
        text = str(said).partition("|")[2] if register else orjson.dumps(said).decode()
        other = head + blake2b(f"{before}{text}{after}".encode(), digest_size=16).hexdigest()
        if not self._reach(other):
            return False
        if other not in mine:
            mine.add(other)
            following.append(other)
        return True

    def _reach(self, id_: str) -> bool:
        if id_ not in self._reached and len(self._reached) >= self._b["all"]:
            return False
        self._reached[id_] = None
        return True

    def _follow(self, direction: str, label: str, id_: str, mine: set[str], following: list[str]) -> bool:
        most = self._b["each"] * (10 if label == "*" else 1)
        for number, (other, row) in enumerate(self._graph.ends(direction, label, id_)):
            if number >= most or not self._reach(other):
                return False
            self._edges.setdefault(row[1], []).append(row)
            if other not in mine:
                mine.add(other)
                following.append(other)
        return True

    def rows(self) -> dict[str, Any]:
        """The reply's rows."""
        have = self._b.get("have", [])
        numbers = {id_: at for at, id_ in enumerate(have)}
        news: dict[str, list[str]] = {}
        for id_ in self._reached:
            if id_ not in numbers and id_ in self._graph.vertices:
                news.setdefault(id_[:2], []).append(id_)
        vertices = []
        for tag, ids in news.items():
            numbers.update({id_: len(numbers) + at for at, id_ in enumerate(ids)})
            vertices.append([tag, [self._row(id_, self._b["keys"][tag]) for id_ in ids]])
        edges = []
        for label, found in self._edges.items():
            width = 4 if label in self._b["dated"] else 3
            flat = [x for e in found for x in (numbers[e[0]], numbers[e[2]], e[3])[: width - 1]]
            edges.append([label, flat])
        done = {
            name: [[*step, [numbers[i] for i in ids if i in numbers]] for step, ids in s.items()]
            for name, s in self._steps.items()
        }
        return {"v": vertices, "e": edges, **done, "left": self._left}

    def _row(self, id_: str, key: list[str]) -> list[Any]:
        has = self._graph.vertices[id_][1]
        return [[has[name] for name in key], {n: value for n, value in has.items() if n in self._b["properties"]}]

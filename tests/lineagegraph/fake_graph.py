"""A graph that answers the reader as `around.groovy` does, from facts in memory: quick, and for many random ones."""

from __future__ import annotations

from typing import Any

import orjson

from lineagegraph.facts import Facts, Vertex, identity
from lineagegraph.schema import EDGES


class FakeGraph:
    """Counts its requests; edges that are stored one way cannot be followed backwards."""

    def __init__(self, facts: Facts) -> None:
        self.requests = 0
        self._vertices = {v.id: (v, {**identity(v), **stored}) for v, stored in facts.vertices.items()}
        self._edges: dict[tuple[str, str, str], list[tuple[str, list[Any]]]] = {}
        for (label, source, target), day in sorted(facts.edges.items()):
            row = [source.id, label, target.id, day]
            self._edges.setdefault((source.id, "OUT", label), []).append((target.id, row))
            if EDGES[label].both_ways:
                self._edges.setdefault((target.id, "IN", label), []).append((source.id, row))

    def ask(self, name: str, key: str, body: str) -> dict[str, Any]:
        """One request of the reader."""
        self.requests += 1
        b = orjson.loads(body)
        reached = dict.fromkeys(id_ for id_ in b.get("ids", ()) if id_ in self._vertices)
        for lookup in b.get("index", ()):
            reached.update(dict.fromkeys(i for i, (_, has) in self._vertices.items() if self._fits(has, lookup)))
        edges: dict[tuple[Any, ...], None] = {}
        unfinished: dict[str, None] = {}
        followed: dict[tuple[str, str], dict[str, None]] = {}
        front = list(reached)
        for hop in b["hops"]:
            following = []
            for direction, label, tags in hop:
                if direction == "STAY":
                    following += front
                    continue
                before = followed.setdefault((direction, label), {})
                for id_ in front:
                    if id_[:2] not in tags or id_ in before:
                        continue
                    before[id_] = None
                    for number, (other, row) in enumerate(self._edges.get((id_, direction, label), ())):
                        if number >= b["each"] or (len(reached) >= b["all"] and other not in reached):
                            unfinished[id_] = None
                            break
                        edges[tuple(row)] = None
                        if other not in reached:
                            reached[other] = None
                            following.append(other)
            front = following
        rows = [[id_, self._vertices[id_][1]] for id_ in reached]
        at = {id_: number for number, id_ in enumerate(reached)}
        done = [[*step, [at[id_] for id_ in ids]] for step, ids in followed.items()]
        edge_rows = [list(edge) for edge in edges]
        return {"k": key, "g": "fake", "h": 0, "v": rows, "e": edge_rows, "f": done, "t": list(unfinished)}

    def _fits(self, has: dict[str, Any], lookup: list[list[str]]) -> bool:
        return all(has.get(key) == value for key, value in lookup)

    def find(self, id_: str) -> Vertex:
        """The vertex of an id."""
        return self._vertices[id_][0]

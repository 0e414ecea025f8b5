"""Graphs of the random run and the cluster run, compared with what was stated: by export, and cell by cell."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any, NamedTuple

from deploy.local import Cassandra, JanusGraph
from lineagegraph.canonical import lines
from lineagegraph.errors import GraphUnavailable
from lineagegraph.export import digest, export
from lineagegraph.facts import Facts
from tests.lineagegraph.cells import Cells, places, stored
from tests.lineagegraph.servers import cql, settings

ATTEMPTS = 4  # of reading a whole graph; right after a restart a node is too slow for it


class Differences(NamedTuple):
    """Lines and cells that are missing or too many, and the hash of the tested graph's export."""

    lost: int
    doubled: int
    hash: str


class Graphs:
    """The graph under test, with several servers on Cassandra, and one in memory; what is in them stays."""

    def __init__(
        self, node: Cassandra, keyspace: str, tested: Sequence[JanusGraph], inmemory: JanusGraph | None = None
    ) -> None:
        self.node, self.tested, self.inmemory = node, tested, inmemory
        self._keyspace = keyspace
        self._before = self._look()

    def differences(self, facts: Facts) -> Differences:
        """From what these facts state, added to what was there at first."""
        stated: Counter[Any] = Counter(lines(facts))
        lost = more = 0
        now = self._look()
        for name, needed in (("cells", Counter[Any](places(facts))), ("tested", stated), ("inmemory", stated)):
            if name in now:
                want = self._before[name] + needed
                lost += (want - now[name]).total()
                more += (now[name] - want).total()
        return Differences(lost, more, digest(sorted(now["tested"].elements())))

    def _look(self) -> dict[str, Counter[Any]]:
        """The exports, line by line, and the cells of the graph under test."""
        with cql(*self.node.address, self._keyspace) as session:
            found: dict[str, Counter[Any]] = {"cells": stored(Cells(session, self.tested[0]).all())}
        found["tested"] = Counter(_export(*self.tested))
        if self.inmemory is not None:
            found["inmemory"] = Counter(_export(self.inmemory))
        return found


def _export(*servers: JanusGraph) -> list[str]:
    for _ in range(ATTEMPTS - 1):
        try:
            return list(export(settings(*servers)))
        except GraphUnavailable:
            continue
    return list(export(settings(*servers)))

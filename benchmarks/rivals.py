"""Other ways to write the same elements: upserts by Gremlin bytecode, and Cassandra without a graph in front of it."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Sequence
from itertools import groupby, islice
from typing import Any

from cassandra import ConsistencyLevel
from cassandra.cluster import Cluster
from cassandra.concurrent import execute_concurrent
from cassandra.query import BatchStatement, BatchType
from gremlin_python.driver.driver_remote_connection import DriverRemoteConnection
from gremlin_python.process.anonymous_traversal import traversal
from gremlin_python.process.graph_traversal import __
from gremlin_python.process.traversal import Merge, T
from gremlin_python.statics import long

from benchmarks.measure import in_parallel
from lineagegraph.facts import Facts, Vertex, identity

CONNECTIONS = 4
IN_ONE_TRAVERSAL = 40


def merge(url: str, batches: Sequence[Facts], seconds: float) -> int:
    """mergeV and mergeE, as the TinkerPop documentation has them; elements written within the time."""
    return _by_bytecode(url, batches, seconds, _merge)


def coalesce(url: str, batches: Sequence[Facts], seconds: float) -> int:
    """The older idiom: fold().coalesce(unfold(), add…)."""
    return _by_bytecode(url, batches, seconds, _coalesce)


def _merge(g: Any, element: Any, more: Any) -> Any:
    if isinstance(element, Vertex):
        return (
            g.merge_v({T.id: element.id, T.label: element.label})
            .option(Merge.on_create, more)
            .option(Merge.on_match, more)
        )
    properties = {} if more is None else {"last_seen_at": more}
    step = g.merge_e({T.label: element.label, Merge.out_v: element.source.id, Merge.in_v: element.target.id})
    return step.option(Merge.on_match, properties)


def _coalesce(g: Any, element: Any, more: Any) -> Any:
    if isinstance(element, Vertex):
        start = g.V(element.id).fold().coalesce(__.unfold(), __.add_v(element.label).property(T.id, element.id))
        for name, value in more.items():
            start = start.property(name, value)
        return start
    same = __.out_e(element.label).where(__.in_v().has_id(element.target.id))
    add = __.add_e(element.label).to(__.V(element.target.id))
    step = g.V(element.source.id).coalesce(same, add)
    return step if more is None else step.property("last_seen_at", more)


def _elements(facts: Facts) -> Iterator[tuple[Any, Any]]:
    for vertex, properties in facts.vertices.items():
        stored = {**identity(vertex), **properties}
        yield vertex, {name: long(value) if isinstance(value, int) else value for name, value in stored.items()}
    yield from facts.edges.items()


def _by_bytecode(url: str, batches: Sequence[Facts], seconds: float, add: Any) -> int:
    elements = iter([element for batch in batches for element in _elements(batch)])
    lock, until, counts = threading.Lock(), time.monotonic() + seconds, []

    def work() -> None:
        connection = DriverRemoteConnection(url, "g", pool_size=1, max_workers=1)
        g = traversal().with_remote(connection)
        try:
            while time.monotonic() < until:
                with lock:
                    some = list(islice(elements, IN_ONE_TRAVERSAL))
                if not some:
                    return
                chain: Any = g
                for element, more in some:
                    chain = add(chain, element, more)
                chain.iterate()
                counts.append(len(some))
        finally:
            connection.close()

    in_parallel(work, CONNECTIONS)
    return sum(counts)


class Bare:
    """The cells of a JanusGraph keyspace, written again into a table of the same shape by the CQL driver alone."""

    def __init__(self, address: tuple[str, int], keyspace: str, elements: int) -> None:
        self._elements = elements
        self._cluster = Cluster([address[0]], port=address[1])
        self._session = session = self._cluster.connect(keyspace)
        session.default_fetch_size = 5_000
        session.execute(
            "CREATE TABLE IF NOT EXISTS bare (key blob, column1 blob, value blob, PRIMARY KEY (key, column1))"
        )
        rows = session.execute("SELECT key, column1, value, writetime(value) FROM edgestore")
        self._rows = [list(cells) for _, cells in groupby(rows, key=lambda row: (row[0], row[3]))]
        self._insert = session.prepare("INSERT INTO bare (key, column1, value) VALUES (?, ?, ?) USING TIMESTAMP ?")

    def write(self) -> int:
        """Write every cell; how many elements those cells are."""
        self._session.execute("TRUNCATE bare")
        execute_concurrent(self._session, ((self._batch(row), None) for row in self._rows), concurrency=128)
        return self._elements

    def close(self) -> None:
        """Close the connections."""
        self._cluster.shutdown()

    def _batch(self, row: list[Any]) -> BatchStatement:
        batch = BatchStatement(BatchType.UNLOGGED, consistency_level=ConsistencyLevel.QUORUM)
        for cell in row:
            batch.add(self._insert, tuple(cell))
        return batch

"""What a write reads: nothing but the Meta vertex, and that once a second."""

from __future__ import annotations

import time
from typing import NamedTuple

import pytest

from lineagegraph.facts import Vertex, fold
from tests.lineagegraph.random_facts import events
from tests.lineagegraph.real.conftest import Pair
from tests.lineagegraph.servers import gremlin, opened, rewrite

pytestmark = pytest.mark.cassandra

CALLS = (
    "org.janusgraph.util.stats.MetricManager.INSTANCE.registry.counter('org.janusgraph.stores.getSlice.calls').count"
)
MERGES = """
import org.apache.tinkerpop.gremlin.structure.T
ids.each { g.mergeV([(T.id): it, (T.label): 'Dataset']).iterate() }
'merged'
"""


def test_a_write_reads_nothing_but_meta_and_that_once_a_second(pair: Pair) -> None:
    facts = fold(events("reads", 100))
    with opened(pair.second) as store:
        rewrite(store, facts)  # the server has learnt the schema
        before, began = _reads(pair), time.monotonic()
        while time.monotonic() < began + 2.5:
            rewrite(store, facts)
        after, took = _reads(pair), time.monotonic() - began
    assert after.janusgraph - before.janusgraph == after.cassandra - before.cassandra
    assert 1 <= after.cassandra - before.cassandra <= took + 1


def test_a_merge_reads_for_every_element(pair: Pair) -> None:
    ids = [Vertex("Dataset", ("read", str(number))).id for number in range(50)]
    before = _reads(pair)
    gremlin(pair.second, MERGES, ids=ids)
    after = _reads(pair)
    assert after.janusgraph - before.janusgraph >= 50
    assert after.cassandra - before.cassandra >= 50


class Reads(NamedTuple):
    """Reads of the graph and its indexes, counted by the server that writes and by Cassandra."""

    janusgraph: int
    cassandra: int


def _reads(pair: Pair) -> Reads:
    rows = pair.session.execute("SELECT keyspace_name, table_name, count FROM system_views.local_read_latency")
    graph = ("edgestore", "graphindex")
    read = sum(count for keyspace, table, count in rows if keyspace == "proofs" and table in graph)
    return Reads(gremlin(pair.second, CALLS), read)

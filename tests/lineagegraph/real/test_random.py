"""A short random run; `python -m tests.lineagegraph.random_run --seconds 3600` is the long one."""

from __future__ import annotations

import random

import pytest

from deploy.local import JanusGraph
from tests.lineagegraph.graphs import Graphs
from tests.lineagegraph.random_run import run
from tests.lineagegraph.real.conftest import LONG, Pair

SECONDS = 180 if LONG else 10  # at least; every kind of harm is done once


@pytest.mark.cassandra
@pytest.mark.timeout(900)
def test_facts_written_under_random_harm_are_the_facts_once(pair: Pair, inmemory: JanusGraph) -> None:
    graphs = Graphs(pair.cassandra, pair.first.keyspace, pair.servers, inmemory)
    report = run(graphs, SECONDS, seed=random.randrange(10**6), kill_all=LONG)
    print(report)
    assert report.good, report
    assert report.client_kills
    assert report.server_kills
    assert report.freezes

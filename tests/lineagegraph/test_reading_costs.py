"""What lineage costs the server: requests and rows follow the answer, not the history and not the rest of the graph."""

from __future__ import annotations

import orjson
import pytest

from benchmarks.gen_events import dag
from lineagegraph import lineage
from lineagegraph.facts import Facts, Vertex, fold
from lineagegraph.lineage import AHEAD
from lineagegraph.naming import Naming
from lineagegraph.reader import Reader
from mappers import decode, map_event
from tests.lineagegraph.fake_graph import FakeGraph

PIPELINES, WINDOW = 60, 8


def chains(pipelines: int = PIPELINES, runs: int = 1) -> Facts:
    """Each pipeline makes one dataset of one to three that were made shortly before."""
    events = dag(pipelines, 42, WINDOW, columns=2, runs=runs)
    return fold(map_event(decode(orjson.dumps(event)), Naming()).facts for event in events)


def dataset(number: int) -> Vertex:
    return Vertex("Dataset", ("s3://lake", f"warehouse/db{number % 20}/t{number}"))


def asked(facts: Facts, depth: int) -> tuple[FakeGraph, lineage.Lineage]:
    graph = FakeGraph(facts)
    return graph, lineage.upstream(Reader(graph.ask), dataset(19 + PIPELINES), depth)


@pytest.mark.parametrize("depth", [1, 3, AHEAD, 2 * AHEAD])
def test_so_many_levels_take_two_requests(depth: int) -> None:
    graph, found = asked(chains(), depth)
    assert max(step.depth for step in found.steps) == depth
    assert graph.requests == 2 * -(-depth // AHEAD)


def test_more_runs_of_each_pipeline_cost_nothing() -> None:
    once, few = asked(chains(), 5)
    often, many = asked(chains(runs=8), 5)
    assert [(s.depth, s.target, s.source) for s in few.steps] == [(s.depth, s.target, s.source) for s in many.steps]
    assert {row.version for step in few.steps for row in step.read} != {
        row.version for step in many.steps for row in step.read
    }
    assert often.requests == once.requests
    assert often.told == once.told


def test_a_larger_graph_costs_nothing() -> None:
    small, few = asked(chains(), 5)
    large, same = asked(chains(4 * PIPELINES), 5)
    assert few.steps == same.steps
    assert (large.requests, large.told) == (small.requests, small.told)

"""What lineage costs the server: requests and rows follow the answer, not the history and not the rest of the graph."""

from __future__ import annotations

import orjson
import pytest

from benchmarks.gen_events import dag, pairs
from lineagegraph import lineage
from lineagegraph.facts import Facts, Vertex, fold
from lineagegraph.lineage import AHEAD
from lineagegraph.naming import Naming
from lineagegraph.reader import Limits, Reader
from mappers import decode, map_event
from tests.lineagegraph.fake_graph import FakeGraph

PIPELINES, WINDOW = 60, 5


def chains(pipelines: int = PIPELINES, runs: int = 1) -> Facts:
    """Each pipeline makes one dataset of one to three that were made shortly before."""
    events = dag(pipelines, 42, WINDOW, columns=2, runs=runs)
    return fold(map_event(decode(orjson.dumps(event)), Naming()).facts for event in events)


def dataset(number: int) -> Vertex:
    return Vertex("Dataset", ("s3://lake", f"warehouse/db{number % 20}/t{number}"))


def asked(facts: Facts, depth: int) -> tuple[FakeGraph, lineage.Lineage]:
    graph = FakeGraph(facts)
    return graph, lineage.upstream(Reader(graph.ask), dataset(19 + PIPELINES), depth)


@pytest.mark.parametrize("depth", [1, 5, AHEAD, AHEAD + 3])
def test_so_many_levels_take_one_request_with_all_that_the_rules_and_snapshots_need(depth: int) -> None:
    graph, found = asked(chains(), depth)
    assert max(step.depth for step in found.steps) == depth
    assert graph.requests == -(-depth // AHEAD)
    assert all(step.read for step in found.steps)


def test_pipelines_that_write_several_datasets_take_one_request_too() -> None:
    events = pairs(120, 42, jobs=12)
    graph = FakeGraph(fold(map_event(decode(orjson.dumps(event)), Naming()).facts for event in events))
    found = lineage.upstream(Reader(graph.ask), dataset(19 + 24), 5)
    assert len(found.steps) > 5
    assert graph.requests == 1


def test_more_runs_of_each_pipeline_cost_nothing() -> None:
    once, few = asked(chains(), 5)
    often, many = asked(chains(runs=8), 5)
    assert [(s.depth, s.target, s.source) for s in few.steps] == [(s.depth, s.target, s.source) for s in many.steps]
    assert {row.version for step in few.steps for row in step.read} != {
        row.version for step in many.steps for row in step.read
    }
    assert often.requests == once.requests
    assert often.told == once.told


def test_what_found_no_room_is_not_taken_for_missing() -> None:
    graph = FakeGraph(chains())
    known = [dataset(number) for number in range(20, 25)]
    reader = Reader(graph.ask, Limits(all=2))
    reader.fetch(known)
    assert len(reader.view) == 2
    assert reader.unfinished == {d for d in known if not reader.view.knows(d)}


@pytest.mark.parametrize("room", [3, 10, 30, 100])
def test_where_one_request_has_no_room_the_answer_says_so_or_is_whole(room: int) -> None:
    graph = FakeGraph(chains())
    whole = lineage.upstream(Reader(graph.ask), dataset(19 + PIPELINES), 4)
    found = lineage.upstream(Reader(graph.ask, Limits(all=room)), dataset(19 + PIPELINES), 4)
    assert found.cut is not None or found.steps == whole.steps
    assert {(s.target, s.source) for s in found.steps} <= {(s.target, s.source) for s in whole.steps}


def test_what_was_fetched_in_advance_and_cut_is_fetched_again_step_by_step() -> None:
    graph = FakeGraph(chains())
    room = 60
    guessed = Reader(graph.ask, Limits(all=room))
    found = lineage.upstream(guessed, dataset(19 + PIPELINES), 4)
    assert len(guessed.view) > room
    assert found.cut is None


def test_a_larger_graph_costs_nothing() -> None:
    small, few = asked(chains(), 5)
    large, same = asked(chains(4 * PIPELINES), 5)
    assert few.steps == same.steps
    assert (large.requests, large.told) == (small.requests, small.told)

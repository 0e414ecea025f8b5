"""What both stores promise: the graph is what was stated, whoever stated it, in whatever order, how often."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from deploy.local import JanusGraph
from lineagegraph.canonical import lines
from lineagegraph.facts import Facts, Vertex, fold
from lineagegraph.registers import earliest, newest
from lineagegraph.store import GraphStore
from tests.lineagegraph.random_facts import DAYS, TIMES, events
from tests.lineagegraph.real.conftest import LONG
from tests.lineagegraph.servers import at_once, exported, gremlin, opened, rewrite, shuffled

pytestmark = pytest.mark.real
Servers = tuple[JanusGraph, ...]


def stated(name: str, many: list[Facts]) -> list[str]:
    return sorted(line for line in lines(fold(many)) if name in line)


@pytest.mark.parametrize("seed", range(20261125, 20261130 if LONG else 20261126))
def test_random_facts_by_many_writers_shuffled_and_repeated_are_the_facts_once(seed: int, servers: Servers) -> None:
    many = events(f"contract {seed}", 250)

    def write(store: GraphStore, number: int) -> None:
        for facts in shuffled(many, number, times=2, batch=30):
            store.write(facts)
            if number % 2:
                store.forget()

    at_once(servers, 4, write)
    for server in servers:
        assert exported(server, f"universe contract {seed}") == stated(f"universe contract {seed}", many)


def registers(name: str) -> Iterator[Facts]:
    """Ten values for each of four kinds on some runs; equal times meet, and texts that begin alike."""
    payloads = ["", "a", "aa", "ab", "b", "é", "z" * 15_984, "z" * 15_983, 1, 10]
    for number in range(20):
        for step, payload in enumerate(payloads):
            facts, time = Facts(), TIMES[(step * (number + 1)) % 3]
            run = facts.vertex(Vertex("Run", (f"{name}/{number}",)))
            facts.vertex(run, {"engine": newest(time, payload), "latest_start_at": time + step % 4})
            facts.vertex(run, {"first_start_at": -(time + step % 4)})
            version = facts.vertex(Vertex("DatasetVersion", (name, "t", f"v{number}")))
            facts.vertex(version, {"first_output_namer": earliest(time, payload)})
            yield facts


def test_registers_end_with_the_greatest_value_whoever_says_it_when(servers: Servers) -> None:
    many = list(registers("registers"))

    def write(store: GraphStore, number: int) -> None:
        for facts in shuffled(many, number, times=1, batch=15):
            rewrite(store, facts)

    at_once(servers, 6, write)
    assert exported(servers[-1], "registers") == stated("registers", many)


def test_a_register_may_come_before_or_after_anything_else(servers: Servers) -> None:
    run = Vertex("Run", ("order",))
    values = [newest(time, f"said {n}") for n, time in enumerate(TIMES)]
    with opened(*servers) as store:
        for value in [*reversed(values), *values]:
            facts = Facts()
            facts.vertex(run, {"engine": value})
            rewrite(store, facts)
    assert gremlin(servers[0], "g.V(x).values('engine').next()", x=run.id) == values[-1]


def test_racing_creators_create_one_vertex_and_one_edge(servers: Servers) -> None:
    many = [Facts() for _ in range(40)]
    for number, facts in enumerate(many):
        table = facts.vertex(Vertex("Dataset", ("racing", f"t{number}")), {"dataset_id": f"racing t{number}"})
        facts.edge("CONSUMES", Vertex("Pipeline", ("racing", f"p{number // 4}")), table, DAYS[number % len(DAYS)])

    def write(store: GraphStore, number: int) -> None:
        for facts in shuffled(many, number, times=1, batch=5):
            store.write(facts)

    at_once(servers, 8, write)
    count = """
        def tables = (0..<40).collect { g.V().has('dataset_id', 'racing t' + it).toList() }.flatten()
        def jobs = (0..<10).collect { g.V().has('pipeline_id', 'p' + it).has('namespace', 'racing').toList() }.flatten()
        def out = g.V(jobs).outE('CONSUMES').count().next(), in_ = g.V(tables).inE('CONSUMES').count().next()
        groovy.json.JsonOutput.toJson([tables.size(), jobs.size(), out, in_])
    """
    for server in servers:
        assert gremlin(server, count) == [40, 10, 40, 40]


def test_edges_keep_their_newest_day_in_any_order(servers: Servers) -> None:
    many = []
    for number in range(10):
        for day in DAYS[: 3 + number % 5]:
            facts = Facts()
            facts.edge(
                "GENERATED_BY", Vertex("Pipeline", ("daily", "p")), Vertex("Dataset", ("daily", f"t{number}")), day
            )
            many.append(facts)

    def write(store: GraphStore, number: int) -> None:
        for facts in shuffled(many, number, times=2, batch=7):
            rewrite(store, facts)

    at_once(servers, 4, write)
    assert exported(servers[-1], '"daily"') == stated('"daily"', many)


def test_a_write_leaves_alone_what_it_does_not_mention(servers: Servers) -> None:
    many = events("whole", 60)
    part = Facts()
    for vertex in fold(many).vertices:
        if vertex.label == "Dataset":
            part.vertex(vertex, {"description": newest(TIMES[-1] + 1, "only this")})
    with opened(*servers) as store:
        rewrite(store, fold(many))
        rewrite(store, part, 2)
    assert exported(servers[0], "universe whole") == stated("universe whole", [*many, part])

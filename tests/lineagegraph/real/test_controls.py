"""What goes wrong without each of our rules: if one of these stops failing, the proof beside it proves nothing."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any

import orjson
import pytest

from deploy.local import JanusGraph
from lineagegraph.facts import Facts, Vertex
from lineagegraph.gremlin import Connections, request_key
from lineagegraph.registers import newest
from tests.lineagegraph.cells import Place, ids, places, stored
from tests.lineagegraph.real.conftest import Pair
from tests.lineagegraph.servers import gremlin, opened, rewrite, settings

pytestmark = pytest.mark.cassandra

SCHEMA = """
import org.apache.tinkerpop.gremlin.structure.Direction
import org.janusgraph.core.Multiplicity
def m = graph.openManagement()
if (m.containsEdgeLabel('WITH_MULTI')) { m.rollback(); return 'there' }
m.makeEdgeLabel('WITH_MULTI').multiplicity(Multiplicity.MULTI).make()
m.makeEdgeLabel('WITH_SIMPLE').multiplicity(Multiplicity.SIMPLE).make()
def indexed = m.makeEdgeLabel('WITH_INDEX').multiplicity(Multiplicity.SIMPLE).make()
m.buildEdgeIndex(indexed, 'by_day', Direction.BOTH, m.getPropertyKey('last_seen_at'))
m.commit()
'made'
"""
# Two writers who look at the same time and then write what they did not see; that is all there is to a race.
RACE = """
import org.apache.tinkerpop.gremlin.structure.Direction
import org.apache.tinkerpop.gremlin.structure.T
def edge = [(T.label): label_, (Direction.OUT): a, (Direction.IN): b]
def writers = (1..2).collect { graph.newTransaction() }
writers.each { it.traversal().mergeE(edge).iterate() }
writers.each { it.commit() }
g.V(a).outE(label_).count().next()
"""
MERGE = """
import org.apache.tinkerpop.gremlin.structure.Direction
import org.apache.tinkerpop.gremlin.structure.T
g.mergeE([(T.label): 'PARENT_PIPELINE', (Direction.OUT): a, (Direction.IN): b]).iterate()
'merged'
"""
VALUE = "g.V(x).values('engine').tryNext().orElse('nothing')"
OLD, NEW = newest(1_795_000_000_000, "old"), newest(1_795_000_000_001, "new")


@pytest.fixture(scope="module", autouse=True)
def labels(pair: Pair) -> None:
    """Labels of the kinds that we never use."""
    gremlin(pair.first, SCHEMA)


@contextmanager
def raw(server: JanusGraph) -> Iterator[Any]:
    """The upsert script without the store, so that it can be given what the store never sends."""
    with opened(server) as store, closing(Connections(settings(server))) as connections:
        graph_id = store.heartbeat()

        def ask(**rows: list[list[Any]]) -> None:
            key = request_key()
            connections.ask("upsert", key, orjson.dumps({"k": key, "g": graph_id, **rows}).decode())

        yield ask


def two(name: str) -> tuple[str, str, list[list[Any]]]:
    """Two pipelines' ids and the rows that make them."""
    one, other = (Vertex("Pipeline", (name, end)) for end in ("a", "b"))
    return one.id, other.id, [[vertex.id, "Pipeline", {"name": vertex.key[1]}] for vertex in (one, other)]


def test_a_multi_label_and_merge_give_two_edges_where_simple_gives_one(pair: Pair) -> None:
    a, b, rows = two("race")
    with raw(pair.first) as ask:
        ask(v=rows)
    assert gremlin(pair.first, RACE, a=a, b=b, label_="WITH_MULTI") == 2
    assert gremlin(pair.first, RACE, a=a, b=b, label_="WITH_SIMPLE") == 1


def test_a_multi_label_gives_an_edge_for_every_rewrite(pair: Pair) -> None:
    a, b, rows = two("rewrite")
    with raw(pair.first) as ask:
        for _ in range(3):
            ask(v=rows, e=[[a, "WITH_MULTI", b], [a, "WITH_SIMPLE", b]])
    assert gremlin(pair.first, "g.V(a).outE('WITH_MULTI').count().next()", a=a) == 3
    assert gremlin(pair.first, "g.V(a).outE('WITH_SIMPLE').count().next()", a=a) == 1


def test_a_vertex_centric_index_leaves_cells_behind_and_finds_what_is_no_more(pair: Pair) -> None:
    a, b, rows = two("index")
    with raw(pair.first) as ask:
        ask(v=rows, d=[[a, "WITH_INDEX", b, "2026-11-20"]])
        ask(d=[[a, "WITH_INDEX", b, "2026-11-21"]])
    found = stored(pair.cells().of(a))
    assert found[Place(a, "out", "WITH_INDEX", b)] == 1
    assert sum(count for place, count in found.items() if place.name == "by_day") == 2
    assert gremlin(pair.first, "g.V(a).outE('WITH_INDEX').has('last_seen_at', '2026-11-20').count().next()", a=a) == 1


def test_merge_does_not_mend_half_an_edge_and_our_write_does(pair: Pair) -> None:
    facts, a, b = Facts(), Vertex("Pipeline", ("half", "a")), Vertex("Pipeline", ("half", "b"))
    facts.edge("PARENT_PIPELINE", a, b)
    cells = pair.cells()
    with opened(pair.first) as store:
        rewrite(store, facts)
        (half,) = (cell for cell in cells.of(b.id) if cell.place.kind == "in")
        cells.delete(half)
        assert gremlin(pair.second, MERGE, a=a.id, b=b.id) == "merged"
        assert half.place not in stored(cells.of(*ids(facts)))
        rewrite(store, facts)
    assert stored(cells.of(*ids(facts))) == places(facts)


def test_a_register_at_the_time_of_its_writing_ends_with_what_was_said_last(pair: Pair) -> None:
    run, right = (Vertex("Run", (name,)) for name in ("clock", "constant"))
    with raw(pair.first) as ask:
        ask(v=[[run.id, "Run", {"run_id": "clock"}], [right.id, "Run", {"run_id": "constant"}]])
        for value in (NEW, OLD):  # `v` is written at the wall clock's time
            ask(v=[[run.id, "Run", {"engine": value}]], r=[[right.id, {"engine": value}]])
    assert gremlin(pair.first, VALUE, x=run.id) == OLD
    assert gremlin(pair.first, VALUE, x=right.id) == NEW


def test_a_register_that_was_deleted_once_never_shows_again(pair: Pair) -> None:
    run = Vertex("Run", ("deleted",))
    with raw(pair.first) as ask:
        ask(v=[[run.id, "Run", {"run_id": "deleted"}]], r=[[run.id, {"engine": OLD}]])
        assert gremlin(pair.first, VALUE, x=run.id) == OLD
        gremlin(pair.first, "g.V(x).properties('engine').drop().iterate(); 'dropped'", x=run.id)
        ask(r=[[run.id, {"engine": NEW}]])
    assert gremlin(pair.first, VALUE, x=run.id) == "nothing"


def test_a_dated_edge_that_was_deleted_once_never_shows_again(pair: Pair) -> None:
    facts, a, b = Facts(), Vertex("Pipeline", ("deleted", "a")), Vertex("Dataset", ("deleted", "b"))
    facts.edge("CONSUMES", a, b, "2026-11-20")
    later = Facts()
    later.edge("CONSUMES", a, b, "2026-11-25")
    with opened(pair.first) as store:
        rewrite(store, facts)
        gremlin(pair.first, "g.V(x).outE('CONSUMES').drop().iterate(); 'dropped'", x=a.id)
        rewrite(store, later)
    assert gremlin(pair.first, "g.V(x).outE('CONSUMES').count().next()", x=a.id) == 0


def test_one_cell_more_or_less_is_noticed(pair: Pair) -> None:
    facts, a, b = Facts(), Vertex("Pipeline", ("noticed", "a")), Vertex("Pipeline", ("noticed", "b"))
    facts.edge("PARENT_PIPELINE", a, b)
    cells = pair.cells()
    with opened(pair.first) as store:
        rewrite(store, facts)
    some = cells.of(*ids(facts))
    assert stored(some) == places(facts)
    twin = next(cell for cell in some if cell.place.kind == "out")
    cells.insert(twin.place.id, twin.column + b"\x01", twin.value, twin.written)
    strange = next(cell for cell in cells.of(twin.place.id) if cell.column == twin.column + b"\x01")
    try:
        assert stored(cells.of(*ids(facts))) != places(facts)
    finally:
        cells.delete(strange)  # no server can read it
    assert stored(cells.of(*ids(facts))) == places(facts)

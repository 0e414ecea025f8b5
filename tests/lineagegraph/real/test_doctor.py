"""The doctor finds what was broken cell by cell, mends it by writing, and deletes nothing while somebody may write."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager

import pytest

from deploy.local import JanusGraph
from lineagegraph import doctor
from lineagegraph.canonical import lines
from lineagegraph.doctor import Diagnosis, examine
from lineagegraph.errors import SchemaMismatch
from lineagegraph.facts import Facts, Vertex
from lineagegraph.gremlin import Connections
from lineagegraph.install import meta
from tests.lineagegraph.cells import Cells, ids, places, stored
from tests.lineagegraph.real.conftest import Pair
from tests.lineagegraph.servers import exported, gremlin, opened, rewrite, settings

pytestmark = pytest.mark.real
STRANGE = """
def m = graph.openManagement()
if (!m.containsVertexLabel('Strange')) m.makeVertexLabel('Strange').make()
if (!m.containsPropertyKey('strange')) m.makePropertyKey('strange').dataType(String).make()
m.commit()
'made'
"""
FOREIGN = "def v = graph.addVertex(T.id, id_, T.label, label_); v.property('name', 'x'); graph.tx().commit(); 'made'"


def sound(name: str) -> Facts:
    facts = Facts()
    pipeline = facts.vertex(Vertex("Pipeline", (name, "daily")))
    table = facts.vertex(Vertex("Dataset", (name, "orders")))
    run = facts.vertex(Vertex("Run", (f"{name}-1",)))
    facts.edge("CONSUMES", pipeline, table, "2026-11-22")
    facts.edge("SAME_AS", table, Vertex("Dataset", (name, "logical")))
    facts.edge("RUN_OF", run, pipeline)
    return facts


def examined(server: JanusGraph, mend: bool = False, delete: bool = False) -> Diagnosis:
    return examine(settings(server), mend, delete)


def about(found: Diagnosis, *broken: str) -> set[tuple[str, str]]:
    """What was found about these ids; other tests break other things."""
    return {
        (kind, one.where)
        for kind, many in found.examples.items()
        for one in many
        if any(id_ in one.where for id_ in broken)
    }


@contextmanager
def nobody_writes(quiet: float = -10.0) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(doctor, "QUIET_SECONDS", quiet)
        yield


def test_a_sound_graph_is_sound(servers: tuple[JanusGraph, ...]) -> None:
    facts = sound("sound")
    with opened(*servers) as store:
        rewrite(store, facts, 2)
    found = examined(servers[0])
    assert about(found, *ids(facts)) == set()
    assert found.rows >= 4


@pytest.mark.cassandra
def test_half_edges_ghosts_and_what_lost_its_row_are_found_and_mended(pair: Pair) -> None:
    facts = sound("broken")
    pipeline, table, run, logical = (vertex.id for vertex in facts.vertices)
    second = facts.vertex(Vertex("Pipeline", ("broken", "hourly")))
    with opened(pair.first) as store:
        rewrite(store, facts)
    cells, other = pair.cells(), next(edge.target for edge in facts.edges if edge.label == "CONSUMES")
    facts.edge("CONSUMES", second, other, "2026-11-22")
    whole = places(facts)
    # Dated edges have one commit time a day, so what was deleted would stay hidden: this one gets only its first half.
    (half,) = (one for one in cells.of(pipeline) if one.place.name == "CONSUMES")
    cells.insert(second.id, half.column, half.value, half.written)
    gone = {("SAME_AS", "out", table), ("", "exists", run)}
    for cell in cells.of(*ids(facts)):
        if (cell.place.name, cell.place.kind, cell.place.id) in gone:
            cells.delete(cell)
    found = examined(pair.first)
    assert about(found, *ids(facts)) == {
        ("half_edge", f"{second.id} CONSUMES {table}"),
        ("half_edge", f"{table} SAME_AS {logical}"),
        ("ghost", run),
    }
    assert (found.mended, found.deleted) == (0, 0)
    assert stored(cells.of(*ids(facts))).total() == whole.total() - 3, "looking changes nothing"

    mended = examined(pair.first, mend=True)
    assert mended.mended >= 3
    assert about(examined(pair.second), *ids(facts)) == set()
    assert stored(Cells(pair.session, pair.first).of(*ids(facts))) == whole
    assert sorted(exported(pair.second, '"broken')) == sorted(lines(facts))


@pytest.mark.cassandra
def test_what_lost_its_name_is_told_and_left_to_a_replay(pair: Pair) -> None:
    facts = sound("nameless")
    with opened(pair.first) as store:
        rewrite(store, facts)
    cells, (pipeline, _, run, _) = pair.cells(), (vertex.id for vertex in facts.vertices)
    for cell in cells.of(run):
        if cell.place.kind in ("exists", "property"):
            cells.delete(cell)
    assert about(examined(pair.first, mend=True), run) == {
        ("ghost", run),
        ("dangling_edge", f"{run} RUN_OF {pipeline}"),
    }
    with opened(pair.first) as store:
        rewrite(store, facts)
    assert about(examined(pair.first), *ids(facts)) == set()


def test_foreign_vertices_are_deleted_only_when_asked_for_and_while_nobody_writes(
    servers: tuple[JanusGraph, ...],
) -> None:
    server, right = servers[0], Vertex("Dataset", ("foreign", "orders"))
    wrong = [("Dataset", "ds:00000000000000000000000000000000"), ("Feature", right.id)]
    for label, id_ in wrong:
        gremlin(server, FOREIGN, id_=id_, label_=label)
    expected = {("foreign_vertex", id_) for _, id_ in wrong}
    assert about(examined(server, mend=True), *(id_ for _, id_ in wrong)) == expected
    with opened(server) as store:
        store.heartbeat()
    with pytest.raises(SchemaMismatch, match=r"A consumer was alive \d+ seconds ago"):
        examined(server, delete=True)
    assert about(examined(server), *(id_ for _, id_ in wrong)) == expected, "nothing was deleted"
    with nobody_writes():
        assert examined(server, delete=True).deleted >= 2
    assert about(examined(server), *(id_ for _, id_ in wrong)) == set()


def test_a_schema_that_is_not_ours_is_found_and_nothing_is_mended_then(
    inmemory: JanusGraph, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lineagegraph.install.SCHEMA_VERSION", 99)
    assert about(examined(inmemory), "schema") == {("schema", "schema")}
    with pytest.raises(SchemaMismatch, match="Nothing is mended before that"):
        examined(inmemory, mend=True)


def test_labels_and_keys_that_nobody_knows_are_told(inmemory: JanusGraph) -> None:
    gremlin(inmemory, STRANGE)
    assert about(examined(inmemory), "trange") == {("unknown_type", "label Strange"), ("unknown_type", "key strange")}


def test_the_beat_is_that_of_the_last_consumer(inmemory: JanusGraph) -> None:
    with opened(inmemory) as store:
        store.heartbeat()
    with closing(Connections(settings(inmemory))) as connections:
        first = meta(connections)["beat"]
    with opened(inmemory) as store:
        store.heartbeat()
    with closing(Connections(settings(inmemory))) as connections:
        assert meta(connections)["beat"] > first

"""What lies in Cassandra after any number of writes: every fact in exactly one cell, an edge in one at each end."""

from __future__ import annotations

import pytest

from lineagegraph.facts import Facts, Vertex, fold
from lineagegraph.schema import DAY
from lineagegraph.store import GraphStore
from tests.lineagegraph.cells import Cell, Cells, Place, ids, places, row_key, stored
from tests.lineagegraph.random_facts import DAYS, events
from tests.lineagegraph.real.conftest import LONG, Pair
from tests.lineagegraph.servers import at_once, gremlin, opened, rewrite, shuffled

pytestmark = pytest.mark.cassandra


def some(name: str, day: str | None = None) -> tuple[Facts, Vertex, Vertex]:
    """A pipeline that consumes a dataset; with a day, as it was stated on that day."""
    facts = Facts()
    dataset = facts.vertex(Vertex("Dataset", (name, "table")), {"dataset_id": "table", "layer": "gold"})
    pipeline = facts.vertex(Vertex("Pipeline", (name, "job")), {"version": "0000000000001|1"})
    facts.edge("CONSUMES" if day else "PARENT_PIPELINE", pipeline, dataset if day else pipeline, day)
    return facts, pipeline, dataset


def test_any_number_of_rewrites_by_many_writers_leaves_one_cell_per_fact_and_two_per_edge(pair: Pair) -> None:
    many = events("layout", 200, size=12)
    together = fold(many)

    def write(store: GraphStore, number: int) -> None:
        for facts in shuffled(many, number, times=2, batch=60):
            rewrite(store, facts)

    at_once(pair.servers, 6, write)
    assert stored(pair.cells().of(*ids(together))) == places(together)


def test_both_cells_of_an_edge_are_equal(pair: Pair) -> None:
    facts, pipeline, dataset = some("equal", "2026-11-20")
    at_once(pair.servers, 4, lambda store, _: rewrite(store, facts, 10))
    edges = [cell for cell in pair.cells().of(*ids(facts)) if cell.place.kind in ("out", "in")]
    assert {cell.place for cell in edges} == {
        Place(dataset.id, "in", "CONSUMES", pipeline.id),
        Place(pipeline.id, "out", "CONSUMES", dataset.id),
    }
    assert edges[0].value == edges[1].value
    assert edges[0].written == edges[1].written


def test_racing_creators_create_each_thing_once(pair: Pair) -> None:
    for attempt in range(5 if LONG else 1):
        facts = fold(events(f"race {attempt}", 60))
        at_once(pair.servers, 8, lambda store, _, facts=facts: store.write(facts))  # type: ignore[misc]
        assert stored(pair.cells().of(*ids(facts))) == places(facts)
        names = [properties["dataset_id"] for properties in facts.vertices.values() if "dataset_id" in properties]
        assert len(names) > 5
        for name in names:
            assert gremlin(pair.first, "g.V().has('dataset_id', x).count().next()", x=name) == 1


@pytest.mark.parametrize("kind", ["exists", "label", "property", "out", "in"])
def test_a_missing_cell_is_back_after_the_next_write(kind: str, pair: Pair) -> None:
    facts, _, _ = some(f"heal {kind}")
    cells = pair.cells()
    with opened(pair.second) as store:
        rewrite(store, facts)
        for cell in cells.of(*ids(facts)):
            if cell.place.kind == kind and cell.place.name != "version":  # registers: see below
                cells.delete(cell)
        assert stored(cells.of(*ids(facts))) != places(facts)
        rewrite(store, facts)
    assert stored(cells.of(*ids(facts))) == places(facts)


@pytest.mark.parametrize("written", ["out", "in"])
def test_half_of_a_dated_edge_becomes_a_whole_one_by_the_same_statement(written: str, pair: Pair) -> None:
    """A half that is there from the start: a deletion would hide whatever carries the same time."""
    like, _, _ = some(f"whole {written}", "2026-11-20")
    half, _, _ = some(f"half {written}", "2026-11-20")
    cells = pair.cells()
    with opened(pair.first) as store:
        rewrite(store, like)
        _copy_one_side(cells, like, half, written)
        assert len(cells.of(*ids(half))) == 1
        rewrite(store, half)
    assert stored(cells.of(*ids(half))) == places(half)


def _copy_one_side(cells: Cells, like: Facts, half: Facts, kind: str) -> None:
    cell = next(cell for cell in cells.of(*ids(like)) if cell.place.kind == kind)
    (edge,) = half.edges
    here, there = (edge.source, edge.target) if kind == "out" else (edge.target, edge.source)
    cells.insert(here.id, cells.header(kind, edge.label) + row_key(there.id)[::-1], cell.value, cell.written)


def test_an_edge_carries_the_newest_day_at_both_ends_whoever_says_it_when(pair: Pair) -> None:
    many = []
    for day in DAYS:
        facts = Facts()
        for number in range(8):
            facts.edge("CONSUMES", Vertex("Pipeline", ("days", "job")), Vertex("Dataset", ("days", f"t{number}")), day)
        many.append(facts)

    def write(store: GraphStore, number: int) -> None:
        for stated in shuffled(many, number, times=2, batch=1):
            rewrite(store, stated)

    at_once(pair.servers, 4, write)
    together = fold(many)
    cells = pair.cells().of(*ids(together))
    assert stored(cells) == places(together)
    assert {_day(cell) for cell in cells if cell.place.kind in ("out", "in")} == {DAYS[-1]}
    seen = f"g.V(x).outE().values('{DAY}').toSet() + g.V(x).out().inE().values('{DAY}').toSet()"
    assert gremlin(pair.second, f"({seen}).unique().join()", x=Vertex("Pipeline", ("days", "job")).id) == DAYS[-1]


def _day(cell: Cell) -> str:
    return cell.value[-10:-1].decode("ascii") + chr(cell.value[-1] ^ 0x80)


def test_a_write_does_not_disturb_what_it_does_not_mention(pair: Pair) -> None:
    whole, pipeline, dataset = some("rest", "2026-11-20")
    whole.vertex(dataset, {"description": "0000000000005|1", "owners": "0000000000005|1"})
    whole.edge("GENERATED_BY", pipeline, dataset, "2026-11-20")
    part = Facts()
    part.vertex(dataset, {"description": "0000000000006|2"})
    part.edge("CONSUMES", pipeline, dataset, "2026-11-21")
    cells = pair.cells()
    with opened(pair.first) as store:
        rewrite(store, whole)
        before = _by_place(cells.of(*ids(whole)))
        for server in pair.servers:
            with opened(server) as other:
                rewrite(other, part, 3)
        after = _by_place(cells.of(*ids(whole)))
    assert before.keys() == after.keys()
    mentioned = {place for place in places(part) if place.kind in ("out", "in") or place.name == "description"}
    assert {place for place in before if before[place].value != after[place].value} >= mentioned
    for place in before.keys() - places(part).keys():
        assert before[place] == after[place]


def _by_place(cells: list[Cell]) -> dict[Place, Cell]:
    return {cell.place: cell for cell in cells}

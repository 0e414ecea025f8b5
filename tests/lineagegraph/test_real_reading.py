"""Asking the graph gives what the same rules make of the same events without a server."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from contextlib import closing

import pytest

from consumer.event_files import read_events
from deploy.local import JanusGraph
from lineagegraph import lineage, rules
from lineagegraph.answers import run_answer
from lineagegraph.facts import Facts, Vertex, fold
from lineagegraph.gremlin import Connections
from lineagegraph.install import install
from lineagegraph.naming import Naming
from lineagegraph.reader import Limits, Reader
from lineagegraph.settings import GraphSettings
from lineagegraph.store import GraphStore
from lineagegraph.view import View
from mappers import Malformed, decode, map_event
from tests.lineagegraph.made import made_at_random
from tests.product import EVENTS

pytestmark = pytest.mark.real


def corpus() -> Facts:
    made = []
    for found in read_events(map(str, EVENTS)):
        try:
            made.append(map_event(decode(found.value), Naming()).facts)
        except Malformed:
            continue
    return fold(made)


@pytest.fixture(scope="module")
def facts() -> Facts:
    return fold([corpus(), made_at_random(20261125)])


@pytest.fixture(scope="module")
def connections(fresh_graph: Callable[[str], JanusGraph], facts: Facts) -> Iterator[Connections]:
    """To a graph that holds the corpus."""
    settings = GraphSettings(urls=(fresh_graph("inmemory").url,))
    with closing(Connections(settings)) as made:
        install(made, Naming().hash)
        with closing(GraphStore(settings)) as store:
            store.open(Naming().hash)
            store.write(facts)
        yield made


def test_every_run_is_answered_as_from_its_events(connections: Connections, facts: Facts) -> None:
    view = View(facts)
    runs = [run for run in view.all("Run") if view.number(run, "seen_at") is not None]
    assert len(runs) > 250
    for run in random.Random(1).sample(runs, 60):  # of all of them it would take minutes
        reader = Reader(connections.ask)
        found = lineage.find_run(reader, run.key[0])
        assert run_answer(reader.view, found) == run_answer(view, run), run


def test_upstream_is_what_the_rules_say_level_by_level(connections: Connections, facts: Facts) -> None:
    view = View(facts)
    outputs = sorted({rules.physical(view, d) for p in view.all("Pipeline") for d in view.out("GENERATED_BY", p)})
    assert len(outputs) > 15
    for output in outputs:
        steps = lineage.upstream(Reader(connections.ask), output, 4).steps
        assert {(s.target, s.source, s.basis) for s in steps} == expected_upstream(view, output, 4), output


def expected_upstream(view: View, output: Vertex, depth: int) -> set[tuple[Vertex, Vertex, str]]:
    found: set[tuple[Vertex, Vertex, str]] = set()
    seen, front = {output}, [output]
    for _ in range(depth):
        new = {(target, source.dataset, source.basis) for target in front for source in rules.sources(view, target)}
        found |= new
        front = list({source for _, source, _ in new} - seen)
        seen |= set(front)
    return found


def test_downstream_is_upstream_seen_from_the_other_side(connections: Connections, facts: Facts) -> None:
    view = View(facts)
    for dataset in sorted({rules.physical(view, d) for d in view.all("Dataset")}):
        below = {
            (s.target, s.source)
            for s in lineage.downstream(Reader(connections.ask), dataset, 1).steps
            if s.target.label == "Dataset"
        }
        outputs = {rules.physical(view, d) for d in view.all("Dataset")}
        above = {(o, s.dataset) for o in outputs for s in rules.sources(view, o) if s.dataset == dataset}
        assert below == above, dataset


def test_a_name_is_found_by_what_people_type_by_a_catalogues_name_and_by_namespace(connections: Connections) -> None:
    physical = Vertex("Dataset", ("file", "/warehouse/lake/gold/fail_target"))
    for name in ("gold/fail_target", "gold.fail_target", "/warehouse/lake/gold/fail_target"):
        assert lineage.find_dataset(Reader(connections.ask), name) == physical
    assert lineage.find_dataset(Reader(connections.ask), physical.key[1], "file") == physical
    with pytest.raises(lineage.Ambiguous, match=r"lake/bronze/orders in file; .*lake4/bronze/orders in file"):
        lineage.find_dataset(Reader(connections.ask), "bronze/orders")
    with pytest.raises(lineage.NotFound, match="--namespace"):
        lineage.find_dataset(Reader(connections.ask), "no/such")


def test_what_limits_cut_off_is_said(connections: Connections) -> None:
    silver = Vertex("Dataset", ("file", "/warehouse/lake/silver/orders_enriched"))
    assert not lineage.upstream(Reader(connections.ask), silver, 3).cut
    assert lineage.upstream(Reader(connections.ask, Limits(each=1)), silver, 3).cut
    assert lineage.upstream(Reader(connections.ask, Limits(all=5)), silver, 3).cut

"""What the reader fetches is enough: questions to a graph give what the rules make of all facts at once."""

from __future__ import annotations

import pytest

from lineagegraph import history, inventory, lineage, needs, rules
from lineagegraph.answers import run_answer
from lineagegraph.columns import column_lineage
from lineagegraph.facts import Facts, Vertex
from lineagegraph.impact import Thresholds, consumers, impact
from lineagegraph.needs.hops import RUN
from lineagegraph.provenance import provenance
from lineagegraph.reader import Limits, Reader
from lineagegraph.view import View
from tests.lineagegraph import build
from tests.lineagegraph.fake_graph import FakeGraph, of_version_1
from tests.lineagegraph.made import made_at_random

WIDE = Limits()
SEEDS = range(2)
T = 1_794_000_000_000  # in the middle of what is made


@pytest.fixture(scope="module", params=SEEDS)
def facts(request: pytest.FixtureRequest) -> Facts:
    return made_at_random(request.param, 60)


def reader(facts: Facts, limits: Limits = WIDE) -> Reader:
    return Reader(FakeGraph(facts).ask, limits)


def test_a_graph_of_schema_version_1_answers_the_same(facts: Facts) -> None:
    view = View(facts)
    versions = [v for v in view.all("DatasetVersion") if not v.key[2].startswith("~")]
    old, new = FakeGraph(of_version_1(facts), whole=True).ask, FakeGraph(facts).ask
    for ask in (lineage.upstream, lineage.downstream):
        for dataset in datasets(facts)[:4]:
            assert ask(Reader(old), dataset, 1) == ask(Reader(new), dataset, 1)
    for dataset in datasets(facts)[:3]:
        assert history.versions(Reader(old), dataset) == history.versions(Reader(new), dataset)
    for version in versions[:3]:
        of = rules.physical(view, Vertex("Dataset", version.key[:2]))
        assert provenance(Reader(old), of, version.key[2]) == provenance(Reader(new), of, version.key[2])


def test_what_a_run_read_and_wrote_is_found_though_its_versions_alone_are_stored(facts: Facts) -> None:
    view = View(facts)
    for run in view.all("Run")[:6]:
        asked = reader(facts)
        lineage.find_run(asked, run.key[0])
        assert run_answer(asked.view, run) == run_answer(view, run)


def test_who_read_a_version_is_found_through_the_pipelines_that_consume_its_dataset(facts: Facts) -> None:
    view = View(facts)
    versions = view.all("DatasetVersion")
    read = {v: {run for label in needs.READS for run in view.into(label, v)} for v in versions}
    assert sum(map(len, read.values())) > 10
    for version in versions[::12]:
        assert needs.readers(reader(facts), [version]) == read[version]
    assert needs.readers(reader(facts), versions) == set().union(*read.values())


def test_who_read_a_version_does_not_cost_what_was_before_it() -> None:
    day, t = 24 * 60, build.ds("t", version="1")
    new = [build.ran(20 * day, [t], run="new", job="a"), build.ran(21 * day, [build.ds("u")], run="b", job="a")]
    old = [build.ran(n * day, [build.ds("t")], run=f"old-{n}", job=("a", "b")[n % 2]) for n in range(10)]
    costs = []
    for events in (new, [*new, *old[::2]], [*new, *old]):
        graph = FakeGraph(build.facts(*events))
        version = Vertex("DatasetVersion", (build.LAKE, "t", "1"))
        assert needs.readers(Reader(graph.ask), [version]) == {build.a_run("new")}
        costs.append((graph.requests, graph.told))
    assert {requests for requests, _ in costs} == {4}
    old_days, another_pipeline = 5 * (1 + 2), 1 + 3  # each with its edge
    assert costs[1][1] == costs[0][1] + old_days, "that there were days, not what was on them"
    assert costs[2][1] == costs[1][1] + another_pipeline, "a pipeline that does not consume it any more"


def test_all_names_are_known_of_a_dataset_to_which_only_its_version_led() -> None:
    made = build.facts(build.ran(0, [build.ds("gold/t", version="1", called="db.t")]))
    made.vertex(build.dataset("gold/t", rules.CLIENT), {"dataset_id": "gold/t"})
    asked, table = reader(made), build.dataset("gold/t")
    asked.fetch([build.a_run()], RUN)
    needs.names(asked)
    assert rules.names_of(asked.view, table) == rules.names_of(View(made), table)
    assert len(rules.names_of(asked.view, table)) == 3


def datasets(facts: Facts) -> list[Vertex]:
    view = View(facts)
    return sorted({rules.physical(view, d) for d in view.all("Dataset")})


@pytest.mark.parametrize("when", [lineage.When(), lineage.When(all_time=True), lineage.When(as_of=T)])
def test_upstream_and_downstream_are_what_the_rules_say(facts: Facts, when: lineage.When) -> None:
    view = View(facts)
    edges = {
        (d, s.dataset, s.basis, s.pipelines)
        for d in datasets(facts)
        for s in rules.sources(view, d, when.all_time, when.as_of)
    }
    assert len(edges) > 3
    up: set[tuple[object, ...]] = set()
    down: set[tuple[object, ...]] = set()
    for dataset in datasets(facts):
        for walk, found in ((lineage.upstream, up), (lineage.downstream, down)):
            steps = walk(reader(facts), dataset, 1, when.all_time, when.as_of).steps
            found |= {(s.target, s.source, s.basis, s.pipelines) for s in steps if s.target.label == "Dataset"}
    assert up == edges
    assert down == edges


def test_models_are_found_below_the_datasets_that_they_were_trained_on(facts: Facts) -> None:
    view = View(facts)
    pairs = {
        (t.model, row.snapshot.dataset)
        for model in view.all("Model")
        if (t := rules.training(view, model))
        for row in t.trained_on
    }
    assert pairs
    below = {
        (s.target, s.source)
        for d in datasets(facts)
        for s in lineage.downstream(reader(facts), d, 1).steps
        if s.target.label == "Model"
    }
    assert below == pairs


def test_pipelines_read_and_make_what_the_rules_say(facts: Facts) -> None:
    view = View(facts)
    for pipeline in view.all("Pipeline"):
        for when in (lineage.When(), lineage.When(as_of=T)):
            above = lineage.upstream(reader(facts), pipeline, 1, as_of=when.as_of).steps
            assert [s.source for s in above] == rules.inputs_of(view, pipeline, until=when.as_of)
            below = lineage.downstream(reader(facts), pipeline, 1, as_of=when.as_of).steps
            assert [s.target for s in below] == rules.made_by(view, pipeline, until=when.as_of)


def test_a_search_that_must_stop_says_why_and_where_to_go_on(facts: Facts) -> None:
    some = next(d for d in datasets(facts) if lineage.upstream(reader(facts), d, 9).steps)
    for limits, why in ((Limits(seconds=-1), "time"), (Limits(total=-1), "size"), (Limits(each=1), "edges")):
        cut = lineage.upstream(reader(facts, limits), some, 9).cut
        assert cut is not None
        assert cut.why == why
        assert cut.at
    assert lineage.upstream(reader(facts), some, 9).cut is None


def test_provenance_of_a_snapshot_is_what_its_writers_made_it_of(facts: Facts) -> None:
    view = View(facts)
    written = sorted(
        {
            (row.dataset, row.version)
            for run in view.all("Run")
            for row in rules.snapshots_written(view, run)
            if row.version
        }
    )
    assert written
    for dataset, version in written[:6]:
        found = provenance(reader(facts), dataset, version, 1)
        assert list(found.writers) == rules.writers_of(view, dataset, version)
        sources = {(run, row) for run, _ in found.writers for row in rules.made_of(view, run, dataset)}
        assert {(row.run, row.source) for row in found.origins} == sources


def test_runs_and_versions_are_listed_page_by_page_each_once(facts: Facts) -> None:
    view = View(facts)
    for pipeline in view.all("Pipeline")[:4]:
        seen, after = list[Vertex](), None
        while True:
            page = history.runs(reader(facts), pipeline, 2, after)
            seen += [row.run for row in page.rows]
            if (after := page.after) is None:
                break
        assert sorted(seen) == view.into("RUN_OF", pipeline)
    for dataset in datasets(facts)[:4]:
        versions, after = list[str](), None
        while True:
            found = history.versions(reader(facts), dataset, 2, after)
            versions += [row.version for row in found.rows]
            if (after := found.after) is None:
                break
        names = {name.key for name in rules.names_of(view, dataset)}
        named = {v.key[2] for v in view.all("DatasetVersion") if v.key[:2] in names and not v.key[2].startswith("~")}
        assert sorted(versions) == sorted(named)


def test_columns_up_and_down_are_what_the_rules_say(facts: Facts) -> None:
    view = View(facts)
    edges = {(d, s.dataset, s.field) for d in datasets(facts) for s in rules.column_sources(view, d, "c")}
    assert edges
    up: set[tuple[Vertex, Vertex, str]] = set()
    down: set[tuple[Vertex, Vertex, str]] = set()
    for dataset in datasets(facts):
        for direction, all_found in (("upstream", up), ("downstream", down)):
            steps = column_lineage(reader(facts), dataset, ["c"], direction, 1).steps  # type: ignore[arg-type]
            all_found |= {(s.target, s.source, s.source_field) for s in steps}
    assert up == edges
    assert down == edges


def test_consumers_orphans_and_models_without_snapshots_are_what_the_rules_say(facts: Facts) -> None:
    view, known = View(facts), datasets(facts)
    for dataset in known[:6]:
        assert list(consumers(reader(facts), dataset).pipelines) == rules.consumers(view, dataset)
    lone = inventory.orphans(reader(facts), inventory.in_order(known)).things
    assert set(lone) == {d for d in known if rules.is_orphan(view, d)}
    bare = {
        m
        for m in view.all("Model")
        if (t := rules.training(view, m)) and any(row.snapshot.version is None for row in t.trained_on)
    }
    assert set(inventory.without_snapshots(reader(facts), inventory.in_order(view.all("Model"))).things) == bare


def test_impact_counts_everything_below_and_readers(facts: Facts) -> None:
    for dataset in datasets(facts)[:4]:
        found = impact(reader(facts), dataset, "data")
        below = {s.target for s in lineage.downstream(reader(facts), dataset, 100).steps} - {dataset}
        models = {m.key[:2] for m in below if m.label == "Model"}
        assert {row.thing for row in found.datasets} == {
            d for d in below if d.label == "Dataset" and d.key not in models
        }
        assert set(rules.consumers(View(facts), dataset)) <= {row.thing for row in found.pipelines}
        assert found.severity == Thresholds().severity(found.total)

"""What the reader fetches is enough: questions to a graph give what the rules make of all facts at once."""

from __future__ import annotations

import pytest

from lineagegraph import lineage, rules
from lineagegraph.facts import Facts, Vertex
from lineagegraph.reader import Limits, Reader
from lineagegraph.view import View
from tests.lineagegraph.fake_graph import FakeGraph
from tests.lineagegraph.made import made_at_random

WIDE = Limits()
SEEDS = range(2)
T = 1_794_000_000_000  # in the middle of what is made


@pytest.fixture(scope="module", params=SEEDS)
def facts(request: pytest.FixtureRequest) -> Facts:
    return made_at_random(request.param, 60)


def reader(facts: Facts, limits: Limits = WIDE) -> Reader:
    return Reader(FakeGraph(facts).ask, limits)


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

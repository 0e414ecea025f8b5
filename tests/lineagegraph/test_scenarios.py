"""Asked piece by piece, a graph answers what `explain --answers` says of the same events, for every scenario."""

from __future__ import annotations

from typing import Any

import pytest

from consumer.explain import gather
from lineagegraph import lineage, needs, rules
from lineagegraph.answers import answers, model_answer, named, run_answer
from lineagegraph.facts import Facts, Vertex
from lineagegraph.naming import Naming
from lineagegraph.reader import Reader
from tests.lineagegraph.fake_graph import FakeGraph
from tests.truth.score import SCENARIOS, paths


def facts_of(scenario: str) -> Facts:
    return gather(map(str, paths([scenario])), Naming()).facts


def asked(graph: FakeGraph, said: dict[str, Any]) -> dict[str, Any] | None:
    """The same answer, from what the reader fetches for it."""
    reader = Reader(graph.ask)
    if "run" in said:
        run = lineage.find_run(reader, said["run"])
        return run_answer(reader.view, run)
    if "output" in said:
        output = Vertex("Dataset", (said["output"]["namespace"], said["output"]["name"]))
        needs.sources(reader, [output])
        rows = rules.sources(reader.view, output)
        return {"output": named(output), "sources": [{**named(r.dataset), "basis": r.basis} for r in rows]}
    model = Vertex("Model", tuple(said["model"][key] for key in ("namespace", "name", "version")))
    needs.training(reader, [model])
    return model_answer(reader.view, model)


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_a_graph_of_a_scenario_answers_as_its_events_do(scenario: str) -> None:
    facts = facts_of(scenario)
    graph = FakeGraph(facts)
    for said in answers(facts):
        assert asked(graph, said) == said


def test_a_rule_that_is_not_followed_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    facts = facts_of("06_gold_ctas_rtas")
    said = list(answers(facts))
    monkeypatch.setattr("lineagegraph.rules.snapshots.one_statement", lambda _, run: [run])
    assert [asked(FakeGraph(facts), one) for one in said] != said

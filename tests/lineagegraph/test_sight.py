"""Whoever may not see a namespace gets the graph in which it does not exist."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lineagegraph import lineage, rules
from lineagegraph.answers import answers_of
from lineagegraph.canonical import lines
from lineagegraph.facts import Facts, Vertex, fold
from lineagegraph.naming import Naming
from lineagegraph.reader import Reader
from lineagegraph.sight import EVERYTHING, Sight, runs_named
from lineagegraph.view import View
from mappers import decode, map_event
from tests.lineagegraph.fake_graph import FakeGraph

SECRET = "hush"


def dataset(number: int, facets: dict[str, Any] | None = None) -> dict[str, Any]:
    """Even ones are open, odd ones secret; a secret name says so."""
    where = (
        {"namespace": f"{SECRET}-ns", "name": f"{SECRET}/t{number}"}
        if number % 2
        else {"namespace": "open", "name": f"gold/t{number}"}
    )
    return {**where, "facets": facets or {}}


@st.composite
def events(draw: Callable[..., Any]) -> dict[str, Any]:
    number = draw(st.integers(0, 5))
    tables = st.integers(0, 5)
    job = (
        {"namespace": f"{SECRET}-jobs", "name": f"{SECRET}-job"} if number % 2 else {"namespace": "open", "name": "job"}
    )

    def facets() -> dict[str, Any]:
        other = dataset(draw(tables))
        found: dict[str, Any] = {"version": {"datasetVersion": f"{draw(st.integers(10**17, 10**17 + 3))}"}}
        chosen = draw(st.sampled_from(["symlinks", "rename", "columns", "schema", "none"]))
        if chosen == "symlinks":
            found["symlinks"] = {"identifiers": [{**other, "type": "TABLE"}]}
        elif chosen == "rename":
            previous = {"namespace": other["namespace"], "name": other["name"]}
            found["lifecycleStateChange"] = {"lifecycleStateChange": "RENAME", "previousIdentifier": previous}
        elif chosen == "columns":
            source = {"namespace": other["namespace"], "name": other["name"], "field": "c"}
            found["columnLineage"] = {"fields": {"c": {"inputFields": [source]}}}
        elif chosen == "schema":
            found["schema"] = {"fields": [{"name": "c", "type": "int"}]}
        return found

    def shown() -> list[dict[str, Any]]:
        return [dataset(n, facets()) for n in draw(st.lists(tables, max_size=2))]

    outputs = [{**one, "outputFacets": {"outputStatistics": {"rowCount": 1}}} for one in shown()]
    error = {"message": f"{SECRET}/t1 is not there", "programmingLanguage": "sql"}
    parent = {"run": {"runId": f"{SECRET}-parent"}, "job": {"namespace": f"{SECRET}-jobs", "name": f"{SECRET}-dag"}}
    return {
        "eventType": draw(st.sampled_from(["START", "COMPLETE", "FAIL"])),
        "eventTime": f"2026-11-0{draw(st.integers(1, 3))}T0{draw(st.integers(0, 9))}:00:00Z",
        "run": {
            "runId": f"{SECRET}-run-{number}" if number % 2 else f"run-{number}",
            "facets": {"errorMessage": error, "parent": parent},
        },
        "job": {**job, "facets": {"sql": {"query": f"select * from {SECRET}.t1"}}},
        "inputs": shown(),
        "outputs": outputs,
    }


def facts_of(many: list[dict[str, Any]]) -> Facts:
    return fold(map_event(decode(orjson.dumps(event)), Naming()).facts for event in many)


@settings(max_examples=80, deadline=None)
@given(st.lists(events(), min_size=1, max_size=6))
def test_no_string_of_a_hidden_namespace_is_in_what_is_seen_or_in_any_answer_about_it(
    many: list[dict[str, Any]],
) -> None:
    facts = facts_of(many)
    assert SECRET in "".join(lines(facts))
    seen = Sight(("open",)).applied(facts)
    assert SECRET not in "".join(lines(seen))
    assert SECRET not in json.dumps(list(answers_of(View(seen))))


def test_who_may_see_all_sees_all() -> None:
    facts = facts_of([complete()])
    assert EVERYTHING.applied(facts) is facts
    assert Sight(("*",)).applied(facts).edges == facts.edges


def complete(**more: Any) -> dict[str, Any]:
    return {
        "eventType": "COMPLETE",
        "eventTime": "2026-11-01T00:00:00Z",
        "run": {"runId": "run"},
        "job": {"namespace": "open", "name": "job"},
        "inputs": [dataset(0), dataset(1)],
        "outputs": [dataset(2)],
        **more,
    }


def test_what_is_visible_of_a_visible_pipeline_is_answered() -> None:
    view = View(Sight(("open",)).applied(facts_of([complete()])))
    (source,) = rules.sources(view, Vertex("Dataset", ("open", "gold/t2")))
    assert source.dataset == Vertex("Dataset", ("open", "gold/t0"))


def test_a_statement_of_a_hidden_run_that_failed_is_not_believed_because_nobody_sees_it() -> None:
    def named(kind: str, version: str, hour: int) -> dict[str, Any]:
        output = dataset(2, {"version": {"datasetVersion": version}})
        job = {"namespace": f"{SECRET}-jobs", "name": "job"}
        return complete(
            eventType=kind, eventTime=f"2026-11-01T0{hour}:00:00Z", job=job, run={"runId": kind}, outputs=[output]
        )

    view = View(Sight(("open",)).applied(facts_of([named("COMPLETE", "11", 1), named("FAIL", "12", 2)])))
    found = rules.latest_version(view, Vertex("Dataset", ("open", "gold/t2")))
    assert found is None or found.version == "11"


def test_what_a_writer_may_not_write_is_named() -> None:
    assert Sight(("open",)).hidden_in(facts_of([complete()])) == [f"{SECRET}-ns"]
    assert EVERYTHING.hidden_in(facts_of([complete()])) == []


def test_a_reader_says_of_hidden_things_what_it_says_of_things_that_are_not_there() -> None:
    facts = facts_of([complete(), complete(job={"namespace": f"{SECRET}-jobs", "name": "j"}, run={"runId": "theirs"})])
    reader = Reader(FakeGraph(facts).ask, sight=Sight(("open",)))
    with pytest.raises(lineage.NotFound, match="No dataset is called"):
        lineage.find_dataset(reader, f"{SECRET}/t1")
    with pytest.raises(lineage.NotFound, match="No dataset is called"):
        lineage.find_dataset(reader, f"{SECRET}/t1", f"{SECRET}-ns")
    with pytest.raises(lineage.NotFound, match="No run has the id"):
        lineage.find_run(reader, "theirs")
    assert lineage.find_run(reader, "run").key == ("run",)
    steps = lineage.upstream(reader, Vertex("Dataset", ("open", "gold/t2")), 5).steps
    assert SECRET not in repr(steps)
    assert len(steps) == 1


def test_registers_tell_which_runs_have_to_be_known() -> None:
    assert Vertex("Run", ("run",)) in set(runs_named(facts_of([complete()])))

"""Which datasets made which: stated or inferred, current or history, and what never came true."""

from __future__ import annotations

from typing import Any

import pytest

from lineagegraph import rules
from lineagegraph.facts import Facts, Vertex
from lineagegraph.view import View
from tests.lineagegraph.build import DAY, LAKE, dataset, ds, event, facts, failed, moment, pipeline, ran, view


def sources(*events: Any, of: str = "out", **how: Any) -> dict[str, str]:
    return {row.dataset.key[1]: row.basis for row in rules.sources(view(*events), dataset(of), **how)}


def lineage_facet(*inputs: str) -> dict[str, Any]:
    entry = {"namespace": LAKE, "name": "out", "type": "DATASET"}
    return {
        "lineage": {
            "entries": [{**entry, "inputs": [{"namespace": LAKE, "name": i, "type": "DATASET"} for i in inputs]}]
        }
    }


# Stated or inferred


def test_without_a_statement_each_input_is_a_source_of_each_output() -> None:
    run = ran(0, [ds("a"), ds("b")], [ds("out"), ds("out2")])
    assert sources(run) == sources(run, of="out2") == {"a": "inferred", "b": "inferred"}


def test_stated_lineage_of_an_output_goes_before_its_inputs() -> None:
    run = ran(0, [ds("a"), ds("b")], [ds("out", of=["a"]), ds("out2")])
    assert sources(run) == {"a": "stated"}
    assert sources(run, of="out2") == {"a": "inferred", "b": "inferred"}


def test_a_source_may_be_stated_without_being_an_input() -> None:
    assert sources(ran(0, [ds("a")], [ds("out", of=["a", "seed"])])) == {"a": "stated", "seed": "stated"}


def test_one_pipeline_states_what_another_leaves_to_be_inferred() -> None:
    stating = ran(0, [ds("a"), ds("x")], [ds("out", of=["a"])])
    silent = ran(5, [ds("b")], [ds("out")], run="r2", job="job2")
    assert sources(stating, silent) == {"a": "stated", "b": "inferred"}


def test_an_explicit_statement_that_nothing_made_it_is_believed() -> None:
    events = ran(0, [ds("a")], [ds("out")])
    for one in events:
        one["job"]["facets"] |= lineage_facet()
    assert sources(events) == {}


def test_a_statement_that_names_the_output_alone_does_not_hide_where_its_rows_came_from() -> None:
    run = ran(0, [ds("out"), ds("a")], [ds("out", of=["out"])])
    assert sources(run) == {"a": "inferred", "out": "stated"}


def test_what_a_client_states_is_current_for_ever() -> None:
    client = Facts()
    client.edge("DERIVED_FROM", dataset("out"), dataset("a"), "2020-01-01")
    assert [row.basis for row in rules.sources(View(client), dataset("out"))] == ["stated"]
    client.add(facts(ran(0, [ds("b")], [ds("out")])))
    assert {row.dataset.key[1]: row.pipelines for row in rules.sources(View(client), dataset("out"))} == {
        "a": (),
        "b": (pipeline(),),
    }


def test_a_source_is_told_with_the_pipelines_that_used_it() -> None:
    both = [ran(0, [ds("a")], [ds("out")]), ran(5, [ds("a")], [ds("out")], run="r2", job="job2")]
    (row,) = rules.sources(view(both), dataset("out"))
    assert row.pipelines == (pipeline(), pipeline("job2"))


def test_the_names_of_one_table_have_its_sources_together() -> None:
    by_place = ran(0, [ds("a")], [ds("out", called="db.out")])
    by_name = ran(5, [ds("b")], [ds("db.out", namespace="catalog")], run="r2", job="job2")
    assert sources(by_place, by_name) == {"a": "inferred", "b": "inferred"}


# Current or history


def test_an_input_that_the_latest_run_no_longer_reads_is_history() -> None:
    events = [ran(0, [ds("old"), ds("a")], [ds("out")]), ran(2 * DAY, [ds("a")], [ds("out")], run="r2")]
    assert sources(events) == {"a": "inferred"}
    assert sources(events, all_time=True) == {"a": "inferred", "old": "inferred"}


def test_a_statement_that_the_latest_run_no_longer_makes_is_history() -> None:
    events = [ran(0, [ds("a")], [ds("out", of=["old"])]), ran(2 * DAY, [ds("a")], [ds("out", of=["a"])], run="r2")]
    assert sources(events) == {"a": "stated"}
    assert sources(events, all_time=True) == {"a": "stated", "old": "stated"}


def test_a_pipeline_that_stopped_running_keeps_its_last_edges() -> None:
    other = ran(9 * DAY, [ds("b")], [ds("out")], run="r2", job="job2")
    assert sources(ran(0, [ds("a")], [ds("out")]), other) == {"a": "inferred", "b": "inferred"}


def test_edges_count_from_the_day_on_which_the_latest_completed_run_started() -> None:
    over_midnight = [
        event("START", DAY - 5, [ds("a")]),
        event("COMPLETE", DAY + 5, [], [ds("out")]),
    ]
    assert sources(over_midnight) == {"a": "inferred"}


def test_a_failed_run_does_not_turn_earlier_edges_into_history() -> None:
    events = [ran(0, [ds("a")], [ds("out")]), failed(2 * DAY, [ds("b")], [ds("out")], run="r2")]
    assert sources(events) == {"a": "inferred"}


def test_the_register_is_a_hint_only() -> None:
    # Spark: COMPLETE after FAIL makes the register point to a run that failed.
    spark = [*failed(2 * DAY, [ds("b")], [ds("out")], run="r2"), event("COMPLETE", 2 * DAY + 2, run="r2")]
    seen = view(ran(0, [ds("a")], [ds("out")]), spark)
    assert seen.text(pipeline(), "latest_run") == "r2"
    assert rules.latest_run(seen, pipeline()) == Vertex("Run", ("r1",))
    assert rules.current_since(seen, pipeline()) == "2026-11-01"


def test_a_pipeline_of_which_no_complete_was_told_has_no_latest_run() -> None:
    renamed = [event("START", 0, [ds("a")], [ds("out")], job="before"), event("COMPLETE", 1, [ds("a")], [ds("out")])]
    assert rules.latest_run(view(renamed), pipeline("before")) is None
    assert [row.pipelines for row in rules.sources(view(renamed), dataset("out"))] == [(pipeline(),)]


def test_the_hint_is_believed_when_retention_took_its_run() -> None:
    kept = facts(ran(0, [ds("old")], [ds("out")]), ran(2 * DAY, [ds("a")], [ds("out")], run="r2"))
    pruned = Facts()
    for vertex, properties in kept.vertices.items():
        if vertex.label not in ("Run", "Bucket"):
            pruned.vertex(vertex, properties)
    for (label, start, end), day in kept.edges.items():
        if not {start.label, end.label} & {"Run", "Bucket"}:
            pruned.edge(label, start, end, day)
    assert [row.dataset for row in rules.sources(View(pruned), dataset("out"))] == [dataset("a")]


def test_while_a_run_is_repeated_under_its_id_its_edges_stay() -> None:
    assert sources(ran(0, [ds("a")], [ds("out")]), event("START", 3 * DAY, [ds("a")])) == {"a": "inferred"}


@pytest.mark.parametrize(
    ("kind", "processing", "made"),
    [
        ("RUNNING", "BATCH", False),
        ("RUNNING", "STREAMING", True),
        ("RUNNING", None, True),
        ("FAIL", "BATCH", False),
        ("FAIL", None, False),
        ("FAIL", "STREAMING", True),
    ],
)
def test_a_pipeline_that_never_completed_a_run_made_what_such_a_job_makes(
    kind: str, processing: str | None, made: bool
) -> None:
    run = [event("START", 0, [ds("a")], [ds("out")], processing=processing), event(kind, 1, processing=processing)]
    assert sources(run) == ({"a": "inferred"} if made else {})
    stated = [event(kind, 0, [ds("a")], [ds("out", of=["a"])], processing=processing)]
    assert sources(stated) == ({"a": "stated"} if made else {})


def test_a_job_event_states_edges_without_any_run() -> None:
    job = {
        "eventTime": moment(0),
        "job": {"namespace": "made", "name": "job", "facets": {}},
        "inputs": [ds("a")],
        "outputs": [ds("out")],
    }
    assert sources(job) == {"a": "inferred"}


# What never came true


def test_what_only_a_failed_run_read_is_no_source_though_another_run_completed() -> None:
    good, bad = ran(0, [ds("a")], [ds("out")]), failed(5, [ds("b")], [ds("out")], run="r2")
    assert sources(good, bad) == sources(good, bad, all_time=True) == {"a": "inferred"}


def test_what_only_a_failed_run_stated_is_no_source_though_another_run_completed() -> None:
    good, bad = ran(0, [ds("a")], [ds("out", of=["a"])]), failed(5, [ds("b")], [ds("out", of=["b"])], run="r2")
    assert sources(good, bad) == {"a": "stated"}


def test_what_a_run_read_that_made_nothing_is_no_source_of_what_another_failed_to_make() -> None:
    assert sources(ran(0, [ds("a")], []), failed(5, [], [ds("out")], run="r2")) == {}


def test_runs_of_one_pipeline_that_make_different_things_are_not_mixed() -> None:
    runs = [ran(0, [ds("a")], [ds("out")]), ran(5, [ds("b")], [ds("out2")], run="r2")]
    assert sources(runs) == {"a": "inferred"}
    assert sources(runs, of="out2") == {"b": "inferred"}


def test_inputs_that_another_run_of_the_job_names_count_where_the_writer_names_none() -> None:
    runs = [ran(0, [ds("a")], []), ran(0, [], [ds("out")], run="r2")]
    assert sources(runs) == {"a": "inferred"}


def test_what_an_id_read_for_another_pipeline_says_nothing_of_this_one() -> None:
    stating = ran(0, [ds("a")], [ds("out", of=["a", "seed"])])
    assert sources(stating, event("FAIL", 5, [ds("seed")], run="r2", job="job2"), event("START", 6, run="r2")) == {
        "a": "stated",
        "seed": "stated",
    }


def test_without_its_runs_a_pipeline_is_taken_at_its_word() -> None:
    whole = facts(ran(0, [ds("a")], [ds("out")]), failed(5, [ds("b")], [ds("out")], run="r2"))
    part = Facts()
    for (label, start, end), day in whole.edges.items():
        if start.label == "Pipeline":
            part.edge(label, start, end, day)
    part.vertex(pipeline(), whole.vertices[pipeline()])
    assert {row.dataset.key[1] for row in rules.sources(View(part), dataset("out"))} == {"a", "b"}


@pytest.mark.parametrize(
    ("events", "since"),
    [
        (ran(0, [ds("a")], [ds("out")]), None),
        ([*ran(0, [ds("b")], [ds("out")]), *ran(DAY, [ds("a")], [ds("out")], run="r2")], None),
        ([*ran(0, [ds("b")], [ds("out")]), *ran(5, [ds("a")], [ds("out")], run="r2")], "2026-11-01"),
        ([*ran(0, [ds("a")], [ds("out")]), *failed(5, [ds("b")], [ds("out")], run="r2")], "2026-11-01"),
        (failed(5, [ds("b")], [ds("out")], processing=None), ""),
        (failed(5, [], [ds("out", of=["b"])], processing=None), ""),
        (failed(5, [ds("b")], [ds("out")]), None),
    ],
    ids=[
        "one run",
        "history",
        "two inputs",
        "a failure",
        "nothing but failures",
        "failed statements",
        "a batch that never ended",
    ],
)
def test_the_runs_have_to_be_known_only_where_the_latest_does_not_vouch_for_all(events: Any, since: str | None) -> None:
    assert rules.unsettled(view(events), pipeline()) == since


# Other questions


def test_lineage_as_of_a_moment_is_that_of_the_latest_run_completed_by_then() -> None:
    events = [
        ran(0, [ds("a")], [ds("out")]),
        ran(10, [ds("b")], [ds("out")], run="r2"),
        failed(20, [ds("c")], [ds("out")], run="r3"),
        ran(30, [ds("d")], [ds("out", of=["d"])], run="r4"),
    ]
    first = rules.started_at(view(events), Vertex("Run", ("r1",))) or 0
    minute = 60_000
    at = [sources(events, until=first + n * minute) for n in (0, 5, 15, 25, 35)]
    assert at == [{}, {"a": "inferred"}, {"b": "inferred"}, {"b": "inferred"}, {"d": "stated"}]


def test_as_of_a_moment_what_is_stated_without_being_an_input_counts_beside_what_was_read() -> None:
    events = [
        ran(0, [ds("a")], [ds("out", of=["a", "seed"])]),
        ran(10, [], [ds("out2", of=["seed"])], run="r2", job="j2"),
    ]
    end = 2_000_000_000_000
    assert sources(events, until=end) == {"a": "stated", "seed": "stated"}
    assert sources(events, of="out2", until=end) == {"seed": "stated"}
    self_read = ran(0, [ds("out"), ds("a")], [ds("out", of=["out"])])
    assert sources(self_read, until=end) == {"a": "inferred", "out": "stated"}


def test_targets_are_the_outputs_whose_sources_name_the_dataset() -> None:
    events = [
        ran(0, [ds("a"), ds("b")], [ds("out", of=["a"]), ds("out2")]),
        failed(5, [ds("b")], [ds("out3")], run="r2", job="job2"),
    ]
    seen = view(events)
    assert [(made.key[1], row.basis) for made, row in rules.targets(seen, dataset("b"))] == [("out2", "inferred")]
    assert [made.key[1] for made, _ in rules.targets(seen, dataset("a"))] == ["out", "out2"]


def test_consumers_and_producers_are_the_current_ones() -> None:
    events = [
        ran(0, [ds("a")], [ds("out")]),
        ran(2 * DAY, [ds("b")], [ds("out")], run="r2"),
        failed(0, [], [ds("out")], run="r3", job="broken", processing=None),
        ran(0, [ds("out")], [], run="r4", job="reader"),
    ]
    seen = view(events)
    assert rules.consumers(seen, dataset("a")) == []
    assert rules.consumers(seen, dataset("a"), all_time=True) == [pipeline()]
    assert rules.consumers(seen, dataset("out")) == [pipeline("reader")]
    assert rules.producers(seen, dataset("out")) == [pipeline()]

"""How runs ended, and which of them are one statement."""

from __future__ import annotations

from typing import Any

import pytest

from lineagegraph import rules
from tests.lineagegraph.build import Event, a_run, ds, event, pipeline, view


@pytest.mark.parametrize(
    ("kinds", "state"),
    [
        ("START", "RUNNING"),
        ("START RUNNING", "RUNNING"),
        ("RUNNING", "RUNNING"),
        ("COMPLETE", "COMPLETE"),
        ("START COMPLETE", "COMPLETE"),
        ("START COMPLETE OTHER", "COMPLETE"),
        ("START FAIL", "FAIL"),
        ("FAIL", "FAIL"),
        ("START FAIL COMPLETE", "FAIL"),  # as Spark does
        ("START COMPLETE FAIL", "FAIL"),
        ("START ABORT", "ABORT"),
        ("START ABORT COMPLETE", "ABORT"),
        ("START FAIL START", "RUNNING"),  # a retry under the same id
        ("START FAIL START COMPLETE", "COMPLETE"),
        ("START COMPLETE START FAIL", "FAIL"),
        ("START COMPLETE START", "RUNNING"),
    ],
)
def test_the_state_is_that_of_the_attempt_that_started_last(kinds: str, state: str) -> None:
    events = [event(kind, minute) for minute, kind in enumerate(kinds.split())]
    assert rules.run_state(view(events), a_run()) == state
    assert rules.run_state(view(events[::-1]), a_run()) == state


def test_an_event_without_a_type_changes_no_state() -> None:
    assert rules.run_state(view(event("START", 0), event(None, 1)), a_run()) == "RUNNING"


def test_what_completed_before_the_id_was_used_again_still_counts() -> None:
    assert rules.counts(view(event("COMPLETE", 1), event("START", 2), event("FAIL", 3)), a_run())
    assert not rules.counts(view(event("START", 1), event("FAIL", 2), event("COMPLETE", 3)), a_run())


@pytest.mark.parametrize(
    ("kind", "processing", "made"),
    [
        ("COMPLETE", "BATCH", True),
        ("START", "BATCH", False),
        ("START", None, True),
        ("START", "STREAMING", True),
        ("FAIL", "STREAMING", True),
        ("FAIL", "BATCH", False),
        ("FAIL", None, False),
    ],
)
def test_a_batch_makes_data_when_it_ends_and_a_stream_while_it_runs(
    kind: str, processing: str | None, made: bool
) -> None:
    assert rules.made_data(view(event(kind, 1, processing=processing)), a_run(), pipeline()) is made


def test_a_run_is_of_the_first_pipeline_by_name_if_several_used_its_id() -> None:
    assert rules.pipeline_of(view(event("START", 0, job="b"), event("START", 1, job="a")), a_run()) == pipeline("a")


def statement(at: float, run: str, job: str, minutes: float, parent: str = "app", source: str = "a") -> list[Event]:
    more: dict[str, Any] = {"run": run, "job": job, "parent": parent}
    return [
        event("START", at, [ds(source)], [], **more),
        event("COMPLETE", at + minutes, [ds(source)], [ds("b")], **more),
    ]


def test_the_two_runs_of_create_table_as_are_one_statement() -> None:
    seen = view(statement(0, "outer", "create", 10), statement(1, "inner", "append", 8))
    assert rules.one_statement(seen, a_run("outer")) == [a_run("outer"), a_run("inner")]
    assert rules.one_statement(seen, a_run("inner")) == [a_run("inner"), a_run("outer")]


@pytest.mark.parametrize(
    "other",
    [
        statement(1, "other", "create", 8),  # the same command: another thread
        statement(1, "other", "append", 12),  # neither inside the other
        statement(11, "other", "append", 1),  # one after the other
        statement(1, "other", "append", 8, parent="elsewhere"),
        statement(1, "other", "append", 8, source="c"),
    ],
    ids=["same command", "overlapping", "later", "another parent", "other inputs"],
)
def test_other_runs_are_statements_of_their_own(other: list[Event]) -> None:
    seen = view(statement(0, "outer", "create", 10), other)
    assert rules.one_statement(seen, a_run("outer")) == [a_run("outer")]

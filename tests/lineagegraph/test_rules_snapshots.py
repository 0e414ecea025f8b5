"""Which snapshots were read and written, and how certain that is."""

from __future__ import annotations

from typing import Any

import pytest

from lineagegraph import rules
from tests.lineagegraph.build import a_run, dataset, ds, event, ran, view

OLD, NEW, THIRD = "3595939024204564728", "5974101018787936586", "6284823059936535684"
Row = tuple[str, str | None, str, str | None]


def read(*events: Any, run: str = "r1") -> list[Row]:
    found = rules.snapshots_read(view(*events), a_run(run))
    return [(row.dataset.key[1], row.version, row.certainty, row.evidence) for row in found]


def wrote(*events: Any, run: str = "r1") -> list[Row]:
    found = rules.snapshots_written(view(*events), a_run(run))
    return [(row.dataset.key[1], row.version, row.certainty, row.evidence) for row in found]


def unknown(name: str = "t") -> list[Row]:
    return [(name, None, "unknown", None)]


# What was read


def test_what_was_scanned_is_exact_whatever_else_is_named() -> None:
    start = event("START", 0, [ds("t", version=NEW)])
    end = event("COMPLETE", 1, [ds("t", version=NEW, scanned=float(OLD))])
    assert read(start, end, event("START", 5, [ds("t", version=OLD)], run="other")) == [
        ("t", OLD, "exact", "READ_SCANNED")
    ]


def test_a_damaged_number_becomes_exact_when_a_later_event_names_the_snapshot() -> None:
    scan = event("COMPLETE", 1, [ds("t", scanned=float(NEW))])
    assert read(scan) == [("t", f"~{float(NEW)!r}", "approximate", "READ_SCANNED")]
    later = event("COMPLETE", 9, [], [ds("t", version=NEW)], run="later")
    assert read(scan, later) == read(later, scan) == [("t", NEW, "exact", "READ_SCANNED")]


def test_a_damaged_number_stays_approximate_if_two_snapshots_round_to_it() -> None:
    twin = str(int(NEW) + 1)
    assert float(twin) == float(NEW)
    named = [event("START", n, [ds("t", version=v)], run=f"o{n}") for n, v in enumerate((NEW, twin))]
    assert [row[2] for row in read(event("COMPLETE", 1, [ds("t", scanned=float(NEW))]), named)] == ["approximate"]


def test_a_damaged_number_is_not_resolved_by_another_table() -> None:
    elsewhere = event("START", 2, [ds("other", version=NEW)], run="r2")
    assert [row[2] for row in read(event("COMPLETE", 1, [ds("t", scanned=float(NEW))]), elsewhere)] == ["approximate"]


def test_a_damaged_number_is_resolved_under_any_name_of_the_table() -> None:
    scan = event("COMPLETE", 1, [ds("wh/t", scanned=float(NEW), called="db.t")])
    by_catalogue = event("START", 2, [ds("db.t", namespace="catalog", version=NEW)], run="r2")
    assert read(scan, by_catalogue) == [("wh/t", NEW, "exact", "READ_SCANNED")]


def test_two_snapshots_of_one_table_are_two_rows() -> None:
    end = event("COMPLETE", 1, [ds("t", scanned=float(OLD), version=NEW), ds("t", scanned=float(NEW), version=OLD)])
    assert read(end) == [("t", OLD, "exact", "READ_SCANNED"), ("t", NEW, "exact", "READ_SCANNED")]


def test_the_version_seen_at_start_is_likely() -> None:
    assert read(event("START", 0, [ds("t", version=OLD)]), event("COMPLETE", 1, [ds("t", version=NEW)])) == [
        ("t", OLD, "likely", "READ_AT_START")
    ]


def test_a_version_seen_later_is_likely_unless_it_may_have_been_made_meanwhile() -> None:
    later = [event("START", 0, [ds("t")]), event("COMPLETE", 4, [ds("t", version=OLD)])]
    assert read(later) == [("t", OLD, "likely", "READ_LATER")]
    writer = [*ran(1, [], [ds("t", version=OLD, rows=1)], run="w", job="writer")]
    assert read(later, writer) == unknown()


def test_a_version_seen_later_of_what_the_run_also_wrote_is_unknown() -> None:
    start = event("START", 0, [ds("t")], [ds("t")])
    assert read(start, event("COMPLETE", 1, [ds("t", version=NEW)], [ds("t", version=NEW)])) == unknown()


def test_an_input_of_which_no_version_is_told_is_unknown() -> None:
    assert read(ran(0, [ds("t")])) == unknown()


def test_the_runs_of_one_statement_share_what_was_scanned() -> None:
    # Time travel: both see the current version at START, only the inner run scans.
    both: dict[str, Any] = {"parent": "app"}
    events = [
        event("START", 0, [ds("t", version=NEW)], run="outer", job="create", **both),
        event("START", 1, [ds("t", version=NEW)], [ds("out")], run="inner", job="append", **both),
        event("COMPLETE", 2, [ds("t", scanned=float(OLD))], [ds("out")], run="inner", job="append", **both),
        event("COMPLETE", 3, [ds("t")], [ds("out")], run="outer", job="create", **both),
        event("START", 9, [ds("t", version=OLD)], run="r9"),
    ]
    for run in ("outer", "inner"):
        assert read(events, run=run) == [("t", OLD, "exact", "READ_SCANNED")]


def test_what_a_catalogue_calls_the_table_is_answered_by_its_place() -> None:
    named = event("START", 0, [ds("db.t", namespace="catalog", version=OLD)])
    assert read(named, event("START", 1, [ds("wh/t", called="db.t")], run="r2")) == [
        ("wh/t", OLD, "likely", "READ_AT_START")
    ]


# What was written


@pytest.mark.parametrize(
    ("output", "evidence"),
    [
        (ds("t", version=NEW, rows=3), "WROTE_NAMED"),
        (ds("t", version=NEW, reported=float(NEW)), "WROTE_REPORTED"),
        (ds("t", version=NEW, rows=3, reported=float(NEW)), "WROTE_REPORTED"),
    ],
    ids=["statistics", "report", "both"],
)
def test_a_new_snapshot_that_a_run_shows_to_have_written_is_its_own(output: dict[str, Any], evidence: str) -> None:
    assert wrote(ran(0, [], [output])) == [("t", NEW, "exact", evidence)]


def test_a_version_without_a_sign_of_writing_is_not_its_own() -> None:
    assert wrote(ran(0, [], [ds("t", version=NEW)])) == unknown()


@pytest.mark.parametrize("kinds", ["FAIL", "FAIL COMPLETE", "ABORT", "RUNNING"])
def test_a_run_that_did_not_complete_wrote_nothing(kinds: str) -> None:
    output = ds("t", version=NEW, rows=3, reported=float(NEW))
    assert wrote(event("START", 0), [event(k, n, [], [output]) for n, k in enumerate(kinds.split(), 1)]) == unknown()


def test_a_snapshot_belongs_to_the_first_run_that_names_it_as_an_output() -> None:
    first = ran(0, [], [ds("t", version=NEW, rows=1)])
    second = ran(5, [], [ds("t", version=NEW, rows=1)], run="r2")
    assert wrote(second, first) == [("t", NEW, "exact", "WROTE_NAMED")]
    assert wrote(second, first, run="r2") == unknown()


@pytest.mark.parametrize(
    "earlier",
    [
        event("START", 0, [ds("t", version=NEW)], run="reader"),
        event("COMPLETE", 0, [ds("t", scanned=float(NEW))], run="reader"),
        event("COMPLETE", 0, [ds("db.t", namespace="catalog", version=NEW)], run="reader"),
        {"eventTime": event(None, 0)["eventTime"], "dataset": ds("t", version=NEW)},
    ],
    ids=["an input", "a damaged number", "another name", "a dataset event"],
)
def test_a_snapshot_that_was_named_before_the_run_began_is_not_its_own(earlier: dict[str, Any]) -> None:
    assert wrote(earlier, ran(1, [], [ds("t", version=NEW, rows=1, called="db.t")])) == unknown()


def test_a_snapshot_that_a_reader_names_while_the_run_ends_is_still_its_own() -> None:
    reader = event("START", 0.9, [ds("t", version=NEW)], run="reader")
    assert wrote(reader, ran(0, [], [ds("t", version=NEW, rows=1)])) == [("t", NEW, "exact", "WROTE_NAMED")]


def test_a_report_that_an_earlier_run_made_is_no_evidence() -> None:
    first = ran(0, [], [ds("t", version=OLD, reported=float(OLD), rows=1)])
    second = ran(5, [], [ds("t", version=OLD, reported=float(OLD))], run="r2")
    assert wrote(first, second, run="r2") == unknown()


def test_a_report_of_another_snapshot_says_that_the_named_one_is_not_its_own() -> None:
    # A write to a branch: the output shows the main branch's version, the report the branch's.
    run = ran(0, [], [ds("t", version=OLD, rows=1, reported=float(NEW))])
    assert wrote(run) == [("t", f"~{float(NEW)!r}", "approximate", "WROTE_REPORTED")]
    assert wrote(run, event("START", 9, [ds("t", version=NEW)], run="r2")) == [("t", NEW, "likely", "WROTE_REPORTED")]


def test_without_a_start_what_a_run_wrote_is_only_likely() -> None:
    end = event("COMPLETE", 1, [], [ds("t", version=NEW, rows=1)])
    assert wrote(end) == [("t", NEW, "likely", "WROTE_NAMED")]


def replaced(report: float | None) -> list[dict[str, Any]]:
    """REPLACE TABLE AS: the inner run names the old snapshot, the outer the new one."""
    inner: dict[str, Any] = {"run": "inner", "job": "write", "parent": "app"}
    outer: dict[str, Any] = {"run": "outer", "job": "replace", "parent": "app"}
    return [
        event("START", 0, **outer),
        event("START", 1, [], [ds("t")], **inner),
        event("COMPLETE", 2, [], [ds("t", version=OLD, rows=3)], **inner),
        event("COMPLETE", 3, [], [ds("t", version=NEW, rows=3, reported=report)], **outer),
    ]


@pytest.mark.parametrize("run", ["inner", "outer"])
def test_replace_table_as_wrote_what_its_outer_run_reports(run: str) -> None:
    assert wrote(replaced(float(NEW)), run=run) == [("t", NEW, "exact", "WROTE_REPORTED")]


@pytest.mark.parametrize("run", ["inner", "outer"])
def test_replace_table_as_is_only_likely_if_nothing_reports_it(run: str) -> None:
    assert wrote(replaced(None), run=run) == [("t", NEW, "likely", "WROTE_NAMED")]


def together(one: dict[str, Any], other: dict[str, Any]) -> list[dict[str, Any]]:
    """Two runs that append at the same time; each is asked for the version when both have committed."""
    return [
        event("START", 0, [], [ds("t")]),
        event("START", 1, [], [ds("t")], run="r2", job="job2"),
        event("COMPLETE", 5, [], [one]),
        event("COMPLETE", 6, [], [other], run="r2", job="job2"),
    ]


def test_of_two_that_write_at_once_neither_is_said_to_have_made_the_last_snapshot() -> None:
    events = together(ds("t", version=NEW, rows=1), ds("t", version=NEW, rows=1))
    assert wrote(events) == unknown()
    assert wrote(events, run="r2") == unknown()


def test_of_two_that_write_at_once_reports_tell_who_made_what() -> None:
    events = together(
        ds("t", version=NEW, rows=1, reported=float(NEW)), ds("t", version=THIRD, rows=1, reported=float(THIRD))
    )
    assert wrote(events) == [("t", NEW, "exact", "WROTE_REPORTED")]
    assert wrote(events, run="r2") == [("t", THIRD, "exact", "WROTE_REPORTED")]


def test_a_failed_run_beside_it_does_not_make_a_write_doubtful() -> None:
    start, start2, end, end2 = together(ds("t", version=NEW, rows=1), ds("t", version=OLD, rows=1))
    assert wrote(start, start2, end, {**end2, "eventType": "FAIL"}) == [("t", NEW, "exact", "WROTE_NAMED")]


def test_a_version_that_is_no_number_is_kept_as_it_is() -> None:
    assert wrote(ran(0, [], [ds("t", version="v7-beta", rows=1)])) == [("t", "v7-beta", "exact", "WROTE_NAMED")]


def test_the_evidence_is_kept_for_each_dataset_apart() -> None:
    rows = wrote(ran(0, [], [ds("t", version=NEW, rows=1), ds("u", version=OLD)]))
    assert rows == [("t", NEW, "exact", "WROTE_NAMED"), *unknown("u")]
    assert dataset("t") != dataset("u")

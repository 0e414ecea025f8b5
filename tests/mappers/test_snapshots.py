"""Versions: 63 bits stay exact, what was damaged on the way stays what it is, evidence is the edge's label."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lineagegraph.facts import Vertex, identity
from mappers import decode, map_event
from mappers.fields import Unfit, snapshot_id
from tests.mappers.events import DEFAULTS, Json, dataset, mapped, run_event, told

IDS = [
    (5974101018787936586, "5974101018787936586"),
    ("5974101018787936586", "5974101018787936586"),
    (9223372036854775807, "9223372036854775807"),
    (0, "0"),
    (7, "7"),
    (7.0, "7"),
    (2**53 - 1, "9007199254740991"),
    (5.974101018787936e18, "~5.974101018787936e+18"),
    (float(2**53), "~9007199254740992.0"),
    (float(2**63), "~9.223372036854776e+18"),
    (4808226079342265000, "~4.808226079342265e+18"),  # as JavaScript prints 4808226079342264917
    (4808226079342265100, "4808226079342265100"),  # ends in 00 but is no shortest decimal
    (None, None),
    ("", None),
    (-1, None),
]


@pytest.mark.parametrize(("sent", "kept"), IDS, ids=lambda value: repr(value))
def test_an_id_is_kept_exactly_or_as_the_double_it_was_damaged_to(sent: Any, kept: str | None) -> None:
    assert snapshot_id(sent) == kept


@pytest.mark.parametrize("sent", [True, 5.5, 1e19, 2**63 + 1, "x", "-1", "9223372036854775808", "٣", [1], {"id": 1}])
def test_what_is_no_id_does_not_fit(sent: Any) -> None:
    with pytest.raises(Unfit):
        snapshot_id(sent)


@given(st.integers(0, 2**63 - 1))
def test_every_id_arrives_exactly_by_text_and_damaged_by_double(value: int) -> None:
    assert snapshot_id(str(value)) == str(value)
    exact, damaged = snapshot_id(value), snapshot_id(float(value))
    assert exact in (str(value), damaged)
    if value >= 2**53:
        rounded = identity(Vertex("DatasetVersion", ("n", "d", str(value)))).get("rounded")
        assert damaged == f"~{rounded}"


@given(st.integers(0, 2**63 - 1))
def test_an_integer_passes_through_the_whole_mapping_exactly(value: int) -> None:
    text = f'{{"snapshotId":{value}}}'
    event = orjson.dumps(run_event(outputs=[dataset("t", outputFacets={"icebergCommitReport": {}})]))
    event = event.replace(b'"icebergCommitReport":{}', f'"icebergCommitReport":{text}'.encode())
    versions = {v.key[2] for v in map_event(decode(event), DEFAULTS).facts.vertices if v.label == "DatasetVersion"}
    assert versions == {snapshot_id(value)}


def _named(event: Json) -> set[str]:
    return {line for line in told(event) if line.startswith("run:1 ") and "@" in line}


def _version(text: str) -> Json:
    return {"version": {"datasetVersion": text}}


def test_time_travel_keeps_the_current_version_and_the_scanned_one_apart() -> None:
    it = dataset("t", _version("2"), inputFacets={"icebergScanReport": {"snapshotId": 1}})
    assert _named(run_event(inputs=[it])) == {"run:1 READ_LATER t@2", "run:1 READ_SCANNED t@1"}


def test_a_table_read_at_two_snapshots_is_two_inputs_of_one_name() -> None:
    its = [dataset("t", inputFacets={"icebergScanReport": {"snapshotId": n}}) for n in (1, 2)]
    assert _named(run_event(inputs=its)) == {"run:1 READ_SCANNED t@1", "run:1 READ_SCANNED t@2"}


def test_a_merge_into_a_table_that_is_also_read_keeps_both_sides_apart() -> None:
    event = run_event(
        inputs=[dataset("t", _version("2"), inputFacets={"icebergScanReport": {"snapshotId": 1}})],
        outputs=[dataset("t", _version("2"), outputFacets={"icebergCommitReport": {"snapshotId": 2}})],
    )
    assert _named(event) == {
        "run:1 READ_LATER t@2",
        "run:1 READ_SCANNED t@1",
        "run:1 WROTE_NAMED t@2",
        "run:1 WROTE_REPORTED t@2",
    }


@pytest.mark.parametrize(
    ("kind", "label"),
    [("START", "READ_AT_START"), ("start", "READ_AT_START"), ("OTHER", "READ_LATER"), (None, "READ_LATER")],
)
def test_only_a_start_event_shows_what_was_there_at_the_start(kind: str | None, label: str) -> None:
    assert _named(run_event(kind, inputs=[dataset("t", _version("2"))])) == {f"run:1 {label} t@2"}


def test_a_delta_version_is_a_version_like_any_other() -> None:
    assert _named(run_event(outputs=[dataset("t", {"version": {"datasetVersion": 12}})])) == {"run:1 WROTE_NAMED t@12"}


def test_a_scan_report_in_an_output_and_a_commit_report_in_an_input_say_nothing() -> None:
    event = run_event(
        inputs=[dataset("a", inputFacets={"icebergCommitReport": {"snapshotId": 1}})],
        outputs=[dataset("b", outputFacets={"icebergScanReport": {"snapshotId": 1}})],
    )
    assert _named(event) == set()
    assert mapped(event).bad_facets == ()


REPORT = {"icebergCommitReport": {"snapshotId": 5}}


def test_a_version_facet_that_is_a_date_or_a_tag_is_kept_as_it_is() -> None:
    assert _named(run_event(outputs=[dataset("t", _version("v1.2 (2026-01-01) token=x"))])) == {
        "run:1 WROTE_NAMED t@v1.2 (2026-01-01) token=x"
    }


def test_reports_of_an_event_without_a_run_name_nothing() -> None:
    event = run_event(outputs=[dataset("t", outputFacets=REPORT)])
    del event["run"]
    assert not any("@" in line for line in told(event))

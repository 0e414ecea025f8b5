"""Bytes to events: what counts as an event, and why anything else does not."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any

import orjson
import pytest

from mappers import REASONS, Malformed, decode
from mappers.event import MOST_FIELDS
from tests.mappers.events import EVENTS, Json, dataset, dataset_event, job_event, mapped, run_event, told

RUN = {"run:1 RUN_OF job:job"}


def _without(event: Json, *path: str) -> Json:
    copy: Json = orjson.loads(orjson.dumps(event))
    part = copy
    for key in path[:-1]:
        part = part[key]
    del part[path[-1]]
    return copy


@pytest.mark.parametrize(
    ("kind", "moments"),
    [
        ("START", {"first_start_at", "latest_start_at"}),
        ("RUNNING", set()),
        ("COMPLETE", {"completed_at"}),
        ("ABORT", {"aborted_at"}),
        ("FAIL", {"failed_at"}),
        ("OTHER", set()),
        ("Complete", {"completed_at"}),
        ("start", {"first_start_at", "latest_start_at"}),
        (None, set()),
    ],
)
def test_each_event_type_states_its_moment_of_the_run(kind: str | None, moments: set[str]) -> None:
    at = 1_795_341_600_000
    found = {line for line in told(run_event(kind)) if line.startswith("run:1 ")}
    assert found == RUN | {f"run:1 {moment}={at}" for moment in {"seen_at", *moments}}


def test_only_a_completed_run_is_the_latest_of_its_pipeline() -> None:
    latest = 'job:job latest_run="1"'
    assert [kind for kind in ("START", "RUNNING", "COMPLETE", "FAIL") if latest in told(run_event(kind))] == [
        "COMPLETE"
    ]


def test_inputs_and_outputs_are_edges_of_the_pipeline_and_of_the_run() -> None:
    event = run_event("OTHER", inputs=[dataset("a")], outputs=[dataset("b")])
    edges = {line for line in told(event) if "=" not in line}
    assert edges == RUN | {"job:job CONSUMES a", "job:job GENERATED_BY b", "run:1 READ a", "run:1 WROTE b"}


def test_what_grows_with_time_is_filed_in_buckets_of_the_events_day() -> None:
    parent = {"run": {"runId": "p"}, "job": {"namespace": "jobs", "name": "dag"}}
    version = {"version": {"datasetVersion": "7"}}
    event = run_event("START", run={"parent": parent}, inputs=[dataset("a", version)])
    filed = {line for line in told(event, buckets=True) if "HOLDS" in line or "BUCKET" in line}
    owners = {"job:job": {"run:1"}, "a": {"a@7"}}
    assert filed == {
        line
        for owner, members in owners.items()
        for line in (
            f"{owner} BUCKET [{owner} 2026]",
            f"[{owner} 2026] BUCKET [{owner} 2026-11-22]",
            *(f"[{owner} 2026-11-22] HOLDS {member}" for member in members),
        )
    } | {"run:p BUCKET [run:p 2026-11-22]", "[run:p 2026-11-22] HOLDS run:1"}


@pytest.mark.parametrize("empty", [{}, {"inputs": []}, {"inputs": None, "outputs": None}, {"inputs": [None]}])
def test_empty_null_and_absent_lists_are_one(empty: Json) -> None:
    assert mapped(run_event("RUNNING", **empty)) == mapped(run_event("RUNNING"))


def test_null_facets_are_absent() -> None:
    event = run_event(inputs=[{**dataset("a"), "facets": None, "inputFacets": None}])
    event["run"]["facets"] = event["job"]["facets"] = None
    assert mapped(event) == mapped(run_event(inputs=[dataset("a")]))


def test_a_run_makes_it_a_run_event_even_with_a_dataset() -> None:
    assert mapped({**run_event(), "dataset": dataset("t")}) == mapped(run_event())
    assert decode(orjson.dumps({**run_event(), "dataset": dataset("t")})).kind == "run"


def test_a_job_makes_it_a_job_event_which_states_topology_and_no_run() -> None:
    event = job_event(inputs=[dataset("a", {"version": {"datasetVersion": "7"}})], outputs=[dataset("b")])
    assert {line for line in told(event) if "=" not in line} == {
        "job:job CONSUMES a",
        "job:job GENERATED_BY b",
        "a@7 VERSION_OF a",
    }
    assert decode(orjson.dumps({**event, "dataset": dataset("t")})).kind == "job"


def test_a_dataset_alone_makes_it_a_dataset_event() -> None:
    event = dataset_event("t", {"documentation": {"description": "x"}})
    assert told(event) == {'t dataset_id="t"', 't description="x"'}
    assert decode(orjson.dumps(event)).kind == "dataset"


def test_the_run_id_is_lower_cased_and_need_not_be_a_uuid() -> None:
    event = run_event()
    event["run"]["runId"] = "My-Run"
    assert decode(orjson.dumps(event)).run_id == "my-run"


@pytest.mark.parametrize("change", [{"schemaURL": 5}, {"producer": None}, {"producer": ["x"]}, {"more": {"x": 1}}])
def test_what_the_graph_does_not_need_is_not_asked_for(change: Json) -> None:
    event = {**run_event(), **change}
    assert mapped(event).facts == mapped(run_event()).facts


MALFORMED: list[tuple[str, bytes | None, str, str]] = [
    ("no value", None, "empty_value", ""),
    ("no bytes", b"", "empty_value", ""),
    ("not UTF-8", b'{"a":"\xff"}', "encoding", ""),
    ("a byte order mark", b"\xef\xbb\xbf{}", "encoding", ""),
    ("a lone surrogate", b'{"a":"\\ud800"}', "encoding", ""),
    ("not JSON", b'{"a":', "json_syntax", ""),
    ("NaN", b'{"a":NaN}', "json_syntax", ""),
    ("too deep", b"[" * 2_000 + b"]" * 2_000, "json_depth", ""),
    ("a list", b"[]", "not_object", ""),
    ("null", b"null", "not_object", ""),
    ("nothing in it", b'{"eventTime":"2026-01-01T00:00:00Z"}', "envelope", ""),
]


@pytest.mark.parametrize(("what", "value", "reason", "pointer"), MALFORMED, ids=[row[0] for row in MALFORMED])
def test_bytes_that_are_no_event_are_malformed_for_a_reason(
    what: str, value: bytes | None, reason: str, pointer: str
) -> None:
    with pytest.raises(Malformed) as problem:
        decode(value)
    assert (problem.value.reason, problem.value.pointer) == (reason, pointer)


RUN_WITHOUT = [
    (("eventTime",), "/eventTime"),
    (("run", "runId"), "/run/runId"),
    (("job",), "/job"),
    (("job", "name"), "/job/name"),
    (("job", "namespace"), "/job/namespace"),
]


@pytest.mark.parametrize(("path", "pointer"), RUN_WITHOUT, ids=str)
def test_a_run_event_needs_a_time_a_run_id_and_a_job(path: tuple[str, ...], pointer: str) -> None:
    with pytest.raises(Malformed) as problem:
        decode(orjson.dumps(_without(run_event(), *path)))
    assert (problem.value.reason, problem.value.pointer) == ("envelope", pointer)


BROKEN: list[tuple[str, Json, str, str]] = [
    ("unknown type", {"eventType": "DONE"}, "event_type", "/eventType"),
    ("type is a number", {"eventType": 1}, "event_type", "/eventType"),
    ("time is a number", {"eventTime": 1_795_341_600}, "event_time", "/eventTime"),
    ("no time", {"eventTime": "today"}, "event_time", "/eventTime"),
    ("before 2000", {"eventTime": "1999-12-31T23:59:59Z"}, "event_time", "/eventTime"),
    ("run is a text", {"run": "1"}, "envelope", "/run"),
    ("inputs is an object", {"inputs": {}}, "envelope", "/inputs"),
    ("a dataset without name", {"outputs": [{"namespace": "db"}]}, "envelope", "/outputs/0/name"),
    ("a dataset's name is empty", {"outputs": [dataset(" ")]}, "names", "/outputs/0/name"),
    ("a control character", {"inputs": [dataset("a\nb")]}, "names", "/inputs/0/name"),
    ("another one", {"inputs": [dataset("a", namespace="a\x85b")]}, "names", "/inputs/0/namespace"),
    ("a line separator", {"job": {"namespace": "n", "name": "a\u2028b"}}, "names", "/job/name"),
    ("a long name", {"job": {"namespace": "n", "name": "é" * 1_025}}, "limits", "/job/name"),
]


@pytest.mark.parametrize(("what", "change", "reason", "pointer"), BROKEN, ids=[row[0] for row in BROKEN])
def test_a_broken_envelope_is_malformed_for_a_reason(what: str, change: Json, reason: str, pointer: str) -> None:
    with pytest.raises(Malformed) as problem:
        decode(orjson.dumps({**run_event(), **change}))
    assert (problem.value.reason, problem.value.pointer) == (reason, pointer)
    assert problem.value.producer == "https://example.org/producer"


def test_reasons_are_a_closed_list_and_documented() -> None:
    assert {row[2] for row in (*MALFORMED, *BROKEN)} == set(REASONS)
    page = (EVENTS.parents[1] / "docs" / "mapping.md").read_text(encoding="utf-8")
    assert {
        word for line in re.findall(r"^\| (`[^|]*`) \|", page, re.M) for word in re.findall(r"`(\w+)`", line)
    } >= set(REASONS)


@pytest.mark.parametrize("value", [row[1] for row in MALFORMED] + [orjson.dumps(row[1]) for row in BROKEN])
def test_the_message_holds_no_content_of_the_event(value: bytes | None) -> None:
    secret = (value or b"").replace(b"db", b"hunter2").replace(b"DONE", b"hunter2").replace(b"today", b"hunter2")
    with pytest.raises(Malformed) as problem:
        decode(secret)
    assert "hunter2" not in problem.value.message + problem.value.pointer


def test_names_of_2048_bytes_in_any_script_are_allowed() -> None:
    assert decode(orjson.dumps(run_event(inputs=[dataset("é" * 1_024), dataset("日" * 682)]))).inputs[0].name


TIMES = [
    ("2026-11-22T10:00:00Z", "2026-11-22T10:00:00+00:00"),
    ("2026-11-22T10:00:00.2Z", "2026-11-22T10:00:00.200+00:00"),
    ("2026-11-22T10:00:00.29z", "2026-11-22T10:00:00.290+00:00"),
    ("2026-11-22T10:00:00.291Z", "2026-11-22T10:00:00.291+00:00"),
    ("2026-11-22T10:00:00.2919999Z", "2026-11-22T10:00:00.291+00:00"),
    ("2026-11-22T10:00:00.291222999999Z", "2026-11-22T10:00:00.291+00:00"),
    ("2026-11-22T10:00:00,291Z", "2026-11-22T10:00:00.291+00:00"),
    ("2026-11-22T10:00Z", "2026-11-22T10:00:00+00:00"),
    ("2026-11-22 10:00:00.5", "2026-11-22T10:00:00.500+00:00"),
    ("2026-11-22T10:00:00", "2026-11-22T10:00:00+00:00"),
    ("2026-11-22T10:00:00+10:00", "2026-11-22T00:00:00+00:00"),
    ("2026-11-22T10:00:00-0130", "2026-11-22T11:30:00+00:00"),
    ("2026-11-22T10:00:00+01", "2026-11-22T09:00:00+00:00"),
    ("2026-11-22T10:00:00Z[Europe/London]", "2026-11-22T10:00:00+00:00"),
    ("2026-11-22T10:00:00.5+01:00[Europe/Berlin]", "2026-11-22T09:00:00.500+00:00"),
    ("2016-12-31T23:59:60Z", "2016-12-31T23:59:59.999+00:00"),
]


@pytest.mark.parametrize(("text", "meant"), TIMES)
def test_every_form_of_a_time_that_producers_send_is_read(text: str, meant: str) -> None:
    epoch = datetime(1970, 1, 1, tzinfo=UTC)
    event = decode(orjson.dumps({**run_event(), "eventTime": text}))
    assert event.time == event.event_time_ms == round((datetime.fromisoformat(meant) - epoch).total_seconds() * 1000)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "2026-11-22",
        "2026-13-01T00:00:00Z",
        "2026-02-30T00:00:00Z",
        "2026-11-22T24:01:00Z",
        "2026-11-22T10:00:00 Z",
        "2026-11-22T10:00:00[Europe/London]",
        "2026-11-22T10:00:00+99:00",
        "２０２６-11-22T10:00:00Z",
        "0000-01-01T00:00:00Z",
        "9999-12-31T23:59:59Z",
        "1999-12-31T23:59:59.999Z",
        "2000-01-01T00:30:00+01:00",
        "20261122T100000Z",
    ],
)
def test_what_is_no_time_or_out_of_range_is_malformed(text: str) -> None:
    with pytest.raises(Malformed) as problem:
        decode(orjson.dumps({**run_event(), "eventTime": text}))
    assert problem.value.reason == "event_time"


def test_one_event_may_name_ten_thousand_datasets_and_no_more() -> None:
    many = [dataset(f"d{n}") for n in range(10_000)]
    assert len(decode(orjson.dumps(run_event(inputs=many))).inputs) == 10_000
    for parts in ({"inputs": [*many, dataset("x")]}, {"inputs": many, "outputs": [dataset("x")]}):
        with pytest.raises(Malformed) as problem:
            decode(orjson.dumps(run_event(**parts)))
        assert (problem.value.reason, problem.value.pointer) == ("limits", "/inputs")


def _fields(count: int) -> Json:
    return {"schema": {"fields": [{"name": f"c{n}"} for n in range(count)]}}


def _links(count: int) -> Json:
    return {"symlinks": {"identifiers": [{"namespace": "n", "name": f"x{n}"} for n in range(count)]}}


def _columns(count: int) -> Json:
    source = {"namespace": "db", "name": "a", "field": "x"}
    return {"columnLineage": {"fields": {f"c{n}": {"inputFields": [source]} for n in range(count)}}}


@pytest.mark.parametrize("facets", [_fields, _links, _columns])
def test_one_events_facets_may_list_fifty_thousand_names_and_no_more(
    facets: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert MOST_FIELDS == 50_000
    monkeypatch.setattr("mappers.context.MOST_FIELDS", 5_000)
    half = [dataset("t", facets(2_500)), dataset("u", facets(2_500))]
    assert mapped(run_event(outputs=half[:1])).bad_facets == ()
    with pytest.raises(Malformed) as problem:
        mapped(run_event(outputs=[*half, dataset("v", facets(1))]))
    assert problem.value.reason == "limits"

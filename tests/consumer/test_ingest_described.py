"""The HTTP ingest answers as its OpenAPI document says, whatever is sent (schemathesis), and never fails by a bug."""

from __future__ import annotations

import copy
import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from hypothesis import given, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode, checks
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from consumer.batch import Good, Reader
from consumer.ingest import PATHS
from consumer.openapi import OPENAPI, document
from consumer.records import Partition, Record
from lineagegraph.naming import Naming
from tests.consumer.ingesting import EVENT, READ, SOME, WRITE, Http, ingesting

CHECKS = [checks.not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]
DESCRIBED: Any = schemathesis.openapi.from_dict(document(PATHS))
OPERATIONS = [found.ok() for found in DESCRIBED.get_all_operations()]
TOKENS = (WRITE, SOME, READ, "lg_wrong", None)
FULL: dict[str, Any] = {
    **EVENT,
    "outputs": [
        {
            "namespace": "s3://lake",
            "name": "silver/orders",
            "facets": {
                "schema": {"fields": [{"name": "id", "type": "long"}]},
                "columnLineage": {
                    "fields": {"id": {"inputFields": [{"namespace": "air", "name": "bronze/orders", "field": "id"}]}}
                },
                "symlinks": {"identifiers": [{"namespace": "hive", "name": "silver.orders", "type": "TABLE"}]},
                "version": {"datasetVersion": "5974101018787936586"},
            },
            "outputFacets": {"outputStatistics": {"rowCount": 3}},
        }
    ],
    "run": {
        "runId": "r1",
        "facets": {
            "parent": {"run": {"runId": "p"}, "job": {"namespace": "air", "name": "dag"}},
            "errorMessage": {"message": "no", "programmingLanguage": "sql"},
        },
    },
}


@pytest.fixture(scope="module")
def http(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Http]:
    with ingesting(tmp_path_factory.mktemp("tokens")) as made:
        yield made


def conforms(http: Http, operation: Any, body: bytes, token: str | None) -> Any:
    """The answer, if it is one that the document tells of and nothing was sent unless it says so."""
    http.producer.sent.clear()
    answer = http.post(body, token, operation.path)
    case = operation.Case(body=body, media_type="application/json")
    case.validate_response(answer, checks=CHECKS)
    assert len(http.producer.sent) == (answer.json()["received"] if answer.status_code == 201 else 0)
    for _, value, key in http.producer.sent:
        record = Record(Partition("events", 0), 0, int(time.time() * 1000), key, value)
        assert isinstance(Reader(Naming()).read(record), Good), "what was taken is no dead letter"
    return answer


@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE], ids=lambda mode: mode.value)
def test_what_the_document_allows_and_what_it_does_not_is_answered_as_it_says(http: Http, mode: GenerationMode) -> None:
    @settings(max_examples=8)
    @given(
        st.sampled_from(OPERATIONS).flatmap(lambda one: one.as_strategy(generation_mode=mode)), st.sampled_from(TOKENS)
    )
    def ask(case: Any, token: str | None) -> None:
        body = case.body if isinstance(case.body, bytes) else json.dumps(_plain(case.body)).encode()
        conforms(http, case.operation, body, token)

    ask()


def _plain(body: Any) -> Any:
    return body if isinstance(body, dict | list | str | int | float | bool | None) else None


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Every place in a JSON value."""
    yield path
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from places(inner, (*path, name))
    elif isinstance(value, list):
        for at, inner in enumerate(value):
            yield from places(inner, (*path, at))


def deep(levels: int) -> Any:
    value: Any = 1
    for _ in range(levels):
        value = {"fields": [value]}
    return value


anything = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**70), 2**70),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(max_size=6),
    st.sampled_from(["", " ", "\x00", "\ud7ff\ue000", "x" * 3000, "2026-13-45", [], {}, [[]], {"": None}]),
    st.sampled_from([10, 300]).map(deep),
)


@st.composite
def damaged(draw: Callable[..., Any]) -> Any:
    """An event, or a list of them, in which something stands that does not belong there."""
    event = copy.deepcopy(FULL)
    for path in draw(st.lists(st.sampled_from([p for p in places(FULL) if p]), max_size=3)):
        inner: Any = event
        try:
            for part in path[:-1]:
                inner = inner[part]
            inner[path[-1]] = draw(anything)
        except (KeyError, TypeError, IndexError):
            continue  # what was there is gone already
    return draw(st.sampled_from([event, [event], [EVENT, event]]))


@settings(max_examples=60)
@given(damaged(), st.sampled_from(OPERATIONS), st.sampled_from([WRITE, SOME]))
def test_a_damaged_event_is_refused_with_a_reason_or_taken_and_then_no_dead_letter(
    http: Http, event: Any, operation: Any, token: str
) -> None:
    conforms(http, operation, json.dumps(event).encode(), token)


@settings(max_examples=25)
@given(st.binary(max_size=40), st.sampled_from(OPERATIONS))
def test_bytes_that_are_no_json_are_told_so(http: Http, body: bytes, operation: Any) -> None:
    assert conforms(http, operation, body + b"{", WRITE).json()["errors"][0]["extensions"]["code"] == "NOT_JSON"


def test_the_document_is_served_and_a_part_of_the_page(http: Http) -> None:
    assert http.client.get(OPENAPI).json() == json.loads(json.dumps(document(PATHS)))
    page = (Path(__file__).parents[2] / "docs" / "api.md").read_text(encoding="utf-8")
    assert f"`{OPENAPI}`" in page


@pytest.mark.parametrize("levels", [200, 400])
def test_an_event_that_is_nested_deeply_is_taken_by_itself_and_in_a_list_at_least_refused(
    http: Http, levels: int
) -> None:
    event = json.dumps({**EVENT, "producer": "p", "run": {"runId": "r", "facets": {"mine": deep(levels)}}}).encode()
    assert conforms(http, OPERATIONS[0], event, WRITE).status_code == 201
    answer = conforms(http, OPERATIONS[0], b"[" + event + b"]", WRITE)
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["extensions"]["code"] == "JSON_DEPTH"

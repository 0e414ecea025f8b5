"""Events over HTTP: checked before they are sent, acknowledged before they are answered, all of a batch or none."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

import mappers
from consumer.ingest import MOST_EVENTS
from consumer.openapi import OPENAPI
from tests.consumer.ingesting import EVENT, READ, SOME, Http, ingesting


@pytest.fixture
def http(tmp_path: Path) -> Iterator[Http]:
    with ingesting(tmp_path) as made:
        yield made


def test_an_event_is_sent_as_it_is_with_openlineages_key(http: Http) -> None:
    body = json.dumps(EVENT, indent=3).encode()
    assert http.post(body).status_code == 201
    assert http.producer.sent == [("events", body, b"run:air/task")]


@pytest.mark.parametrize("path", ["/api/v1/lineage", "/api/v1/lineage/batch"])
def test_a_list_is_sent_event_by_event(http: Http, path: str) -> None:
    other = {"eventTime": "2026-11-18T00:00:00Z", "job": {"namespace": "air", "name": "other"}}
    answer = http.post([EVENT, other], path=path)
    assert (answer.status_code, answer.json()) == (201, {"status": "success", "received": 2})
    assert [key for _, _, key in http.producer.sent] == [b"run:air/task", b"job:air/other"]


def test_of_a_list_with_a_bad_event_nothing_is_sent_and_the_bad_one_is_named(http: Http) -> None:
    answer = http.post([EVENT, {**EVENT, "eventTime": "yesterday"}])
    assert answer.status_code == 422
    (error,) = answer.json()["errors"]
    assert (error["index"], error["code"], error["pointer"]) == (1, "event_time", "/eventTime")
    assert "RFC 3339" in error["remedy"]
    assert http.producer.sent == []


def test_without_an_acknowledgement_it_is_not_created(http: Http) -> None:
    http.producer.fails = True
    answer = http.post(EVENT)
    assert (answer.status_code, answer.json()["errors"][0]["extensions"]["code"]) == (503, "UNAVAILABLE")


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (b"{", 400, "NOT_JSON"),
        (b"[]", 400, "EMPTY"),
        (b" " * 30_000, 413, "TOO_LARGE"),
        (b"[" + b"1," * MOST_EVENTS + b"1]", 413, "TOO_LARGE"),
    ],
)
def test_what_is_no_list_of_events_is_refused(http: Http, body: bytes, status: int, code: str) -> None:
    answer = http.post(body)
    assert (answer.status_code, answer.json()["errors"][0]["extensions"]["code"]) == (status, code)


@pytest.mark.parametrize("document", [5, {}, {"run": {}}, {**EVENT, "eventTime": "2400-01-01T00:00:00Z"}, [[EVENT]]])
def test_what_would_become_a_dead_letter_is_refused(http: Http, document: Any) -> None:
    answer = http.post(document)
    assert answer.status_code == 422
    assert all(error["remedy"] for error in answer.json()["errors"])
    assert http.producer.sent == []


def test_an_event_from_the_future_is_refused(http: Http) -> None:
    answer = http.post({**EVENT, "eventTime": "2199-01-01T00:00:00Z"})
    assert answer.json()["errors"][0]["code"] == "event_time"


def test_only_who_may_write_does_and_only_to_their_namespaces(http: Http) -> None:
    assert http.post(EVENT, token=None).status_code == 401
    assert http.post(EVENT, token=READ).status_code == 403
    answer = http.post(EVENT, token=SOME)
    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (403, "forbidden")
    assert http.producer.sent == []
    assert http.post({**EVENT, "inputs": []}, token=SOME).status_code == 201


def test_a_facet_that_speaks_of_another_namespace_is_seen(http: Http) -> None:
    parent = {"run": {"runId": "p"}, "job": {"namespace": "theirs", "name": "dag"}}
    event = {**EVENT, "inputs": [], "run": {"runId": "r", "facets": {"parent": parent}}}
    assert http.post(event, token=SOME).status_code == 403


def test_forms_and_compressed_bodies_are_not_taken(http: Http) -> None:
    assert http.post(EVENT, **{"Content-Type": "text/plain"}).status_code == 415
    assert http.post(EVENT, **{"Content-Encoding": "gzip"}).status_code == 415


def test_while_a_large_event_is_checked_others_are_served(http: Http, monkeypatch: pytest.MonkeyPatch) -> None:
    served, decode = threading.Event(), mappers.decode

    def slowly(value: bytes) -> mappers.Event:
        assert served.wait(30), "nobody else was served"
        return decode(value)

    monkeypatch.setattr("consumer.ingest.mappers.decode", slowly)
    with ThreadPoolExecutor(1) as other:
        taken = other.submit(lambda: http.post(EVENT))
        assert http.client.get(OPENAPI).status_code == 200
        served.set()
        assert taken.result().status_code == 201

"""The worst that a stranger can send costs little, is refused with a code, and shows no stack trace."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pytest

from lineagegraph.api.app import Serving
from tests.lineagegraph.api.asking import Api, asking

NAME = '(datasetId: "a")'


@pytest.fixture(scope="module")
def api() -> Iterator[Api]:
    with asking() as made:
        yield made


def bombs() -> dict[str, str]:
    deep = '{ a: __type(name: "Query") ' + "{ fields { type " * 40 + "{ name }" + " } }" * 40 + " }"
    spread = "".join(f"fragment f{n} on Query {{ ...f{n + 1} ...f{n + 1} }} " for n in range(40))
    nested = "{ types { fields { type { fields { type { fields { type { fields { name } } } } } } } } }"
    return {
        "nested": deep,
        "aliases": "{" + " ".join(f"a{n}: datasetLineage{NAME} {{ layer }}" for n in range(1000)) + "}",
        "eleven questions": "{" + " ".join(f"a{n}: datasetLineage{NAME} {{ layer }}" for n in range(11)) + "}",
        "fields": "{ datasetLineage" + NAME + " {" + " ".join(f"a{n}: layer" for n in range(900)) + "} }",
        "introspection": "{ __schema " + nested + " }",
        "fragments": "{ ...f0 } " + spread + f"fragment f40 on Query {{ datasetLineage{NAME} {{ layer }} }}",
        "page": "{ datasetLineage" + NAME + " { upstreamDatasets(first: 1000000) { name } } }",
        "tokens": "{ " + "a " * 20_000 + "}",
    }


@pytest.mark.parametrize("bomb", bombs().values(), ids=bombs().keys())
def test_a_bomb_is_refused_before_it_is_validated(api: Api, bomb: str) -> None:
    answer = api.post(bomb)
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["extensions"]["code"] == "TOO_COMPLEX", answer.text
    assert "Traceback" not in answer.text


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (b"[]", 400, "BATCH"),
        (b"{", 400, "NOT_JSON"),
        (b'{"query": 5}', 400, "BAD_REQUEST"),
        (b'{"query": "{"}', 400, "BAD_QUERY"),
        (b'{"query": ""}', 400, "BAD_QUERY"),
        (b'{"query": "{ nothing }"}', 400, "BAD_QUERY"),
        (b'{"query": "{ a: __typename", "variables": []}', 400, "BAD_REQUEST"),
        (b'{"query": "{ ...a } fragment a on Query { ...a }"}', 400, "BAD_QUERY"),
        (b" " * 300_000, 413, "TOO_LARGE"),
    ],
)
def test_what_is_no_query_is_refused_with_a_code(api: Api, body: bytes, status: int, code: str) -> None:
    answer = api.http.post("/graphql", content=body, headers={"Content-Type": "application/json"})
    assert (answer.status_code, answer.json()["errors"][0]["extensions"]["code"]) == (status, code)


def test_a_form_of_another_page_is_not_taken(api: Api) -> None:
    answer = api.http.post("/graphql", content=b"{}", headers={"Content-Type": "text/plain"})
    assert answer.status_code == 415


def test_the_standard_introspection_is_answered(api: Api) -> None:
    from graphql import get_introspection_query

    assert api.data(get_introspection_query())["__schema"]["queryType"]["name"] == "Query"


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ('{ datasetLineage(datasetId: "no/such") { layer } }', "NOT_FOUND"),
        ('{ datasetLineage(datasetId: "no/such", depth: 0) { layer } }', "BAD_ARGUMENT"),
        ('{ lineageGraph(nodeId: "a", nodeType: "Secret") { nodeCount } }', "BAD_REQUEST"),
        ('{ impactAnalysis(datasetId: "a", changeType: "mood") { severity } }', "BAD_ARGUMENT"),
        ('{ modelLineage(modelName: "a", modelVersion: true) { framework } }', "BAD_ARGUMENT"),
        ('mutation { recordDatasetPromotion(sourceDataset: "", targetDataset: "b") }', "BAD_STATEMENT"),
    ],
)
def test_errors_have_codes(api: Api, query: str, code: str) -> None:
    assert api.code(query) == code


def test_a_bug_tells_nothing_but_that_it_is_one(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("password=hunter2")

    monkeypatch.setattr(api.graph, "ask", fail)
    answer = api.post('{ datasetLineage(datasetId: "a") { layer } }')
    assert answer.json()["errors"][0]["extensions"]["code"] == "INTERNAL"
    assert "hunter2" not in answer.text


def test_a_question_that_takes_too_long_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    with asking(seconds=0.3) as api:
        ask = api.graph.ask

        def slowly(name: str, key: str, body: str, seconds: float | None = None) -> dict[str, Any]:
            time.sleep(0.6)
            return ask(name, key, body)

        monkeypatch.setattr(api.graph, "ask", slowly)
        assert api.code('{ datasetLineage(datasetId: "a") { layer } }') == "TOO_SLOW"


def test_only_listed_origins_may_ask_from_browsers() -> None:
    with asking(serving=Serving(origins=("https://ours",))) as api:
        asked = {"Access-Control-Request-Method": "POST"}
        ours = api.http.options("/graphql", headers={"Origin": "https://ours", **asked})
        theirs = api.http.options("/graphql", headers={"Origin": "https://theirs", **asked})
    assert ours.headers["access-control-allow-origin"] == "https://ours"
    assert "access-control-allow-origin" not in theirs.headers


def test_without_tokens_a_name_that_resolves_to_loopback_is_not_answered(api: Api) -> None:
    assert (
        api.http.post("/graphql", json={"query": "{ __typename }"}, headers={"Host": "evil.example"}).status_code == 400
    )


def test_graphiql_is_there_for_people(api: Api) -> None:
    assert "graphiql" in api.http.get("/graphql").text.lower()

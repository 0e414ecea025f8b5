"""The worst that a stranger can send costs little, is refused with a code, and shows no stack trace."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, cast

import pytest
from starlette.applications import Starlette
from starlette.types import Message

from lineagegraph.api.access import Refused, Turns
from lineagegraph.api.app import Serving
from lineagegraph.statements import Statement
from tests.lineagegraph.api.asking import Api, asking

NAME = '(datasetId: "a")'
RUN = 'pipelineId: "p", pipelineVersion: 1'


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
        "pages that are long by default": '{ lineageGraph(nodeId: "a") { nodes {'
        + " ".join(f"a{n}: name" for n in range(60))
        + "} } }",
        "the same name": "{ datasetLineage" + NAME + " {" + " layer" * 590 + "} }",
        "the same objects": "{ datasetLineage" + NAME + " {" + " upstreamDatasets { name }" * 290 + "} }",
        "wide introspection": "{ __schema { types { fields { args {"
        + " ".join(f"a{n}: name" for n in range(560))
        + "} } } } }",
        "objects": "{ datasetLineage" + NAME + " { upstreamDatasets(first: 1000) { a: properties b: properties "
        "c: properties d: properties e: properties f: properties } } }",
        "a number of many digits": "{ datasetLineage"
        + NAME
        + " { upstreamDatasets(first: "
        + "9" * 5000
        + ") { name } } }",
    }


@pytest.mark.parametrize("bomb", bombs().values(), ids=bombs().keys())
def test_a_bomb_is_refused_before_it_is_validated(api: Api, bomb: str) -> None:
    answer = api.post(bomb)
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["extensions"]["code"] == "TOO_COMPLEX", answer.text
    assert "Traceback" not in answer.text


def test_what_is_not_asked_is_not_validated_either(api: Api) -> None:
    unused = "{ __typename } fragment x on DatasetLineage {" + " layer" * 2900 + "}"
    assert api.post(unused).json()["errors"][0]["message"] == "A fragment is not used."


PAGE = (
    "{ datasetLineage"
    + NAME
    + " { upstreamDatasets(first: $n) {"
    + " ".join(f"a{n}: name" for n in range(100))
    + "} } }"
)


@pytest.mark.parametrize(
    ("declared", "given"),
    [("$n: Int!", 1000), ("$n: Int!", 1000.0), ("$n: Int! = 1000", None), ("$n: Int", None)],
    ids=["a number", "a float", "a default", "nothing"],
)
def test_a_page_that_a_variable_asks_for_counts_as_what_it_may_be(api: Api, declared: str, given: object) -> None:
    variables = {} if given is None else {"n": given}
    assert api.code(f"query({declared}) {PAGE}", variables=variables) == "TOO_COMPLEX"
    assert api.code(f"query({declared}) {PAGE}", variables={"n": 10}) == "NOT_FOUND"


@pytest.mark.parametrize(
    ("question", "kind"),
    [
        ('columnLineage(datasetId: "a", columns: $many)', "query"),
        ('impactAnalysis(datasetId: "a", columns: $many) { severity }', "query"),
        ('recordModelTraining(modelName: "m", modelVersion: 1, trainingDatasets: $many)', "mutation"),
        (f"recordPipelineExecution({RUN}, inputDatasets: $many, outputDatasets: [])", "mutation"),
        (f"recordPipelineExecution({RUN}, inputDatasets: [], outputDatasets: $many)", "mutation"),
    ],
)
def test_a_list_in_an_argument_may_not_be_long(api: Api, question: str, kind: str) -> None:
    before = len(api.graph.facts)
    many = [f"bronze/t{number}" for number in range(1001)]
    assert api.code(f"{kind}($many: [String!]!) {{ {question} }}", variables={"many": many}) == "BAD_ARGUMENT"
    assert len(api.graph.facts) == before


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
        (b'{"query": "{ ...a } fragment a on Query { ...b } fragment b on Query { ...a }"}', 400, "BAD_QUERY"),
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


async def sent(app: Starlette, body: Callable[[], Awaitable[Message]]) -> tuple[int, Any]:
    """What the application answers to a body that comes as it comes."""
    told: list[Message] = []

    async def send(message: Message) -> None:
        told.append(message)

    headers = [(b"content-type", b"application/json"), (b"host", b"127.0.0.1")]
    scope = {"type": "http", "method": "POST", "path": "/graphql", "headers": headers, "query_string": b"", "app": app}
    await app(scope, body, send)
    return told[0]["status"], json.loads(b"".join(message.get("body", b"") for message in told[1:]))


async def quick() -> Message:
    return {"type": "http.request", "body": b'{"query": "{ __typename }"}'}


def test_who_sends_a_byte_now_and_then_holds_nobody_up_and_is_not_waited_for() -> None:
    begun = asyncio.Event()

    async def slow() -> Message:
        begun.set()
        await asyncio.sleep(0.02)
        return {"type": "http.request", "body": b" ", "more_body": True}

    async def both(app: Starlette) -> tuple[tuple[int, Any], tuple[int, Any]]:
        waiting = asyncio.create_task(sent(app, slow))
        await begun.wait()
        return await sent(app, quick), await waiting

    with asking(serving=Serving(at_once=1, patience=0.2)) as api:
        ready, late = asyncio.run(both(cast(Starlette, api.http.app)))
    assert ready == (200, {"data": {"__typename": "Query"}})
    assert (late[0], late[1]["errors"][0]["extensions"]["code"]) == (408, "TOO_SLOW")


def test_where_too_many_ask_at_once_the_last_are_told_so() -> None:
    async def ask() -> None:
        turns = Turns(1, 0.05)
        async with turns.one():
            with pytest.raises(Refused, match="Too many") as refused:
                async with turns.one():
                    pass
            assert refused.value.status == 503
        async with turns.one():
            pass

    asyncio.run(ask())


def test_while_a_large_statement_is_made_others_are_served(monkeypatch: pytest.MonkeyPatch) -> None:
    served = threading.Event()

    def slowly(*given: Any) -> Statement:
        assert served.wait(30), "nobody else was served"
        return Statement(*given)

    monkeypatch.setattr("lineagegraph.api.question.Statement", slowly)
    with asking(seconds=60.0) as api, ThreadPoolExecutor(1) as other:
        promote = 'mutation { recordDatasetPromotion(sourceDataset: "a/b", targetDataset: "c/d") }'
        done = other.submit(lambda: api.data(promote))
        assert api.http.get("/livez").text == "ok\n"
        served.set()
        assert done.result() == {"recordDatasetPromotion": True}

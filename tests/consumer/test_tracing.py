"""Traces: spans of OpenTelemetry's own SDK, sent to a collector only where the environment names one."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread

import pytest
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.testclient import TestClient

from consumer import tracing
from consumer.errors import BadSettings
from tests.consumer.fakes import event, rig
from tests.product import ROOT


@pytest.fixture
def spans(monkeypatch: pytest.MonkeyPatch) -> Iterator[InMemorySpanExporter]:
    exporter, provider = InMemorySpanExporter(), TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    monkeypatch.setattr(tracing, "_tracer", lambda: provider.get_tracer("test"))
    yield exporter
    provider.shutdown()


def parents(found: Sequence[ReadableSpan]) -> dict[str, str | None]:
    """By the name of a span, the name of the one around it."""
    named = {one.context.span_id: one.name for one in found if one.context}
    return {one.name: named.get(one.parent.span_id) if one.parent else None for one in found}


def test_a_batch_is_a_span_around_its_stages_and_holds_nothing_of_an_event(spans: InMemorySpanExporter) -> None:
    one = rig({0: [event(0), b"{secret-content", event(2)]})
    asyncio.run(one.run_until(one.finished))
    found = spans.get_finished_spans()
    stages = ("lineage.read", "lineage.write", "lineage.bury")
    assert parents(found) == {"lineage.batch": None} | dict.fromkeys(stages, "lineage.batch")
    (batch,) = (span for span in found if span.name == "lineage.batch")
    assert dict(batch.attributes or {}) == {"records": 3, "partitions": 1, "bytes": one_size(batch)}
    assert "secret-content" not in "".join(span.to_json() for span in found)


def one_size(batch: ReadableSpan) -> object:
    size = (batch.attributes or {})["bytes"]
    assert isinstance(size, int)
    assert size > 0
    return size


def test_a_failed_piece_of_work_is_marked_without_its_message(spans: InMemorySpanExporter) -> None:
    with pytest.raises(ValueError, match="secret"), tracing.span("work"):
        raise ValueError("secret")
    (made,) = spans.get_finished_spans()
    assert not made.status.is_ok
    assert "secret" not in made.to_json()


def test_a_request_continues_its_callers_trace_and_its_questions_in_threads_belong_to_it(
    spans: InMemorySpanExporter,
) -> None:
    threads = tracing.ContextThreads(1)

    def question() -> None:
        with tracing.span("lineage.question", script="around"):
            pass

    async def graphql(_: Request) -> Response:
        await asyncio.get_running_loop().run_in_executor(threads, question)
        return Response("ok")

    app = tracing.TracedRequests(Starlette(routes=[Route("/graphql", graphql)]))
    trace = "0af7651916cd43dd8448eb211c80319c"
    with TestClient(app) as client:
        client.get("/graphql", headers={"traceparent": f"00-{trace}-b7ad6b7169203331-01"})
        client.get("/invented/by-the-asker")
    threads.shutdown()
    found = spans.get_finished_spans()
    assert parents(found) == {"lineage.question": "GET /graphql", "GET /graphql": None, "GET elsewhere": None}
    asked = next(one for one in found if one.name == "GET /graphql")
    assert asked.context is not None
    assert f"{asked.context.trace_id:032x}" == trace
    assert (asked.attributes or {})["http.response.status_code"] == 200


def test_spans_go_to_the_collector_that_the_environment_names() -> None:
    got: list[str] = []

    class Collector(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            got.append(self.path)
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    script = "from consumer import tracing\ntracing.configure('x')\nwith tracing.span('a'): pass"
    with HTTPServer(("127.0.0.1", 0), Collector) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        told = {"OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{server.server_port}", "PYTHONPATH": str(ROOT)}
        subprocess.run([sys.executable, "-c", script], env={**os.environ, **told}, check=True, timeout=60)
        server.shutdown()
    assert got == ["/v1/traces"]


def test_without_a_collector_nothing_is_set_up(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in tracing.VARIABLES:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setitem(sys.modules, "opentelemetry", None)  # whoever imports it fails
    tracing.configure("x")
    tracing._tracer.cache_clear()
    with tracing.span("work") as made:
        assert made is None
    tracing._tracer.cache_clear()


def test_a_collector_without_the_extra_is_an_error_with_the_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(tracing.VARIABLES[0], "http://127.0.0.1:4318")
    monkeypatch.setitem(sys.modules, "opentelemetry", None)
    with pytest.raises(BadSettings, match=r"pip install 'lineagegraph\[otel\]'"):
        tracing.configure("x")

"""Traces for those who collect them: batches and their stages, requests to the API, questions to the graph.

On where OpenTelemetry's own variables name a collector (OTEL_EXPORTER_OTLP_ENDPOINT) and the extra `otel` is installed;
otherwise nothing is made. A span holds numbers and names of ours, nothing of an event.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, MutableMapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import copy_context
from functools import cache
from typing import Any, ParamSpec, TypeVar

from consumer import program_version
from consumer.errors import BadSettings

P = ParamSpec("P")
T = TypeVar("T")
VARIABLES = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")


def configure(service: str) -> None:
    """Send spans where the environment says, if it says so. Raises BadSettings if the extra is not there."""
    if not any(os.environ.get(name) for name in VARIABLES) or os.environ.get("OTEL_SDK_DISABLED") == "true":
        return
    try:
        from opentelemetry import trace
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
    except ImportError:
        raise BadSettings(
            "OTEL_EXPORTER_OTLP_ENDPOINT is set, but OpenTelemetry is not installed: pip install 'lineagegraph[otel]'."
        ) from None
    named = {"service.name": os.environ.get("OTEL_SERVICE_NAME", service), "service.version": program_version()}
    provider = TracerProvider(resource=Resource.create(named))
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    trace.set_tracer_provider(provider)


@contextmanager
def span(name: str, parent: Any = None, **attributes: str | int | float) -> Iterator[Any]:
    """A span around a piece of work; None where nobody traces. What is raised inside marks it as failed."""
    if (tracer := _tracer()) is None:
        yield None
        return
    from opentelemetry.trace import StatusCode

    # An error's message may quote an event: only its name is told, which the SDK would not do by itself.
    quiet = {"record_exception": False, "set_status_on_exception": False}
    with tracer.start_as_current_span(name, parent, attributes=attributes, **quiet) as made:
        try:
            yield made
        except Exception as error:
            made.set_status(StatusCode.ERROR, type(error).__name__)
            raise


def past(name: str, seconds: float, **attributes: str | int | float) -> None:
    """A span of work that has just ended and took so long."""
    if (tracer := _tracer()) is not None:
        now = time.time_ns()
        tracer.start_span(name, start_time=now - int(seconds * 1e9), attributes=attributes).end(now)


@cache
def _tracer() -> Any | None:
    try:
        from opentelemetry import trace
    except ImportError:
        return None
    return trace.get_tracer("lineagegraph", program_version())


class ContextThreads(ThreadPoolExecutor):
    """Threads that know what they work for."""

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """As ThreadPoolExecutor.submit."""
        return super().submit(copy_context().run, fn, *args, **kwargs)  # type: ignore[arg-type]  # run takes what fn takes


class TracedRequests:
    """An ASGI application with a span around each request, which continues the caller's trace."""

    def __init__(self, app: Callable[..., Any]) -> None:
        self._app = app

    async def __call__(self, scope: MutableMapping[str, Any], receive: Any, send: Any) -> None:
        """As ASGI has it."""
        if scope["type"] != "http" or _tracer() is None:
            await self._app(scope, receive, send)
            return
        from opentelemetry.propagate import extract

        parent = extract({key.decode("latin-1"): value.decode("latin-1") for key, value in scope["headers"]})
        with span(f"{scope['method']} {_known(scope['path'])}", parent) as made:

            async def sending(message: MutableMapping[str, Any]) -> None:
                if message["type"] == "http.response.start":
                    made.set_attribute("http.response.status_code", message["status"])
                await send(message)

            await self._app(scope, receive, sending)


def _known(path: str) -> str:
    """Paths of ours; any other is the asker's invention."""
    return (
        path if path in ("/graphql", "/api/v1/lineage", "/api/v1/lineage/batch", "/metrics", "/livez") else "elsewhere"
    )

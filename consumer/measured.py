"""How many questions the graph was asked, and how long each took, as those who ask see it."""

from __future__ import annotations

import time

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from consumer.metrics import Metrics
from consumer.tracing import span
from lineagegraph.errors import GraphRejected
from lineagegraph.gremlin import Connections, Reply
from lineagegraph.settings import GraphSettings

NAMES = ("lineage_build_info", "janusgraph_queries_total", "janusgraph_query_duration_ms")


class MeasuredConnections(Connections):
    """Connections that count what is asked on them."""

    def __init__(self, settings: GraphSettings, metrics: Metrics) -> None:
        super().__init__(settings)
        self._metrics = metrics

    def ask(self, name: str, key: str, body: str, seconds: float | None = None) -> Reply:
        """As Connections.ask; what fails is counted too."""
        started, result = time.perf_counter(), "unavailable"
        try:
            with span("lineage.question", script=name):
                reply = super().ask(name, key, body, seconds)
            result = "done"
            return reply
        except GraphRejected:
            result = "rejected"
            raise
        finally:
            self._metrics.add("janusgraph_queries_total", script=name, result=result)
            took = (time.perf_counter() - started) * 1000
            self._metrics.observe("janusgraph_query_duration_ms", took, script=name)


def route(metrics: Metrics) -> Route:
    """What Prometheus reads; it holds numbers and the names of our scripts, nothing of the graph."""

    async def text(_: Request) -> Response:
        return Response(metrics.text(), media_type="text/plain; version=0.0.4")

    return Route("/metrics", text)

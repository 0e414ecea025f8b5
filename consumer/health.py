"""What the process tells those who watch it, over HTTP: /livez, /readyz, /metrics, /status.

A graph that is away is not a reason to restart us: restarting would not bring it back. A poller that no
longer turns is.
"""

from __future__ import annotations

import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import web

from consumer.errors import BadSettings
from consumer.metrics import Metrics
from consumer.settings import Settings
from consumer.worker import Worker

STALLED = 120.0  # seconds without a turn of the poller, while partitions are assigned
STALLED_JOINING = 600.0  # the same while the group or its brokers make us wait
BURYING = 60.0  # seconds that dead letters may wait for their topic


class Health:
    """What is asked about; the worker exists once the start-up is through."""

    def __init__(self, metrics: Metrics) -> None:
        self.metrics = metrics
        self.worker: Worker | None = None

    def sick(self) -> str | None:
        """The stage that has stopped, None if all is well enough to go on."""
        if (worker := self.worker) is None:
            return None
        still = time.monotonic() - worker.turned_at
        if still > (STALLED if worker.lease is not None else STALLED_JOINING):
            return "polling" if worker.lease is not None else "joining"
        return None

    def not_ready(self) -> str | None:
        """The stage that is still missing or already over, None if we are at work."""
        if self.worker is None:
            return "starting"
        if self.worker.stopping.is_set():
            return "stopping"
        if not self.worker.joined:
            return "joining"
        if any(time.monotonic() - one.since > BURYING for one in self.worker.delivery.waiting):
            return "burying"
        return self.sick()

    def status(self) -> dict[str, Any]:
        """All there is to know, for people."""
        worker = self.worker
        if worker is None:
            return {"stage": "starting"}
        trackers = worker.lease.trackers if worker.lease else {}
        return {
            "stage": self.sick() or self.not_ready() or ("outage" if worker.graph.broken.is_set() else "consuming"),
            "graph": {"id": worker.graph.id, "outage": worker.graph.broken.is_set()},
            "in_flight": worker.in_flight,
            "partitions": {
                str(partition): {
                    "position": tracker.position,
                    "committed": tracker.committed,
                    "burying": partition in worker.delivery.blocked,
                }
                for partition, tracker in sorted(trackers.items())
            },
            "records": {
                "received": int(self.metrics.total("lineage_records_received_total")),
                **{
                    result: int(self.metrics.total("lineage_records_total", result=result))
                    for result in ("written", "dead", "skipped", "given_up")
                },
            },
        }


@asynccontextmanager
async def serve(settings: Settings, health: Health) -> AsyncIterator[int]:
    """Answer for as long as this lasts; gives the port."""

    async def probe(stage: str | None) -> web.Response:
        if stage is None:
            return web.Response(text="ok\n")
        return web.Response(status=503, text=f"{stage}\n")

    async def livez(_: web.Request) -> web.Response:
        return await probe(health.sick())

    async def readyz(_: web.Request) -> web.Response:
        return await probe(health.not_ready())

    async def metrics(_: web.Request) -> web.Response:
        return web.Response(body=health.metrics.text(), headers={"Content-Type": "text/plain; version=0.0.4"})

    async def status(_: web.Request) -> web.Response:
        return web.Response(text=json.dumps(health.status(), indent=2) + "\n", content_type="application/json")

    app = web.Application()
    app.add_routes(
        [web.get("/livez", livez), web.get("/readyz", readyz), web.get("/metrics", metrics), web.get("/status", status)]
    )
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    try:
        try:
            await web.TCPSite(runner, settings.http_host, settings.http_port).start()
        except OSError as error:
            raise BadSettings(
                f"{settings.http_host}:{settings.http_port} cannot be listened on ({error.strerror}). "
                "Set LINEAGE_HTTP_PORT to another port, or to 0 for any free one."
            ) from None
        yield runner.addresses[0][1]
    finally:
        await runner.cleanup()

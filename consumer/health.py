"""What the process tells those who watch it, over HTTP: /livez, /readyz, /metrics, /status. One thing can be told
to it: to resume a halted partition.

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
from consumer.lease import Lease
from consumer.metrics import Metrics
from consumer.records import Partition
from consumer.settings import Settings
from consumer.worker import Worker

STALLED = 120.0  # seconds without a turn of the poller, while partitions are assigned
STALLED_JOINING = 600.0  # the same while the group or its brokers make us wait
WAITING = 60.0  # seconds that dead letters may wait for their topic, or a partition may be unreadable


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
        """The stage that is still missing, stands still or is already over, None if we are at work."""
        worker = self.worker
        if worker is None:
            return "starting"
        if worker.stopping.is_set():
            return "stopping"
        if not worker.joined:
            return "joining"
        return _stands_still(worker) or self.sick()

    def status(self) -> dict[str, Any]:
        """All there is to know, for people."""
        if (worker := self.worker) is None:
            return {"stage": "starting"}
        graph, lease = worker.graph, worker.lease
        return {
            "stage": self.sick() or self.not_ready() or ("outage" if graph.broken.is_set() else "consuming"),
            "graph": {"id": graph.id, "outage": graph.broken.is_set(), "half_open": graph.half_open},
            "in_flight": worker.in_flight,
            "partitions": {str(p): _partition(worker, p, lease) for p in sorted(lease.trackers)} if lease else {},
            "records": worker.accounts.all(),
            "mismatch": worker.accounts.mismatch().total(),
        }


def _stands_still(worker: Worker) -> str | None:
    """The stage in which a partition makes no progress, with its name."""
    now = time.monotonic()
    if worker.lease is not None and worker.lease.halted:
        return "halted " + ", ".join(f"{p} ({why})" for p, why in sorted(worker.lease.halted.items()))
    unburied = {str(p) for one in worker.delivery.waiting if now - one.since > WAITING for p in one.partitions}
    if unburied:
        return "burying " + ", ".join(sorted(unburied))
    unreadable = {str(p) for p, one in worker.source.trouble.items() if now - one.since > WAITING}
    return "reading " + ", ".join(sorted(unreadable)) if unreadable else None


def _partition(worker: Worker, partition: Partition, lease: Lease) -> dict[str, Any]:
    tracker, trouble = lease.trackers[partition], worker.source.trouble.get(partition)
    return {
        "position": tracker.position,
        "committed": tracker.committed,
        "burying": partition in worker.delivery.blocked,
        "halted": lease.halted.get(partition),
        "trouble": trouble.error if trouble else None,
        "records": worker.accounts.of(partition),
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
        if health.worker is not None:
            health.worker.publish()
        return web.Response(body=health.metrics.text(), headers={"Content-Type": "text/plain; version=0.0.4"})

    async def status(_: web.Request) -> web.Response:
        return web.Response(text=json.dumps(health.status(), indent=2) + "\n", content_type="application/json")

    async def resume(request: web.Request) -> web.Response:
        topic, _, number = request.match_info["partition"].rpartition("-")
        known = health.worker is not None and number.isascii() and number.isdigit()
        if known and health.worker is not None and health.worker.resume(Partition(topic, int(number))):
            return web.Response(status=202, text="resuming\n")
        return web.Response(status=404, text="this consumer does not hold such a partition halted\n")

    app = web.Application()
    pages = {"/livez": livez, "/readyz": readyz, "/metrics": metrics, "/status": status}
    app.add_routes([web.get(path, page) for path, page in pages.items()])
    app.add_routes([web.post("/partitions/{partition}/resume", resume)])
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

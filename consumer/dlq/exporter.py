"""The numbers of a dead-letter queue over HTTP, for alerts and pages: /metrics and /stats.json, kept up to date.

One such process for each source topic is enough; it reads the letters once and then only what is new.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable

from aiohttp import web

from consumer.dlq.desk import Desk, now_ms, open_desk
from consumer.dlq.following import Following
from consumer.dlq.names import Names
from consumer.dlq.stats import Numbers, numbers
from consumer.errors import BadFilter, BadSettings
from consumer.metrics import Metrics
from consumer.settings import Settings

SECONDS = 5.0  # between two looks
BACKLOG = "lineage_dead_letter_backlog"
NAMES = (
    BACKLOG,
    "lineage_dead_letter_oldest_open_timestamp_seconds",
    "lineage_dead_letter_new_classes",
    "lineage_dead_letter_new_fingerprints",
    "lineage_dead_letter_numbers_timestamp_seconds",
)


class Exporter:
    """The numbers of one desk."""

    def __init__(self, source: str) -> None:
        self.metrics = Metrics(only=NAMES)
        self.latest: Numbers = Numbers(source)
        self._source = source
        self._following = Following()

    async def look(self, desk: Desk) -> None:
        """Take in what is new, and count again."""
        await self._following.look(desk)
        cases = self._following.cases
        self.latest = numbers(self._source, cases, cases.ledger)
        self._publish(now_ms())

    def _publish(self, now: int) -> None:
        metrics, latest, topic = self.metrics, self.latest, self._source
        metrics.forget(BACKLOG)
        for row in latest.classes:
            for state, count in row.states.items():
                metrics.set(BACKLOG, count, topic=topic, reason=row.name, state=state)
        oldest = latest.oldest_open / 1000 if latest.oldest_open >= 0 else 0.0
        metrics.set("lineage_dead_letter_oldest_open_timestamp_seconds", oldest, topic=topic)
        for name, rows in (("classes", latest.classes), ("fingerprints", latest.fingerprints)):
            metrics.set(f"lineage_dead_letter_new_{name}", sum(row.new(now) for row in rows), topic=topic)
        metrics.set("lineage_dead_letter_numbers_timestamp_seconds", now / 1000, topic=topic)


async def export_numbers(
    settings: Settings, names: Names, listen: str, listening: Callable[[int], None] | None = None
) -> None:
    """Answer for ever; `listening` is told the port. Raises BadFilter, KafkaUnusable, BadSettings."""
    host, _, port = listen.rpartition(":")
    if not (port.isascii() and port.isdigit()):
        raise BadFilter(f"{listen!r} is not HOST:PORT, such as 127.0.0.1:9118.")
    exporter = Exporter(names.source)

    async def metrics(_: web.Request) -> web.Response:
        return web.Response(body=exporter.metrics.text(), headers={"Content-Type": "text/plain; version=0.0.4"})

    async def stats(_: web.Request) -> web.Response:
        body = json.dumps(exporter.latest.as_json(now_ms()))
        return web.Response(text=body + "\n", content_type="application/json")

    app = web.Application()
    app.add_routes([web.get("/metrics", metrics), web.get("/stats.json", stats)])
    async with open_desk(settings, names) as desk:
        await exporter.look(desk)
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        try:
            try:
                await web.TCPSite(runner, host or "127.0.0.1", int(port)).start()
            except OSError as error:
                raise BadSettings(
                    f"{listen} cannot be listened on ({error.strerror}). Give another --listen."
                ) from None
            if listening is not None:
                listening(runner.addresses[0][1])
            while True:
                await asyncio.sleep(SECONDS)
                await exporter.look(desk)
        finally:
            await runner.cleanup()

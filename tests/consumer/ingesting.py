"""The HTTP ingest before a Kafka that only notes what it is given."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from aiokafka.errors import KafkaTimeoutError
from starlette.applications import Starlette
from starlette.testclient import TestClient

from consumer.ingest import Ingest
from consumer.settings import load
from lineagegraph.api.access import Refused
from lineagegraph.api.app import _refused
from lineagegraph.naming import Naming
from lineagegraph.tokens import Tokens, as_toml, new_token

WRITE, READ, SOME = (new_token() for _ in range(3))
EVENT = {
    "eventType": "COMPLETE",
    "eventTime": "2026-11-18T00:00:00Z",
    "run": {"runId": "01939b2e-0000-7000-8000-000000000000"},
    "job": {"namespace": "air", "name": "task"},
    "inputs": [{"namespace": "s3://lake", "name": "bronze/orders"}],
}


class Producer:
    """Takes records; acknowledges them, or not."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, bytes, bytes | None]] = []
        self.fails = False

    async def send(self, topic: str, value: bytes, key: bytes | None) -> asyncio.Future[None]:
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        if self.fails:
            done.set_exception(KafkaTimeoutError())
        else:
            self.sent.append((topic, value, key))
            done.set_result(None)
        return done


class Http:
    def __init__(self, client: TestClient, producer: Producer) -> None:
        self.client = client
        self.producer = producer

    def post(self, body: Any, token: str | None = WRITE, path: str = "/api/v1/lineage", **headers: str) -> Any:
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        told = {"Content-Type": "application/json", **headers}
        if token:
            told["Authorization"] = f"Bearer {token}"
        return self.client.post(path, content=content, headers=told)


@contextmanager
def ingesting(tmp_path: Path) -> Iterator[Http]:
    """The route before a producer that only notes what it is given."""
    rows = [
        as_toml(WRITE, "w", ("write",), ()),
        as_toml(READ, "r", ("read",), ()),
        as_toml(SOME, "s", ("write",), ("air",)),
    ]
    (tmp_path / "tokens.toml").write_text("\n".join(rows), encoding="utf-8")
    settings = load(max_event_bytes=20_000)
    ingest = Ingest(settings, "events", Naming(), Tokens(tmp_path / "tokens.toml"))
    producer = Producer()
    ingest._producer = producer
    app = Starlette(routes=ingest.routes())
    app.add_exception_handler(Refused, _refused)
    with TestClient(app) as client:
        yield Http(client, producer)

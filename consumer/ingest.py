"""OpenLineage events over HTTP, for producers without Kafka: checked, sent to the same topic, acknowledged, then 201.

The body is sent as the event it is; what becomes of it afterwards is what becomes of every record of the topic.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import orjson
from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError, MessageSizeTooLargeError
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

import mappers
from consumer import connection
from consumer.batch import LEAD
from consumer.errors import KafkaUnusable
from consumer.openapi import OPENAPI, document
from consumer.publish import key_of
from consumer.settings import Settings
from lineagegraph.api.access import Refused, Turns, allow, answer, body_of, grant_of
from lineagegraph.naming import Naming
from lineagegraph.tokens import Grant, Tokens

PATHS = ("/api/v1/lineage", "/api/v1/lineage/batch")
MOST_EVENTS = 1_000  # of one batch
PATIENCE = 15.0  # seconds for the broker's acknowledgement
AT_ONCE = 32  # requests whose bodies are held; others wait


@dataclass(frozen=True, slots=True)
class Bad:
    """An event that is not taken: its place in the batch, why, and what to do."""

    index: int
    code: str
    message: str
    remedy: str
    pointer: str = ""

    def told(self) -> dict[str, Any]:
        """As the answer has it."""
        shown = {"index": self.index, "code": self.code, "message": self.message, "remedy": self.remedy}
        return {**shown, "pointer": self.pointer} if self.pointer else shown


_REMEDIES = {
    "names": "Name jobs, datasets and runs with printable, non-empty text.",
    "limits": "Send smaller events.",
    "event_time": "Send `eventTime` in RFC 3339, between the year 2000 and tomorrow.",
    "forbidden": "Ask for a token that may write to this namespace.",
    "too_large": "Send a smaller event.",
}
Sendable = tuple[bytes, Any]  # an event as it is sent, and what it says
_REMEDY = "Send an event as the OpenLineage specification has it."


class Ingest:
    """The route, with the producer that is open while the application runs."""

    def __init__(self, settings: Settings, topic: str, naming: Naming, tokens: Tokens | None) -> None:
        self._settings = settings
        self._topic = topic
        self._naming = naming
        self._tokens = tokens
        self._producer: AIOKafkaProducer | None = None
        self._turns = Turns(AT_ONCE, PATIENCE)

    def routes(self) -> list[Route]:
        """One event or a list at the path of OpenLineage's HTTP transport; lists also at its batch path."""
        return [*(Route(path, self._take, methods=["POST"]) for path in PATHS), Route(OPENAPI, _described)]

    @asynccontextmanager
    async def open(self) -> AsyncIterator[None]:
        """Connected to Kafka. Raises KafkaUnusable."""
        async with connection.admin(self._settings) as client:
            if self._topic not in await connection.topics(client):
                raise KafkaUnusable(f"Kafka has no topic {self._topic!r}. Create it, or set LINEAGE_TOPICS.")
        producer = AIOKafkaProducer(
            **connection.options(self._settings),
            enable_idempotence=True,
            acks="all",
            linger_ms=2,
            compression_type="zstd",
            max_request_size=self._settings.max_event_bytes + 1024,
            request_timeout_ms=int(PATIENCE * 1000),
        )
        await producer.start()
        self._producer = producer
        try:
            yield
        finally:
            self._producer = None
            await producer.stop()

    async def _take(self, request: Request) -> Response:
        grant = grant_of(request, self._tokens)
        allow(grant, "write")
        async with self._turns.one():
            body = await body_of(request, self._settings.max_event_bytes)
            events, found = await asyncio.to_thread(self._checked, body, grant)
            if found:  # all or nothing: a producer that repeats the batch repeats nothing that was taken
                status = 403 if all(bad.code == "forbidden" for bad in found) else 422
                return answer({"status": "refused", "errors": [bad.told() for bad in found[:100]]}, status)
            await self._send(events)
        return answer({"status": "success", "received": len(events)}, 201)

    def _checked(self, body: bytes, grant: Grant) -> tuple[list[Sendable], list[Bad]]:
        """The events and which of them are bad; a large one takes a second, in which others are served."""
        events = _events(body)
        return events, [bad for index, (value, _) in enumerate(events) if (bad := self._bad(index, value, grant))]

    def _bad(self, index: int, value: bytes, grant: Grant) -> Bad | None:
        try:
            decoded = mappers.decode(value)
            if decoded.event_time_ms > time.time() * 1000 + LEAD:
                message = "The event is dated more than 24 hours after now."
                raise mappers.Malformed("event_time", "/eventTime", message)
            hidden = [] if grant.sight.whole else grant.sight.hidden_in(mappers.map_event(decoded, self._naming).facts)
        except RecursionError:
            return Bad(index, "json_depth", "The event is nested too deeply.", _REMEDY)
        except mappers.Malformed as error:
            return Bad(index, error.reason, error.message, _REMEDIES.get(error.reason, _REMEDY), error.pointer)
        if hidden:
            message = f"This token may not write to namespace {hidden[0]!r}."
            return Bad(index, "forbidden", message, _REMEDIES["forbidden"])
        return None

    async def _send(self, events: list[Sendable]) -> None:
        """Every event acknowledged by the brokers. Raises Refused: some may have been taken, which repeating mends."""
        if self._producer is None:
            raise Refused(503, "UNAVAILABLE", "The server is stopping; send it again.")
        try:
            async with asyncio.timeout(PATIENCE):
                sent = [await self._producer.send(self._topic, value, key=key_of(e)) for value, e in events]
                await asyncio.gather(*sent)
        except MessageSizeTooLargeError:
            raise Refused(413, "TOO_LARGE", "Kafka takes no record of this size; send a smaller event.") from None
        except (KafkaError, TimeoutError):
            raise Refused(503, "UNAVAILABLE", "Kafka did not acknowledge; send it again, that is safe.") from None


def _events(body: bytes) -> list[Sendable]:
    """The events of a body, one or a list of them: their bytes and what they say. Raises Refused."""
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError:
        raise Refused(400, "NOT_JSON", "The body is not JSON.") from None
    if not isinstance(document, list):
        return [(body, document)]
    if not document:
        raise Refused(400, "EMPTY", "The list holds no event.")
    if len(document) > MOST_EVENTS:
        raise Refused(413, "TOO_LARGE", f"A list may hold {MOST_EVENTS} events.")
    try:
        return [(orjson.dumps(event), event) for event in document]
    except orjson.JSONEncodeError:  # it writes fewer levels than it reads
        raise Refused(400, "JSON_DEPTH", "An event of the list is nested too deeply; send it by itself.") from None


async def _described(_: Request) -> Response:
    return answer(document(PATHS))

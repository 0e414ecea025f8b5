"""Writing: entries of the ledger, and for replays records and entries together, in one transaction or not at all.

There is one transactional name per ledger, so there is one replay at a time: who begins fences off whoever was
sending before, and what that one had not finished is undone. Then the ledger tells exactly what was sent.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from aiokafka import AIOKafkaProducer
from aiokafka.errors import (
    ClusterAuthorizationFailedError,
    KafkaError,
    ProducerFenced,
    TopicAuthorizationFailedError,
    TransactionalIdAuthorizationFailed,
)

from consumer.connection import options
from consumer.deadletters import Parcel
from consumer.dlq.ledger import Entry, encode
from consumer.dlq.names import Names
from consumer.errors import KafkaAway, KafkaUnusable
from consumer.settings import Settings

PATIENCE = 30.0
MOST_BYTES = 128 * 2**20
UNFINISHED_MS = 20_000  # after so long Kafka undoes what a killed replay had begun


@dataclass(frozen=True, slots=True)
class Posting:
    """A record and where it goes."""

    topic: str
    parcel: Parcel


class Pen:
    """A producer that is open."""

    def __init__(self, producer: AIOKafkaProducer, names: Names) -> None:
        self._producer = producer
        self._names = names

    async def enter(self, entries: Sequence[Entry]) -> None:
        """Write these entries; returns when all are acknowledged. Raises KafkaAway, KafkaUnusable."""
        async with _told(self._names):
            await asyncio.gather(*await self._entries(entries))

    async def forget(self, keys: Sequence[bytes]) -> None:
        """Let the ledger say nothing more under these keys. Raises KafkaAway, KafkaUnusable."""
        async with _told(self._names):
            await asyncio.gather(*[await self._producer.send(self._names.ledger, None, key=key) for key in keys])

    async def post(self, postings: Sequence[Posting]) -> None:
        """Send these records. Raises KafkaAway, KafkaUnusable."""
        async with _told(self._names):
            await asyncio.gather(*[await self._post(one) for one in postings])

    async def together(self, postings: Sequence[Posting], entries: Sequence[Entry]) -> None:
        """Send these records and write these entries, all or nothing. Raises KafkaAway, KafkaUnusable."""
        async with _told(self._names), self._producer.transaction():
            sent = [await self._post(one) for one in postings]
            await asyncio.gather(*sent, *await self._entries(entries))

    async def _entries(self, entries: Sequence[Entry]) -> list[asyncio.Future[Any]]:
        encoded = map(encode, entries)
        return [await self._producer.send(self._names.ledger, value, key=key) for key, value in encoded]

    async def _post(self, one: Posting) -> asyncio.Future[Any]:
        parcel = one.parcel
        sent: asyncio.Future[Any] = await self._producer.send(
            one.topic, parcel.value, key=parcel.key, partition=parcel.partition, headers=list(parcel.headers)
        )
        return sent


@asynccontextmanager
async def open_pen(settings: Settings, names: Names, replaying: bool = False) -> AsyncIterator[Pen]:
    """A pen that is open as long as this; one for replays stops any other that is open. Raises KafkaUnusable."""
    more: dict[str, Any] = {"enable_idempotence": True}
    if replaying:
        more = {"transactional_id": transactional_id(names), "transaction_timeout_ms": UNFINISHED_MS}
    producer = AIOKafkaProducer(
        **options(settings), **more, acks="all", linger_ms=5, compression_type="zstd", max_request_size=MOST_BYTES
    )
    try:
        async with _told(names):
            await producer.start()
        yield Pen(producer, names)
    finally:
        try:
            async with asyncio.timeout(10):
                await producer.stop()
        except (KafkaError, TimeoutError):
            await producer.client.close()


def transactional_id(names: Names) -> str:
    """The name under which replays of this ledger write."""
    return f"lineagegraph-replay-{names.ledger}"


@asynccontextmanager
async def _told(names: Names) -> AsyncIterator[None]:
    """What went wrong with Kafka, in a sentence with the remedy."""
    try:
        async with asyncio.timeout(PATIENCE):
            yield
    except ProducerFenced:
        raise KafkaUnusable("Another replay of these dead letters has begun and this one was stopped.") from None
    except TransactionalIdAuthorizationFailed:
        raise KafkaUnusable(
            f"Kafka forbids the transactional id {transactional_id(names)!r}. Grant WRITE and DESCRIBE on it."
        ) from None
    except (TopicAuthorizationFailedError, ClusterAuthorizationFailedError) as error:
        raise KafkaUnusable(
            f"Kafka forbids writing ({error}). Grant WRITE on {names.ledger!r} and {names.retry!r}."
        ) from None
    except (KafkaError, TimeoutError) as error:
        raise KafkaAway(f"Kafka did not take what was sent ({type(error).__name__}: {error}). Try again.") from None

"""Burying: dead letters are sent to their topic, and only what all in-sync replicas acknowledged counts as buried."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager

import structlog
from aiokafka import AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError, MessageSizeTooLargeError

from consumer.connection import largest_message, options, topics
from consumer.deadletters import DeadLetter, Parcel, Sender, parcel
from consumer.delivery import Unburied
from consumer.dlq.ledger import Decided, Entry, Tried, encode
from consumer.errors import KafkaUnusable
from consumer.own_topics import create_dead_letters
from consumer.replayed import Replayed, replayed
from consumer.settings import Settings

log = structlog.get_logger(__name__)

PATIENCE = 30.0  # seconds until a send counts as failed
MOST_BYTES = 128 * 2**20


class KafkaBurial:
    """The producer of dead letters, and the topics that it has made sure of."""

    def __init__(self, settings: Settings, client: AIOKafkaAdminClient, version: str) -> None:
        self._settings = settings
        self._admin = client
        self._sender = Sender(settings.group, version)
        self._producer: AIOKafkaProducer | None = None
        self._known: dict[str, tuple[int, int]] = {}  # source topic: partitions and largest record of its letters
        self._ledgers: set[str] = set()
        self._one_at_a_time = asyncio.Lock()

    async def prepare(self, sources: Iterable[str]) -> None:
        """See to it that the dead-letter topics of these source topics exist. Raises KafkaUnusable."""
        standing = await topics(self._admin)
        for source in sources:
            name = self._settings.dead_letters_of(source)
            if source not in standing:
                raise KafkaUnusable(f"Kafka does not show the topic {source!r} any more.")
            if name not in standing:
                standing[name] = await create_dead_letters(self._admin, self._settings, standing[source])
            most = await largest_message(self._admin, name)
            self._known[source] = (standing[name].partitions, most)
            self._ledgers |= {self._settings.ledger_of(source)} & standing.keys()

    async def bury(self, letters: Sequence[DeadLetter]) -> None:
        """Send these letters; returns when all are acknowledged. Raises Unburied.

        The ledger tells of a letter that was replayed only after the new letter stands.
        """
        async with self._bounded({letter.record.partition.topic for letter in letters}) as producer:
            await asyncio.gather(*[await self._send(producer, letter) for letter in letters])
            again = [(letter.record.partition.topic, replayed(letter.record)) for letter in letters]
            await self._enter(
                producer, [(topic, entry) for topic, one in again if one is not None for entry in failed(one)]
            )

    async def resolve(self, many: Sequence[tuple[str, Replayed]]) -> None:
        """Tell the ledger that these, each with the topic it was read from, are done. Raises Unburied."""
        async with self._bounded({topic for topic, _ in many}) as producer:
            await self._enter(producer, [(topic, resolved(one)) for topic, one in many])

    @asynccontextmanager
    async def _bounded(self, read_from: set[str]) -> AsyncIterator[AIOKafkaProducer]:
        """A producer for what was read from these topics, one user at a time. Raises Unburied."""
        sources = {self._settings.source_of(topic) for topic in read_from}
        async with self._one_at_a_time:
            try:
                async with asyncio.timeout(PATIENCE):
                    if new := sources - self._known.keys():
                        await self.prepare(new)
                    yield await self._started()
            except (KafkaError, KafkaUnusable, TimeoutError, OSError, AssertionError) as error:
                # An idempotent producer that has failed may be out of step for ever: the next attempt has a new one.
                await self.close()
                self._known.clear()
                raise Unburied(f"{type(error).__name__}: {error}") from error

    async def close(self) -> None:
        """Let go of the connection; what was not acknowledged is not buried."""
        producer, self._producer = self._producer, None
        if producer is not None:
            try:
                async with asyncio.timeout(5):
                    await producer.stop()
            except (KafkaError, TimeoutError):
                await producer.client.close()

    async def _started(self) -> AIOKafkaProducer:
        if self._producer is None:
            producer = AIOKafkaProducer(
                **options(self._settings),
                enable_idempotence=True,
                acks="all",
                linger_ms=5,
                compression_type="zstd",
                max_request_size=MOST_BYTES,
                request_timeout_ms=int(PATIENCE * 1000),
            )
            self._producer = producer
            await producer.start()
        return self._producer

    async def _enter(self, producer: AIOKafkaProducer, entries: Sequence[tuple[str, Entry]]) -> None:
        """Write into the ledgers; where there is none, nothing is known of replays and nothing is told."""
        known = [(self._settings.ledger_of(self._settings.source_of(topic)), entry) for topic, entry in entries]
        written = [(ledger, *encode(entry)) for ledger, entry in known if ledger in self._ledgers]
        sent = [await producer.send(ledger, value, key=key) for ledger, key, value in written]
        await asyncio.gather(*sent)

    async def _send(self, producer: AIOKafkaProducer, letter: DeadLetter) -> asyncio.Future[object]:
        source = self._settings.source_of(letter.record.partition.topic)
        partitions, most = self._known[source]
        name = self._settings.dead_letters_of(source)
        now = _now_ms()
        whole = parcel(letter, self._sender, partitions, now, most)
        try:
            return await _post(producer, name, whole, now)
        except MessageSizeTooLargeError:
            return await _post(producer, name, parcel(letter, self._sender, partitions, now, 0), now)


def resolved(one: Replayed) -> Tried:
    """The entry of a replayed record that is in the graph, or was passed over on purpose."""
    return Tried(one.id, one.replay, "resolved", _now_ms(), one.attempts)


def failed(one: Replayed) -> list[Entry]:
    """The entries of a replayed record that is a dead letter again; it is parked if that was once too often."""
    attempts = one.attempts + 1
    entries: list[Entry] = [Tried(one.id, one.replay, "failed", _now_ms(), attempts)]
    if 0 < one.most_attempts <= attempts:
        entries.append(Decided(one.id, "parked", _now_ms(), "lineagegraph", f"has failed {attempts} times"))
    return entries


def _now_ms() -> int:
    return int(time.time() * 1000)


async def _post(producer: AIOKafkaProducer, topic: str, what: Parcel, now: int) -> asyncio.Future[object]:
    sent: asyncio.Future[object] = await producer.send(
        topic,
        what.value,
        key=what.key,
        partition=what.partition,
        timestamp_ms=now,
        headers=list(what.headers),
    )
    return sent

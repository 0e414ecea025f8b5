"""Burying: dead letters are sent to their topic, and only what all in-sync replicas acknowledged counts as buried."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable, Sequence

import structlog
from aiokafka import AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import (
    ClusterAuthorizationFailedError,
    KafkaError,
    MessageSizeTooLargeError,
    TopicAlreadyExistsError,
    TopicAuthorizationFailedError,
)

from consumer.connection import Topic, failures, largest_message, options, topics
from consumer.deadletters import DeadLetter, Parcel, Sender, parcel
from consumer.delivery import Unburied
from consumer.errors import KafkaUnusable
from consumer.settings import Settings

log = structlog.get_logger(__name__)

PATIENCE = 30.0  # seconds until a send counts as failed
HEADROOM = 64 * 1024  # what our headers may add to a record
MOST_BYTES = 128 * 2**20


class KafkaBurial:
    """The producer of dead letters, and the topics that it has made sure of."""

    def __init__(self, settings: Settings, client: AIOKafkaAdminClient, version: str) -> None:
        self._settings = settings
        self._admin = client
        self._sender = Sender(settings.group, version)
        self._producer: AIOKafkaProducer | None = None
        self._known: dict[str, tuple[int, int]] = {}  # source topic: partitions and largest record of its letters
        self._one_at_a_time = asyncio.Lock()

    async def prepare(self, sources: Iterable[str]) -> None:
        """See to it that the dead-letter topics of these source topics exist. Raises KafkaUnusable."""
        standing = await topics(self._admin)
        for source in sources:
            name = self._settings.dead_letters_of(source)
            if source not in standing:
                raise KafkaUnusable(f"Kafka does not show the topic {source!r} any more.")
            if name not in standing:
                standing[name] = await self._create(name, standing[source])
            most = await largest_message(self._admin, name)
            self._known[source] = (standing[name].partitions, most)

    async def bury(self, letters: Sequence[DeadLetter]) -> None:
        """Send these letters; returns when all are acknowledged. Raises Unburied."""
        async with self._one_at_a_time:
            try:
                async with asyncio.timeout(PATIENCE):
                    new = {letter.record.partition.topic for letter in letters} - self._known.keys()
                    if new:
                        await self.prepare(new)
                    producer = await self._started()
                    sent = [await self._send(producer, letter) for letter in letters]
                    await asyncio.gather(*sent)
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

    async def _send(self, producer: AIOKafkaProducer, letter: DeadLetter) -> asyncio.Future[object]:
        source = letter.record.partition.topic
        partitions, most = self._known[source]
        name = self._settings.dead_letters_of(source)
        now = int(time.time() * 1000)
        whole = parcel(letter, self._sender, partitions, now, most)
        try:
            return await _post(producer, name, whole, now)
        except MessageSizeTooLargeError:
            return await _post(producer, name, parcel(letter, self._sender, partitions, now, 0), now)

    async def _create(self, name: str, source: Topic) -> Topic:
        most = await largest_message(self._admin, source.name) + HEADROOM
        settings = {
            "cleanup.policy": "delete",
            "retention.ms": str(self._settings.dead_letter_retention_days * 24 * 3600 * 1000),
            "message.timestamp.type": "LogAppendTime",
            "max.message.bytes": str(most),
            "min.insync.replicas": str(min(2, source.replication)),
        }
        made = NewTopic(name, source.partitions, source.replication, topic_configs=settings)
        for _, error in failures(await self._admin.create_topics([made])):
            if error is TopicAlreadyExistsError:
                continue
            if error in (TopicAuthorizationFailedError, ClusterAuthorizationFailedError):
                raise KafkaUnusable(
                    f"The dead-letter topic {name!r} does not exist and we may not create it. Grant CREATE on it, "
                    f"or create it with {source.partitions} partitions, or set LINEAGE_DEAD_LETTER_TOPIC."
                )
            raise KafkaUnusable(
                f"The dead-letter topic {name!r} cannot be created ({error.__name__}). Create it with "
                f"{source.partitions} partitions, or set LINEAGE_DEAD_LETTER_TOPIC."
            )
        log.info("dead-letter topic created", topic=name, partitions=source.partitions)
        return Topic(name, source.partitions, source.replication)


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

"""Event files to Kafka, as producers would send them: openlineage-python's key rule, bytes as they stand.

What is not an event is sent as it is, without a key: a dead letter on purpose.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

import orjson
from aiokafka import AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import KafkaError, TopicAlreadyExistsError

from consumer import connection
from consumer.errors import KafkaUnusable
from consumer.event_files import read_events
from consumer.settings import Settings

AT_ONCE = 500  # records between two acknowledgements
MOST_BYTES = 64 * 2**20


def key_of(event: Any) -> bytes | None:
    """The message key that openlineage-python gives an event; None for what is no event."""
    match event:
        case {"run": {"facets": {"parent": {"root": {"job": {"namespace": str(namespace), "name": str(name)}}}}}}:
            kind = "run"
        case {"run": {"facets": {"parent": {"job": {"namespace": str(namespace), "name": str(name)}}}}}:
            kind = "run"
        case {"run": {}, "job": {"namespace": str(namespace), "name": str(name)}}:
            kind = "run"
        case {"job": {"namespace": str(namespace), "name": str(name)}}:
            kind = "job"
        case {"dataset": {"namespace": str(namespace), "name": str(name)}}:
            kind = "dataset"
        case _:
            return None
    return f"{kind}:{namespace}/{name}".encode("utf-8", "surrogatepass")


async def publish(
    settings: Settings,
    topic: str,
    files: Sequence[str],
    create_partitions: int | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> dict[str, int]:
    """Send every event of these files and wait for the acknowledgements; the counts."""
    values = [found.value for found in read_events(files)]
    async with connection.admin(settings) as client:
        await _check(client, topic, create_partitions)
    producer = AIOKafkaProducer(
        **connection.options(settings),
        enable_idempotence=True,
        acks="all",
        linger_ms=5,
        compression_type="zstd",
        max_batch_size=256 * 1024,
        max_request_size=MOST_BYTES,
    )
    try:
        await producer.start()
        for start in range(0, len(values), AT_ONCE):
            some = values[start : start + AT_ONCE]
            sent = [await producer.send(topic, value, key=key_of(_json(value))) for value in some]
            await asyncio.gather(*sent)
            if progress is not None:
                progress(start + len(some), len(values))
    except KafkaError as error:
        raise KafkaUnusable(f"Kafka did not take the events ({error}). Some may have been sent; try again.") from None
    finally:
        await producer.stop()
    return {"files": len(files), "sent": len(values), "bytes": sum(map(len, values))}


async def _check(client: AIOKafkaAdminClient, topic: str, create_partitions: int | None) -> None:
    if topic in await connection.topics(client):
        return
    if create_partitions is None:
        raise KafkaUnusable(f"Kafka has no topic {topic!r}. Create it, or let us: --create-topic PARTITIONS.")
    brokers = (await client.describe_cluster())["brokers"]
    response = await client.create_topics([NewTopic(topic, create_partitions, min(3, len(brokers)))])
    for _, error in connection.failures(response):
        if error is not TopicAlreadyExistsError:
            raise KafkaUnusable(f"The topic {topic!r} cannot be created ({error.__name__}). Create it yourself.")


def _json(content: bytes) -> Any:
    try:
        return orjson.loads(content)
    except orjson.JSONDecodeError:
        return None

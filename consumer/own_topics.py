"""The topics that are ours: dead letters, retries, the ledger. Made with the right settings, or the obstacle named."""

from __future__ import annotations

from collections.abc import Collection, Mapping

import structlog
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import (
    ClusterAuthorizationFailedError,
    KafkaError,
    TopicAlreadyExistsError,
    TopicAuthorizationFailedError,
)

from consumer.connection import Topic, failures, largest_message
from consumer.errors import KafkaUnusable
from consumer.settings import Settings

log = structlog.get_logger(__name__)

HEADROOM = 64 * 1024  # what our headers may add to a record
MOST_RETRY_PARTITIONS = 8  # replays are paced; more would only be more to assign


async def create_dead_letters(client: AIOKafkaAdminClient, settings: Settings, source: Topic) -> Topic:
    """The dead-letter topic of a source topic. Raises KafkaUnusable."""
    topic = Topic(settings.dead_letters_of(source.name), source.partitions, source.replication)
    return await _create(client, topic, "LINEAGE_DEAD_LETTER_TOPIC", await _kept(client, settings, source))


async def create_for_replays(client: AIOKafkaAdminClient, settings: Settings, source: Topic, name: str) -> Topic:
    """The retry topic or the ledger of a source topic. Raises KafkaUnusable."""
    if name == settings.retry_of(source.name):
        topic = Topic(name, min(source.partitions, MOST_RETRY_PARTITIONS), source.replication)
        return await _create(client, topic, "LINEAGE_RETRY_TOPIC", await _kept(client, settings, source))
    configs = {"cleanup.policy": "compact", "min.insync.replicas": _in_sync(source)}
    return await _create(client, Topic(name, 1, source.replication), "LINEAGE_LEDGER_TOPIC", configs)


async def ready_for_replays(
    client: AIOKafkaAdminClient, settings: Settings, standing: Mapping[str, Topic], sources: Collection[str]
) -> dict[str, Topic]:
    """The retry topics of these source topics, each with a ledger. One that cannot be made only stops replays."""
    ready = {}
    for source in (standing[name] for name in sources):
        wanted = settings.retry_of(source.name), settings.ledger_of(source.name)
        try:
            made = [
                standing[name] if name in standing else await create_for_replays(client, settings, source, name)
                for name in wanted
            ]
        except KafkaUnusable as error:
            log.warning("dead letters cannot be replayed", topic=source.name, error=str(error))
        else:
            ready[wanted[0]] = made[0]
    return ready


async def _kept(client: AIOKafkaAdminClient, settings: Settings, source: Topic) -> dict[str, str]:
    """For topics whose records count from when we wrote them and may be a little larger than the source's."""
    return {
        "cleanup.policy": "delete",
        "retention.ms": str(settings.dead_letter_retention_days * 24 * 3600 * 1000),
        "message.timestamp.type": "LogAppendTime",
        "max.message.bytes": str(await largest_message(client, source.name) + HEADROOM),
        "min.insync.replicas": _in_sync(source),
    }


def _in_sync(source: Topic) -> str:
    return str(min(2, source.replication))


async def _create(client: AIOKafkaAdminClient, topic: Topic, variable: str, configs: dict[str, str]) -> Topic:
    made = NewTopic(topic.name, topic.partitions, topic.replication, topic_configs=configs)
    asked = f"{topic.partitions} partitions and cleanup.policy={configs['cleanup.policy']}"
    try:
        answer = await client.create_topics([made])
    except (KafkaError, AttributeError) as error:  # aiokafka knows no error for a cluster without a controller
        raise KafkaUnusable(f"The topic {topic.name!r} cannot be created now ({type(error).__name__}).") from None
    for _, kind in failures(answer):
        if kind is TopicAlreadyExistsError:
            continue
        if kind in (TopicAuthorizationFailedError, ClusterAuthorizationFailedError):
            raise KafkaUnusable(
                f"The topic {topic.name!r} does not exist and we may not create it. Grant CREATE on it, "
                f"or create it with {asked}, or set {variable}."
            )
        raise KafkaUnusable(
            f"The topic {topic.name!r} cannot be created ({kind.__name__}). Create it with {asked}, or set {variable}."
        )
    log.info("topic created", topic=topic.name, partitions=topic.partitions)
    return topic

"""Our own topics are made with the settings that they need; what is missing for that is named."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any, cast

import pytest
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from consumer.connection import Topic
from consumer.errors import KafkaUnusable
from consumer.own_topics import create_dead_letters, create_for_replays, ready_for_replays
from consumer.settings import Settings, load

SOURCE = Topic("events", 12, 3)
ALREADY, TOPIC_FORBIDDEN, CLUSTER_FORBIDDEN, POLICY = 36, 29, 31, 44


class Admin:
    """Answers each creation with this error code."""

    def __init__(self, code: int = 0) -> None:
        self.made: dict[str, NewTopic] = {}
        self._code = code

    async def create_topics(self, topics: Sequence[NewTopic]) -> Any:
        self.made |= {topic.name: topic for topic in topics}
        return SimpleNamespace(topic_errors=[(topic.name, self._code, None) for topic in topics])

    async def describe_configs(self, _: object) -> list[Any]:
        row = SimpleNamespace(resources=[(0, "", 2, "events", [("max.message.bytes", "2000000", False, 0, False)])])
        return [row]


def settings() -> Settings:
    return load(topics=("events",), group="g", dead_letter_retention_days=7)


def made(which: str, code: int = 0) -> tuple[Topic, NewTopic]:
    admin, of = Admin(code), settings()
    client = cast(AIOKafkaAdminClient, admin)
    if which == "letters":
        topic = asyncio.run(create_dead_letters(client, of, SOURCE))
    else:
        name = of.retry_of("events") if which == "retry" else of.ledger_of("events")
        topic = asyncio.run(create_for_replays(client, of, SOURCE, name))
    return topic, admin.made[topic.name]


KEPT = {
    "cleanup.policy": "delete",
    "retention.ms": str(7 * 24 * 3600 * 1000),
    "message.timestamp.type": "LogAppendTime",  # else a replayed backlog would be deleted at once
    "max.message.bytes": str(2_000_000 + 64 * 1024),
    "min.insync.replicas": "2",
}


@pytest.mark.parametrize(
    ("which", "partitions", "configs"),
    [
        ("letters", 12, KEPT),
        ("retry", 8, KEPT),
        ("ledger", 1, {"cleanup.policy": "compact", "min.insync.replicas": "2"}),
    ],
)
def test_each_topic_has_the_partitions_and_settings_that_it_needs(
    which: str, partitions: int, configs: dict[str, str]
) -> None:
    topic, asked = made(which)
    assert (topic.partitions, topic.replication) == (partitions, 3)
    assert (asked.num_partitions, asked.replication_factor) == (partitions, 3)
    assert asked.topic_configs == configs


@pytest.mark.parametrize("which", ["letters", "retry", "ledger"])
@pytest.mark.parametrize("code", [TOPIC_FORBIDDEN, CLUSTER_FORBIDDEN])
def test_a_missing_permission_is_named_with_what_to_create_instead(which: str, code: int) -> None:
    with pytest.raises(KafkaUnusable, match=r"we may not create it. Grant CREATE on it, or create it with \d+ parti"):
        made(which, code)


def test_any_other_refusal_is_told_with_the_remedy() -> None:
    with pytest.raises(KafkaUnusable, match=r"PolicyViolationError\). Create it with 12 partitions and cleanup"):
        made("letters", POLICY)


def test_a_topic_that_somebody_made_meanwhile_is_as_good() -> None:
    assert made("letters", ALREADY)[0].name == "events.g.dlq"


def test_a_retry_topic_that_may_not_be_made_stops_replays_and_nothing_else() -> None:
    client = cast(AIOKafkaAdminClient, Admin(TOPIC_FORBIDDEN))
    assert asyncio.run(ready_for_replays(client, settings(), {"events": SOURCE}, ["events"])) == {}
    client = cast(AIOKafkaAdminClient, Admin())
    assert list(asyncio.run(ready_for_replays(client, settings(), {"events": SOURCE}, ["events"]))) == [
        "events.g.retry"
    ]

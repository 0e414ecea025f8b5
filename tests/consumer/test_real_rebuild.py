"""Rebuilding: another graph out of what Kafka still has, and nobody is disturbed."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest
from aiokafka import AIOKafkaProducer
from aiokafka.admin import NewTopic

from consumer import connection
from consumer.settings import Settings, load
from tests.conftest import FreshGraph
from tests.consumer.fakes import event
from tests.product import EVENTS, Product
from tests.servers import Broker, Graph

pytestmark = pytest.mark.real


async def send_by_replay(settings: Settings, value: bytes) -> None:
    """One event into the retry topic of the group, as a replay sends it."""
    topic = settings.retry_of(settings.topics[0])
    async with connection.admin(settings) as client:
        await client.create_topics([NewTopic(topic, 1, 1)])
    producer = AIOKafkaProducer(**connection.options(settings))
    await producer.start()
    await producer.send_and_wait(topic, value)
    await producer.stop()


async def standing(settings: Settings) -> tuple[set[str], set[str]]:
    """The topics and groups that have to do with the topic."""
    async with connection.admin(settings) as client:
        topics = {name for name in await connection.topics(client) if settings.topics[0] in name}
        groups = {str(group) for group, *_ in await client.list_consumer_groups() if settings.topics[0] in group}
    return topics, groups


def test_another_graph_holds_what_kafka_has_and_the_group_and_its_topics_stay_as_they_are(
    kafka: Broker, fresh_inmemory: Graph, tmp_path: Path
) -> None:
    product = Product(kafka.bootstrap, "ws://127.0.0.1:9/gremlin", tmp_path / "log")  # the graph in use is not asked
    settings = load(kafka_bootstrap_servers=(kafka.bootstrap,), topics=(product.topic,), group=f"g-{product.topic}")
    mended, broken = tmp_path / "mended.ndjson", tmp_path / "broken.ndjson"
    mended.write_bytes(event(1))
    broken.write_text('{"eventType": "COMPLETE"}\n', encoding="utf-8")
    sent = product.publish(*EVENTS, broken)
    asyncio.run(send_by_replay(settings, event(1)))
    before = asyncio.run(standing(settings))

    command = ("rebuild", "--from", "earliest", "--into", fresh_inmemory.url, "--json")
    counts = json.loads(product.run(*command, code=3).splitlines()[-1])
    assert counts["received"] == sent + 1
    assert counts["reasons"]["envelope"] >= 1
    rebuilt = Product(kafka.bootstrap, fresh_inmemory.url, tmp_path / "log")
    assert rebuilt.graph_hash() == product.facts_hash(*EVENTS, mended)
    topics, groups = asyncio.run(standing(settings))
    assert topics == before[0]
    assert {group for group in groups if ".rebuild-" not in group} == before[1] == set()
    again = json.loads(product.run(*command).splitlines()[-1])
    assert again["received"] == 0, "it goes on where it was"


def test_the_graph_in_use_is_not_rebuilt_into(tmp_path: Path) -> None:
    product = Product("127.0.0.1:1", "ws://127.0.0.1:9/gremlin", tmp_path / "log")
    product.run("rebuild", "--into", "ws://127.0.0.1:9/gremlin", code=2)


RENAMED = """
[[job]]
pattern = '^'
replace = 'renamed-'
"""


@pytest.mark.cassandra
def test_what_other_rules_would_change_is_seen_by_a_rebuild_and_a_diff_before_anybody_switches(
    kafka: Broker, fresh_graph: FreshGraph, tmp_path: Path
) -> None:
    in_use, other = fresh_graph("inmemory").url, fresh_graph("cassandra").url
    product = Product(kafka.bootstrap, in_use, tmp_path / "log")
    product.run("schema", "install")
    product.publish(EVENTS[0])
    product.consume()
    before = stated(product, tmp_path / "before.ndjson")
    rules = tmp_path / "naming.toml"
    rules.write_text(RENAMED, "utf-8")
    product.environment["LINEAGE_NAMING_FILE"] = str(rules)
    after = stated(product, tmp_path / "after.ndjson", "--naming", str(rules))
    product.run("rebuild", "--into", other)
    seen = product.run("diff", in_use, other, "--json", code=3).splitlines()
    assert sorted(seen) == sorted(product.run("diff", before, after, "--json", code=3).splitlines())
    counts = json.loads(seen[-1])
    assert counts["only_first"] == counts["only_second"] > 0
    assert json.loads(product.run("diff", other, after, "--json"))["equal"]


def stated(product: Product, file: Path, *by: str) -> str:
    """A file with what the events state by these rules."""
    file.write_text(product.run("explain", str(EVENTS[0]), *by), "utf-8")
    return str(file)

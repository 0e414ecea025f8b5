"""The servers of the tests, whatever runs them: killed, frozen, started again, two of one graph, emptied in place."""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import Iterator
from contextlib import closing

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from deploy.local import probes
from deploy.local.errors import NotReady
from lineagegraph.gremlin import Connections
from lineagegraph.install import install
from lineagegraph.naming import Naming
from lineagegraph.settings import GraphSettings
from tests.servers import Broker, Graph, Node, Servers, empty

pytestmark = pytest.mark.real
NAMING = Naming().hash


def graph_id(graph: Graph) -> str:
    """Installs the schema where there is none; the id is the graph's own."""
    with closing(Connections(GraphSettings(urls=(graph.url,)))) as connections:
        return install(connections, NAMING).graph_id


async def _send(bootstrap: str, topic: str, value: bytes) -> None:
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap)
    await producer.start()
    try:
        await producer.send_and_wait(topic, value)
    finally:
        await producer.stop()


async def _first(bootstrap: str, topic: str) -> bytes | None:
    consumer = AIOKafkaConsumer(topic, bootstrap_servers=bootstrap, auto_offset_reset="earliest")
    await consumer.start()
    try:
        value: bytes | None = (await asyncio.wait_for(consumer.getone(), 30)).value
        return value
    finally:
        await consumer.stop()


def create(bootstrap: str, topic: str) -> None:
    async def go() -> None:
        admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
        await admin.start()
        try:
            await admin.create_topics([NewTopic(topic, 1, 1)])
        finally:
            await admin.close()

    asyncio.run(go())


def test_a_killed_broker_comes_back_at_its_address_with_its_records(kafka: Broker) -> None:
    topic = f"kept-{uuid.uuid4().hex[:8]}"
    create(kafka.bootstrap, topic)
    asyncio.run(_send(kafka.bootstrap, topic, b"kept"))
    before = kafka.bootstrap
    kafka.kill()
    assert not kafka.running
    kafka.start()
    assert kafka.bootstrap == before
    assert asyncio.run(_first(kafka.bootstrap, topic)) == b"kept"


def test_a_paused_broker_answers_nobody_and_goes_on_when_it_is_resumed(kafka: Broker) -> None:
    port = int(kafka.bootstrap.rpartition(":")[2])
    probes.kafka(port, 30)
    kafka.pause()
    try:
        assert kafka.running
        with pytest.raises(NotReady, match="timed out"):
            probes.kafka(port, 1)
    finally:
        kafka.resume()
    probes.kafka(port, 30)


def test_starting_what_runs_is_nothing(kafka: Broker) -> None:
    begun = time.monotonic()
    kafka.start()
    assert time.monotonic() - begun < 10


def test_a_graph_in_memory_ends_with_its_server_and_its_address_stays(fresh_inmemory: Graph) -> None:
    first, url = graph_id(fresh_inmemory), fresh_inmemory.url
    assert graph_id(fresh_inmemory) == first
    fresh_inmemory.kill()
    fresh_inmemory.start()
    assert fresh_inmemory.url == url
    assert graph_id(fresh_inmemory) != first


def test_an_emptied_graph_is_another_graph_for_those_who_hold_a_connection(fresh_inmemory: Graph) -> None:
    with closing(Connections(GraphSettings(urls=(fresh_inmemory.url,)))) as connections:
        first = install(connections, NAMING).graph_id
        empty(fresh_inmemory)
        assert install(connections, NAMING).graph_id != first


@pytest.fixture
def second(stack: Servers, fresh_cassandra: Graph) -> Iterator[Graph]:
    """A second server of the graph of `fresh_cassandra`."""
    server = stack.janusgraph("cassandra", server=2)
    server.start()
    yield server
    server.kill()


@pytest.mark.cassandra
def test_two_servers_of_one_keyspace_are_one_graph(fresh_cassandra: Graph, second: Graph) -> None:
    assert second.url != fresh_cassandra.url
    assert graph_id(second) == graph_id(fresh_cassandra)


@pytest.mark.cassandra
def test_killed_servers_on_cassandra_come_back_with_their_graph_and_not_with_one_that_was_emptied(
    fresh_cassandra: Graph, cassandra: Node
) -> None:
    places = (fresh_cassandra.url, cassandra.address)
    emptied = graph_id(fresh_cassandra)
    empty(fresh_cassandra)
    made = graph_id(fresh_cassandra)
    time.sleep(3)  # until the commit log is on disk
    fresh_cassandra.kill()
    cassandra.kill()
    cassandra.start()
    fresh_cassandra.start()
    assert (fresh_cassandra.url, cassandra.address) == places
    assert graph_id(fresh_cassandra) == made != emptied

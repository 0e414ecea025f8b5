"""Replays yield to live traffic, and never stand still."""

from __future__ import annotations

import asyncio
import uuid

import pytest
from aiokafka import AIOKafkaProducer
from aiokafka.admin import NewTopic

from consumer import connection
from consumer.metrics import Metrics
from consumer.settings import load
from consumer.source import Source
from consumer.yielding import QUIET_SECONDS, Replays
from tests.servers import Broker


def test_where_nothing_else_comes_a_replay_has_the_whole_consumer() -> None:
    assert Replays().granted(500, live=0, busy=True, now=0.0) == 500


def test_beside_live_records_replayed_ones_are_a_twentieth_of_them_in_portions() -> None:
    replays = Replays()
    few = [replays.granted(500, live=19, busy=True, now=n / 10) for n in range(1000)]
    assert {granted for granted in few if granted} == {25}, "a portion at a time"
    assert abs(sum(few) - 1000 * 19 / 20) <= 25


def test_also_where_live_records_fill_every_batch_replayed_ones_get_a_twentieth() -> None:
    replays, live, replayed = Replays(), 0, 0
    for n in range(1000):
        taken = 500 - replays.kept(500)
        live, replayed = live + taken, replayed + replays.granted(500, taken, busy=True, now=n / 10)
    assert abs(replayed - live / 20) <= 50


def test_what_was_granted_while_there_was_no_replay_is_not_saved_up() -> None:
    replays = Replays()
    for n in range(1000):
        replays.granted(500, live=500, busy=True, now=n / 10)  # a batch without any room left
    assert replays.granted(500, live=1, busy=True, now=100.0) == 100


def test_between_live_records_replayed_ones_fill_idle_time_only_in_small_portions() -> None:
    replays = Replays()
    replays.granted(500, live=10, busy=False, now=0.0)
    assert replays.granted(500, live=0, busy=True, now=0.1) == 0
    assert replays.granted(500, live=0, busy=False, now=0.2) == 50
    assert replays.granted(500, live=0, busy=True, now=QUIET_SECONDS) == 500


def test_a_batch_of_one_record_is_for_live_ones_as_long_as_there_are_any() -> None:
    replays = Replays()
    for n in range(100):
        assert replays.kept(1) == 0
        assert replays.granted(1, live=1, busy=False, now=n / 1000) == 0
    assert replays.granted(1, live=0, busy=False, now=0.1) == 1


@pytest.mark.real
def test_of_two_backlogs_on_kafka_the_live_one_is_read_twenty_times_as_fast(kafka: Broker) -> None:
    topic = f"t-{uuid.uuid4().hex[:8]}"
    settings = load(kafka_bootstrap_servers=(kafka.bootstrap,), topics=(topic,), group=f"g-{topic}")
    retry = settings.retry_of(topic)

    async def read() -> list[tuple[int, int]]:
        async with asyncio.timeout(60), connection.admin(settings) as client:
            await client.create_topics([NewTopic(topic, 2, 1), NewTopic(retry, 2, 1)])
            producer = AIOKafkaProducer(**connection.options(settings))
            await producer.start()
            for name in (retry, topic):
                sent = [await producer.send(name, b"{}", partition=number % 2) for number in range(600)]
                await asyncio.gather(*sent)
            await producer.stop()
            source = Source(settings, client, "graph-1", Metrics(), (retry,))
            await source.start()
            try:
                while await source.assigned() is None:
                    await source.hold(20)
                while len(source._member.client._fetcher._records) < 4:
                    await source.hold(20)
                polls, left = [], 600
                while left:
                    slices = await source.poll(100, 2**20, busy=True)
                    live = sum(one.count for one in slices if one.partition.topic == topic)
                    polls.append((live, sum(one.count for one in slices) - live))
                    left -= live
                return polls
            finally:
                await source.stop()

    polls = asyncio.run(read())
    beside = sum(replayed for live, replayed in polls if live)
    assert 10 <= beside <= 600 / 20 + 5, polls

"""Assignments on a real broker: nothing twice without need, new partitions from the start, lost offsets by policy."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any

import pytest
from aiokafka import AIOKafkaConsumer
from aiokafka.admin import NewPartitions, RecordsToDelete
from aiokafka.structs import TopicPartition

from consumer import connection
from consumer.errors import OffsetsMissing
from consumer.records import Partition
from consumer.run import How, consume
from consumer.settings import Settings
from lineagegraph.facts import Facts
from tests.consumer.fakes import FakeStore, eventually
from tests.consumer.joined import Joined, joined
from tests.consumer.test_real_kafka import Broker, create, events, made, names, send

pytestmark = pytest.mark.real


def again(settings: Settings, **more: Any) -> Settings:
    return settings.model_copy(update=more)


async def stopped(*running: asyncio.Task[dict[str, int]]) -> None:
    for one in running:
        one.cancel()
    await asyncio.gather(*running, return_exceptions=True)


def slow(seconds: float) -> Callable[[Facts], None]:
    return lambda facts: time.sleep(seconds)


def test_a_second_member_takes_over_without_a_record_written_twice(kafka: Broker) -> None:
    settings = made(kafka, batch_records=10, batches_in_flight=2, session_seconds=6)
    one, two = FakeStore([], before_write=slow(0.2)), FakeStore([], before_write=slow(0.2))

    async def scenario() -> None:
        await create(settings, 4)
        await send(settings, events(range(600)))
        first = asyncio.create_task(consume(settings, How(), one))
        await eventually(lambda: len(one.durable()) > 50)
        second = asyncio.create_task(consume(settings, How(), two))
        async with asyncio.timeout(60):
            await eventually(lambda: len(one.durable()) + len(two.durable()) >= 600)
        await asyncio.sleep(0.3)
        await stopped(first, second)

    asyncio.run(scenario())
    assert one.durable() | two.durable() == names(range(600))
    assert not one.durable() & two.durable(), "what was in flight at the rebalance was committed before it"
    assert two.durable(), "the work was shared"


def test_a_partition_that_is_added_is_read_from_its_start_even_where_we_began_at_the_end(kafka: Broker) -> None:
    settings = made(kafka, start="latest")
    store = FakeStore([])

    async def scenario() -> None:
        await create(settings, 1)
        await send(settings, events(range(5)))
        assert (await consume(settings, How(until_end=True), store))["written"] == 0, "we began at the end"
        async with connection.admin(settings) as client:
            await client.create_partitions({settings.topics[0]: NewPartitions(2)})
        await send(settings, events(range(10, 20)), partition=1)
        await consume(settings, How(until_end=True), store)

    asyncio.run(scenario())
    assert store.durable() == names(range(10, 20))


def test_without_an_offset_we_begin_nowhere_if_told_so(kafka: Broker) -> None:
    settings = made(kafka, start="fail")

    async def scenario() -> None:
        await create(settings, 1)
        await send(settings, events(range(5)))
        await consume(settings, How(until_end=True), FakeStore([]))

    with pytest.raises(ExceptionGroup) as caught:
        asyncio.run(scenario())
    assert caught.group_contains(OffsetsMissing, match="has no offset for")


def test_what_kafka_deleted_before_we_read_it_stops_us_until_we_are_told_to_go_on(kafka: Broker) -> None:
    settings = made(kafka)
    store = FakeStore([])

    async def scenario() -> None:
        await create(settings, 1)
        await send(settings, events(range(5)))
        await consume(settings, How(until_end=True), store)
        await send(settings, events(range(5, 20)))
        async with connection.admin(settings) as client:
            await client.delete_records({TopicPartition(settings.topics[0], 0): RecordsToDelete(10)})
        with pytest.raises(ExceptionGroup) as caught:
            await consume(settings, How(until_end=True), store)
        assert caught.group_contains(OffsetsMissing, match="no longer has offset 5")
        await consume(again(settings, offset_out_of_range="earliest"), How(until_end=True), store)

    asyncio.run(scenario())
    assert store.durable() == names(range(5)) | names(range(10, 20))


def test_an_offset_beyond_the_end_is_never_taken_for_a_place_to_go_on_from(kafka: Broker) -> None:
    settings = made(kafka, offset_out_of_range="earliest")

    async def scenario() -> None:
        await create(settings, 1)
        await send(settings, events(range(3)))
        place = TopicPartition(settings.topics[0], 0)
        bare = AIOKafkaConsumer(**connection.options(settings), group_id=settings.group, enable_auto_commit=False)
        bare.assign([place])
        await bare.start()
        await bare.commit({place: 100})
        await bare.stop()
        await consume(settings, How(), FakeStore([]))

    with pytest.raises(ExceptionGroup) as caught:
        asyncio.run(scenario())
    assert caught.group_contains(
        OffsetsMissing, match="ends before the committed offset 100; it was probably re-created"
    )


@pytest.mark.parametrize("named", [True, False])
def test_a_member_with_a_name_of_its_own_keeps_its_partitions_over_a_restart(kafka: Broker, named: bool) -> None:
    settings = made(kafka, session_seconds=30)
    staying, restarted = (again(settings, group_instance=name if named else None) for name in ("a", "b"))

    async def all_of(member: Joined, count: int) -> set[Partition]:
        while len(member.places) != count:
            await member.assigned()
        return set(member.places)

    async def scenario() -> int:
        await create(settings, 4)
        async with joined(staying, 90) as one:
            await all_of(one, 4)
            async with joined(restarted, 60) as two:
                before = await all_of(two, 2)
                await all_of(one, 2)
            rebalances = one.metrics.total("lineage_rebalances_total")
            async with joined(restarted, 60) as two:
                after = await all_of(two, 2)
                assert not named or after == before
                await asyncio.sleep(1)
                return int(one.metrics.total("lineage_rebalances_total") - rebalances)

    # Without a name both its leaving and its return are told to everybody.
    assert (asyncio.run(scenario()) == 0) == named

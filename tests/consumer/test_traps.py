"""The traps themselves, in bare aiokafka: when an upgrade turns one of these red, its fence may go.

Fences: tests/consumer/test_fences.py, by the same numbers.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

import aiokafka
import pytest
from aiokafka import AIOKafkaConsumer
from aiokafka.consumer.fetcher import Fetcher
from aiokafka.structs import TopicPartition

from consumer import connection
from tests.consumer.joined import on
from tests.consumer.mock_kafka import MockKafka, mock_kafka
from tests.consumer.raw import batch, put, record

PLACES = [TopicPartition("t", number) for number in range(9)]
ODD = [(b"\xff\xfe", b"x")]


@pytest.fixture
def kafka() -> Iterator[MockKafka]:
    with mock_kafka({"t": 9}) as cluster:
        yield cluster


@asynccontextmanager
async def bare(kafka: MockKafka) -> AsyncIterator[AIOKafkaConsumer]:
    async with asyncio.timeout(20):
        consumer = AIOKafkaConsumer(**connection.options(on(kafka)), auto_offset_reset="earliest")
        await consumer.start()
        consumer.assign(PLACES)
        try:
            yield consumer
        finally:
            await connection.stop(consumer)


def test_these_are_traps_of_the_version_that_we_pin() -> None:
    assert aiokafka.__version__ == "0.14.0"


def test_f1_a_call_over_several_partitions_drops_what_the_sound_ones_gave(kafka: MockKafka) -> None:
    async def scenario() -> None:
        for number in range(9):
            await put(on(kafka), "t", number, batch([record(0, b"k", b"v", ODD if number == 8 else ())]))
        async with bare(kafka) as consumer:
            while len(consumer._fetcher._records) < 9:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
            consumer._fetcher._records.move_to_end(PLACES[8])
            with pytest.raises(UnicodeDecodeError):
                await consumer.getmany()
            assert [await consumer.position(place) for place in PLACES[:8]] == [1] * 8, "moved on, and nothing given"

    asyncio.run(scenario())


def test_f2_an_odd_header_name_wedges_the_partition(kafka: MockKafka) -> None:
    async def scenario() -> None:
        await put(on(kafka), "t", 0, batch([record(0, b"k", b"v", ODD), record(1, b"k", b"sound")]))
        async with bare(kafka) as consumer:
            for _ in range(2):
                with pytest.raises(UnicodeDecodeError):
                    await consumer.getmany(PLACES[0], timeout_ms=5000)
            assert await consumer.position(PLACES[0]) == 0

    asyncio.run(scenario())


def test_f4_after_the_fetch_task_has_died_nothing_is_read_and_nothing_is_said(
    kafka: MockKafka, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(self: Fetcher, *arguments: object) -> None:
        raise ValueError("as aiokafka may")

    monkeypatch.setattr(Fetcher, "_proc_fetch_request", broken)

    async def scenario() -> None:
        await put(on(kafka), "t", 0, batch([record(0, b"k", b"v")]))
        async with bare(kafka) as consumer:
            while not consumer._fetcher._fetch_task.done():  # noqa: ASYNC110
                await asyncio.sleep(0.01)
            assert await consumer.getmany(timeout_ms=100) == {}

    asyncio.run(scenario())


def test_f6_a_failed_call_is_counted_as_going_on_for_ever(kafka: MockKafka) -> None:
    async def scenario() -> None:
        await put(on(kafka), "t", 0, batch([record(0, b"k", b"v", ODD)]))
        async with bare(kafka) as consumer:
            with pytest.raises(UnicodeDecodeError):
                await consumer.getmany(PLACES[0], timeout_ms=5000)
            assert consumer._subscription._fetch_count == 1

    asyncio.run(scenario())

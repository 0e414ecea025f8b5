"""Each fence against a trap of aiokafka 0.14, by the trap's number; on the wire, against a mock cluster.

Take a fence away and its test turns red. tests/consumer/test_traps.py shows which traps still exist.
"""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Iterator
from typing import Any

import pytest
from aiokafka.client import AIOKafkaClient
from aiokafka.consumer.fetcher import Fetcher
from aiokafka.consumer.group_coordinator import GroupCoordinator
from aiokafka.protocol.group import JoinGroupRequest

from consumer.records import Partition
from consumer.run import How, consume
from tests.consumer.fakes import FakeStore, event
from tests.consumer.joined import joined, on
from tests.consumer.mock_kafka import COORDINATOR_LOADING, JOIN_GROUP, OURS, MockKafka, mock_kafka
from tests.consumer.raw import batch, put, record

GOOD = [record(n, b"k", b"v%d" % n) for n in range(5)]
ODD_HEADER = [(b"\xff\xfe", b"x")]


@pytest.fixture
def kafka() -> Iterator[MockKafka]:
    with mock_kafka(OURS | {"t": 9}) as cluster:
        yield cluster


def test_f1_a_partition_that_fails_costs_the_others_nothing(kafka: MockKafka) -> None:
    async def scenario() -> None:
        settings = on(kafka)
        for number in range(9):
            bad = [record(n, b"k", b"%d-%d" % (number, n), ODD_HEADER if number == 8 else ()) for n in range(5)]
            await put(settings, "t", number, batch(bad))
        async with joined(settings) as one:
            await one.assigned()
            await one.buffered(9)
            await one.read(45)
            assert one.values() == sorted(b"%d-%d" % (number, n) for number in range(9) for n in range(5))

    asyncio.run(scenario())


def test_f2_a_header_name_that_is_not_utf8_does_not_wedge_its_partition(kafka: MockKafka) -> None:
    async def scenario() -> None:
        settings = on(kafka)
        await put(settings, "t", 0, batch([*GOOD[:2], record(2, b"k", b"odd", ODD_HEADER), *GOOD[3:]]))
        await put(settings, "t", 0, batch([record(0, b"k", b"later")]))
        async with joined(settings) as one:
            await one.read(6)
            assert [(r.offset, r.value) for r in one.records] == list(
                enumerate([b"v0", b"v1", b"odd", b"v3", b"v4", b"later"])
            )
            assert one.records[2].headers == (("hex:fffe", b"x"),)
            assert not one.condemned

    asyncio.run(scenario())


def test_f3_records_of_a_batch_with_a_wrong_checksum_are_condemned_and_the_next_batch_goes_on(
    kafka: MockKafka, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("consumer.reading.ALONE_SECONDS", 0.1)

    async def scenario() -> None:
        settings = on(kafka)
        await put(settings, "t", 0, batch(GOOD, damage=True))
        await put(settings, "t", 0, batch([record(0, b"k", b"later")]))
        async with joined(settings) as one:
            await one.read(6)
            assert [(c.record.offset, c.reason) for c in one.condemned] == [(n, "corrupt_batch") for n in range(5)]
            assert [(r.offset, r.value) for r in one.records] == [(5, b"later")]
            assert one.metrics.total("lineage_fetch_errors_total") == 2, "it was fetched anew before that"

    asyncio.run(scenario())


@pytest.mark.parametrize("codec", [1, 2, 3, 4])
def test_f3_a_batch_that_cannot_be_decompressed_is_condemned_as_a_whole(kafka: MockKafka, codec: int) -> None:
    async def scenario() -> None:
        settings = on(kafka)
        await put(settings, "t", 0, batch(GOOD, codec))
        await put(settings, "t", 0, batch(GOOD, codec, content=b"\x1f\x8bno such thing"))
        await put(settings, "t", 0, batch([record(0, b"k", b"later")], codec))
        async with joined(settings) as one:
            await one.read(7)
            ((condemned),) = one.condemned
            assert (condemned.record.offset, condemned.reason) == (5, "corrupt_batch")
            assert "offsets 5 to 9" in condemned.message
            assert b"no such thing" in (condemned.record.value or b"")
            assert one.values() == [b"later", b"v0", b"v1", b"v2", b"v3", b"v4"]

    asyncio.run(scenario())


def test_f3_one_broken_record_costs_itself_alone(kafka: MockKafka) -> None:
    async def scenario() -> None:
        settings = on(kafka)
        broken = bytes([GOOD[2][0]]) + b"\xff" * (len(GOOD[2]) - 1)
        await put(settings, "t", 0, batch([*GOOD[:2], broken, *GOOD[3:]]))
        async with joined(settings) as one:
            await one.read(5)
            assert [(c.record.offset, c.reason) for c in one.condemned] == [(2, "corrupt_record")]
            assert [r.offset for r in one.records] == [0, 1, 3, 4]

    asyncio.run(scenario())


def test_f4_a_new_consumer_takes_over_when_the_fetch_task_has_died(
    kafka: MockKafka, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def scenario() -> None:
        settings = on(kafka)
        async with joined(settings) as one:
            await one.assigned()
            _break_next_fetch(monkeypatch)
            await put(settings, "t", 0, batch(GOOD))
            await one.read(5)
            assert [r.offset for r in one.records] == list(range(5))
            assert one.metrics.total("lineage_consumer_rebuilds_total", reason="fetching") == 1

    asyncio.run(scenario())


def test_f4_a_new_consumer_takes_over_when_the_coordination_task_has_died(kafka: MockKafka) -> None:
    async def scenario() -> None:
        settings = on(kafka)
        async with joined(settings) as one:
            await one.assigned()
            one.client._coordinator._coordination_task.cancel()
            await put(settings, "t", 0, batch(GOOD))
            await one.read(5)
            assert one.metrics.total("lineage_consumer_rebuilds_total", reason="coordinating") == 1

    asyncio.run(scenario())


def test_f4_a_new_consumer_takes_over_when_nothing_is_fetched_though_kafka_has_more(
    kafka: MockKafka, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("consumer.member.SILENT_SECONDS", 0.3)

    async def scenario() -> None:
        settings = on(kafka)
        async with joined(settings) as one:
            await one.assigned()
            one.client._fetcher._fetch_task.cancel()
            one.client._fetcher._fetch_task = asyncio.ensure_future(asyncio.sleep(60))  # alive, and asks nothing
            await put(settings, "t", 0, batch(GOOD))
            reading = asyncio.create_task(one.read(5))
            while not reading.done():
                one.source.watch(await one.source.ends([Partition("t", 0)]))
                await asyncio.sleep(0.1)
            await reading
            assert one.metrics.total("lineage_consumer_rebuilds_total", reason="silent") == 1

    asyncio.run(scenario())


def test_f4_a_partition_that_is_held_back_on_purpose_is_not_taken_for_silence(
    kafka: MockKafka, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("consumer.member.SILENT_SECONDS", 0.2)

    async def scenario() -> None:
        settings = on(kafka)
        await put(settings, "t", 0, batch(GOOD))
        async with joined(settings) as one:
            await one.assigned()
            await one.buffered(1)
            for _ in range(5):
                one.source.watch(await one.source.ends([Partition("t", 0), Partition("t", 1)]))
                await one.source.hold(50)
            await one.read(5)
            assert one.metrics.total("lineage_consumer_rebuilds_total") == 0

    asyncio.run(scenario())


def test_f4_the_process_ends_when_new_consumers_do_not_help(kafka: MockKafka, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("consumer.member.MOST_REBUILDS", 1)

    async def scenario() -> None:
        async with joined(on(kafka)) as one:
            one.client._fetcher._fetch_task.cancel()
            await asyncio.sleep(0.05)
            await one.member.check()
            one.client._fetcher._fetch_task.cancel()
            await asyncio.sleep(0.05)
            with pytest.raises(RuntimeError, match="stopped fetching again"):
                await one.member.check()

    asyncio.run(scenario())


def test_f5_a_commit_ends_in_time_when_no_broker_answers(kafka: MockKafka, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("consumer.source.COMMIT_SECONDS", 0.3)

    async def scenario() -> None:
        settings = on(kafka)
        async with joined(settings) as one:
            await one.assigned()
            kafka.down()
            assert not await one.source.commit(one.places)
            assert one.metrics.total("lineage_commits_total", result="failed") == 1
            kafka.up()
            while not await one.source.commit(one.places):
                await one.source.hold(50)

    asyncio.run(scenario())


def test_f5_a_poll_that_waits_for_the_group_for_ever_does_not_keep_us_from_stopping(
    kafka: MockKafka, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("consumer.worker.POLL_SECONDS", 0.2)

    async def scenario() -> None:
        store = FakeStore([])
        settings = on(kafka)
        await put(settings, "t", 0, batch([record(0, b"k", event(1))]))
        coordinators = _coordinators(monkeypatch)
        running = asyncio.create_task(consume(settings, How(), store))
        while not store.durable():  # noqa: ASYNC110
            await asyncio.sleep(0.05)
        kafka.fail(JOIN_GROUP, *[COORDINATOR_LOADING] * 10_000)
        coordinators[-1].request_rejoin()
        await asyncio.sleep(0.5)
        os.kill(os.getpid(), signal.SIGTERM)
        async with asyncio.timeout(20):
            assert (await running)["written"] == 1

    asyncio.run(scenario())


def test_f6_a_failed_read_leaves_the_guard_against_a_hanging_poller_in_force(kafka: MockKafka) -> None:
    async def scenario() -> None:
        settings = on(kafka)
        await put(settings, "t", 0, batch([record(0, b"k", b"v", ODD_HEADER)]))
        async with joined(settings) as one:
            await one.read(1)
            subscription = one.client._subscription
            assert subscription._fetch_count == 0
            before = subscription.fetcher_idle_time
            await asyncio.sleep(0.02)
            assert subscription.fetcher_idle_time > before, "the time without a poll counts"

    asyncio.run(scenario())


def test_f7_the_group_waits_long_enough_and_we_wait_longer(kafka: MockKafka, monkeypatch: pytest.MonkeyPatch) -> None:
    requests = _joins(monkeypatch)

    async def scenario() -> None:
        async with joined(on(kafka, session_seconds=45)) as one:
            await one.assigned()
            (join, *_) = requests
            assert join._session_timeout == 45_000
            assert join._rebalance_timeout == 30_000
            assert one.client._client._request_timeout_ms > join._rebalance_timeout

    asyncio.run(scenario())


def test_f8_no_other_event_loop_than_asyncios_own_is_used(kafka: MockKafka) -> None:
    class Loop(asyncio.SelectorEventLoop):
        pass

    Loop.__module__ = "uvloop"
    loop = Loop()
    try:
        with pytest.raises(RuntimeError, match="uvloop"):
            loop.run_until_complete(consume(on(kafka), How(until_end=True), FakeStore([])))
    finally:
        loop.close()


def test_f9_exactly_one_assignor_is_offered(kafka: MockKafka, monkeypatch: pytest.MonkeyPatch) -> None:
    requests = _joins(monkeypatch)

    async def scenario() -> None:
        async with joined(on(kafka)) as one:
            await one.assigned()
            assert len(one.places) == 9
        assert {tuple(name for name, _ in join._group_protocols) for join in requests} == {("roundrobin",)}

    asyncio.run(scenario())


def _joins(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    seen, send = [], AIOKafkaClient.send

    async def watched(self: AIOKafkaClient, node: int, request: Any, **more: Any) -> Any:
        if isinstance(request, JoinGroupRequest):
            seen.append(request)
        return await send(self, node, request, **more)

    monkeypatch.setattr(AIOKafkaClient, "send", watched)
    return seen


def _coordinators(monkeypatch: pytest.MonkeyPatch) -> list[GroupCoordinator]:
    made, init = [], GroupCoordinator.__init__

    def watched(self: GroupCoordinator, *arguments: Any, **more: Any) -> None:
        made.append(self)
        init(self, *arguments, **more)

    monkeypatch.setattr(GroupCoordinator, "__init__", watched)
    return made


def _break_next_fetch(monkeypatch: pytest.MonkeyPatch) -> None:
    fetch = Fetcher._proc_fetch_request

    async def broken(self: Fetcher, *arguments: Any) -> Any:
        monkeypatch.setattr(Fetcher, "_proc_fetch_request", fetch)
        raise ValueError("as aiokafka may")

    monkeypatch.setattr(Fetcher, "_proc_fetch_request", broken)

"""Outages of the graph, of Kafka and of the dead-letter topic: held, never skipped, and gone on from by itself."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from itertools import pairwise

import pytest

from consumer.graph import CLOSED, HALF_OPEN, OPEN, Timing
from consumer.records import Partition
from consumer.run import How, consume
from consumer.settings import Settings
from lineagegraph.errors import GraphUnavailable
from lineagegraph.facts import Facts
from tests.consumer.fakes import FakeStore, event, eventually, rig
from tests.consumer.joined import on
from tests.consumer.mock_kafka import (
    COORDINATOR_LOADING,
    FETCH,
    HEARTBEAT,
    NOT_COORDINATOR,
    NOT_LEADER,
    OFFSET_COMMIT,
    OURS,
    MockKafka,
    mock_kafka,
)
from tests.consumer.raw import batch, put, record

P0, P1 = Partition("t", 0), Partition("t", 1)


def test_after_an_outage_one_batch_alone_is_tried_before_all_are_let_through() -> None:
    one = rig({0: [event(n) for n in range(200)]}, batch_records=5, batches_in_flight=4)
    one.store.down = True
    probes: list[int] = []
    seen: set[float] = set()

    def watch(facts: Facts) -> None:
        seen.add(one.metrics.total("lineage_breaker_state"))
        if one.worker.graph.half_open:
            time.sleep(0.1)  # others would begin meanwhile
            probes.append(one.worker.room.batches)

    one.store.before_write = watch

    async def scenario() -> None:
        running = asyncio.create_task(one.run_until(one.finished))
        await eventually(lambda: one.metrics.total("lineage_breaker_state") == OPEN)
        one.store.down = False
        await running

    asyncio.run(scenario())
    assert probes == [1]
    assert seen >= {float(HALF_OPEN), float(CLOSED)}
    assert one.store.durable() == {f"run-{n}" for n in range(200)}


def test_a_graph_that_answers_but_takes_no_write_is_waited_for_longer_and_longer(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[int] = []

    def backoff(attempt: int) -> float:
        asked.append(attempt)
        return 0.001

    monkeypatch.setattr("consumer.graph.backoff", backoff)
    one = rig({0: [event(0)]})
    refusals = iter(range(6))

    def refuse(facts: Facts) -> None:
        if next(refusals, None) is not None:
            raise GraphUnavailable("read only")

    one.store.before_write = refuse
    asyncio.run(one.run_until(one.finished))
    assert asked == list(range(5)), "the first failure is probed at once"
    assert one.metrics.total("lineage_breaker_state") == CLOSED
    assert one.worker.graph._failures == 0, "the next outage begins with short waits again"


def test_the_waits_between_probes_are_spread_over_a_bound_that_doubles() -> None:
    from consumer.graph import backoff

    for attempt, bound in [(0, 0.5), (1, 1.0), (4, 8.0), (6, 30.0), (1_000, 30.0)]:
        waits = [backoff(attempt) for _ in range(500)]
        assert max(waits) <= bound
        assert max(waits) > bound * 0.8
        assert min(waits) < bound * 0.2


def test_no_more_bytes_are_held_than_allowed() -> None:
    large = [event(n, filler="x" * 100_000) for n in range(40)]
    one = rig({0: large}, batch_records=2, batches_in_flight=64, bytes_in_flight=2**20)
    gate, most = threading.Event(), [0]

    def slow(facts: Facts) -> None:
        most[0] = max(most[0], one.worker.room.bytes)
        gate.wait(10)

    one.store.before_write = slow

    async def scenario() -> None:
        running = asyncio.create_task(one.run_until(one.finished, seconds=30))
        await eventually(lambda: one.worker.room.bytes > 2**20)
        await asyncio.sleep(0.3)
        assert one.worker.in_flight < 10
        gate.set()
        await running

    asyncio.run(scenario())
    assert most[0] < 2**20 + 300_000
    assert one.worker.room.bytes == 0
    assert one.worker.room.batches == 0


def test_what_is_written_takes_no_memory_while_its_neighbours_letter_waits() -> None:
    one = rig({0: [event(0, filler="x" * 500_000), b"{"]})
    one.burial.away = True

    async def scenario() -> None:
        running = asyncio.create_task(one.run_until(one.finished))
        await eventually(lambda: bool(one.worker.delivery.blocked))
        assert one.worker.room.bytes == 1
        one.burial.away = False
        await running

    asyncio.run(scenario())


def test_letters_that_wait_without_end_stop_the_intake_at_the_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("consumer.delivery.backoff", lambda attempt: 0.01)
    bad = {number: [b"x" * 700_000] * 3 for number in range(6)}
    one = rig(bad, bytes_in_flight=2**20, batch_records=1, brake_run=0, brake_share=0)
    one.burial.away = True

    async def scenario() -> None:
        running = asyncio.create_task(one.run_until(one.finished, seconds=30))
        await eventually(lambda: len(one.of("hold")) > 1)
        assert one.worker.room.bytes <= 2**20 + 6 * 700_000
        one.burial.away = False
        await running

    asyncio.run(scenario())
    assert len({letter.record.id for letter in one.burial.buried}) == 18


@pytest.fixture
def kafka() -> Iterator[MockKafka]:
    with mock_kafka(OURS | {"t": 3}, brokers=3) as cluster:
        yield cluster


Mishap = Callable[[MockKafka], Awaitable[None]]


async def _all_brokers(kafka: MockKafka) -> None:
    kafka.down()
    await asyncio.sleep(1.5)
    kafka.up()


async def _coordinator(kafka: MockKafka) -> None:
    for broker in (2, 3, 1):
        kafka.coordinate("g", broker)
        await asyncio.sleep(0.3)


async def _leaders(kafka: MockKafka) -> None:
    for partition in range(3):
        kafka.lead("t", partition, (partition + 1) % 3 + 1)
    await asyncio.sleep(0.3)


async def _errors(kafka: MockKafka) -> None:
    kafka.fail(OFFSET_COMMIT, *[NOT_COORDINATOR, COORDINATOR_LOADING] * 2)
    kafka.fail(HEARTBEAT, NOT_COORDINATOR)
    kafka.fail(FETCH, *[NOT_LEADER] * 3)
    await asyncio.sleep(0.3)


@pytest.mark.parametrize("mishap", [_all_brokers, _coordinator, _leaders, _errors], ids=lambda one: one.__name__[1:])
def test_kafkas_mishaps_lose_nothing_and_need_nobody(kafka: MockKafka, mishap: Mishap) -> None:
    settings = on(kafka)
    store = FakeStore([])

    async def scenario() -> None:
        await _fill(settings, 0)
        running = asyncio.create_task(consume(settings, How(), store))
        await eventually(lambda: len(store.durable()) == 30)
        await mishap(kafka)
        await _fill(settings, 100)
        await eventually(lambda: len(store.durable()) == 60)
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)

    async def bounded() -> None:
        async with asyncio.timeout(60):
            await scenario()

    asyncio.run(bounded())
    assert store.durable() == {f"run-{n}" for n in [*range(30), *range(100, 130)]}


async def _fill(settings: Settings, first: int) -> None:
    for number in range(3):
        rows = [record(n, b"k", event(first + number * 10 + n)) for n in range(10)]
        await put(settings, "t", number, batch(rows))


def test_while_the_graph_is_away_the_other_stages_go_on_holding() -> None:
    one = rig({0: [event(n) for n in range(10)]})
    one.store.down = True

    async def scenario() -> None:
        running = asyncio.create_task(one.run_until(one.finished))
        await eventually(lambda: len(one.of("hold")) > 5)
        turned = one.worker.turned_at
        await asyncio.sleep(0.05)
        assert one.worker.turned_at > turned, "the watchdog sees us turn"
        one.store.down = False
        await running

    asyncio.run(scenario())


def test_a_graph_that_is_too_slow_for_our_load_gets_less_of_it_until_it_keeps_up() -> None:
    one = rig(
        {0: [event(n) for n in range(200)]},
        sync=0.1,
        timing=Timing(sync=0.1, restart=0.1, beat=0.02),
        batch_records=5,
        batches_in_flight=8,
    )
    beat, allowed = one.store.heartbeat, list[int]()

    def write(facts: Facts) -> None:
        allowed.append(one.worker.graph.batches(8))
        time.sleep(0.03)

    def heartbeat() -> str:
        time.sleep(0.03 * one.worker.room.batches)  # as in a server that works off one request after the other
        return beat()

    one.store.before_write, one.store.heartbeat = write, heartbeat  # type: ignore[method-assign]
    asyncio.run(one.run_until(one.finished, seconds=30))
    assert one.of("forget"), "the heartbeat was late at first"
    assert one.accounts()["written"] >= 200
    assert any(less < more for less, more in pairwise(allowed)), "what it has shown to be able to take it gets"

"""The accounts: received = written + dead + skipped + given up + in flight, per partition; and the lag."""

from __future__ import annotations

import asyncio
import threading
import time
from collections import Counter

import pytest

from consumer.accounts import Accounts
from consumer.metrics import Metrics
from consumer.records import Partition
from consumer.tracker import Tracker
from consumer.watch import Ages
from lineagegraph.facts import Facts
from tests.consumer.fakes import event, eventually, rig

P0, P1 = Partition("t", 0), Partition("t", 1)


def published(metrics: Metrics, accounts: Accounts) -> tuple[float, float]:
    accounts.publish()
    flying = metrics.total("lineage_records_in_flight")
    return flying, metrics.total("lineage_accounting_mismatch_records")


def test_what_ended_once_adds_up() -> None:
    metrics = Metrics()
    accounts = Accounts(metrics)
    carried = accounts.received(Counter({P0: 3, P1: 2}))
    assert published(metrics, accounts) == (5, 0)
    accounts.ended(carried, P0, "written", 3)
    assert published(metrics, accounts) == (2, 0)
    accounts.ended(carried, P1, "dead", 2)
    accounts.landed(carried)
    assert published(metrics, accounts) == (0, 0)
    assert accounts.of(P1) == {"received": 2, "written": 0, "dead": 2, "skipped": 0, "given_up": 0, "in_flight": 0}
    assert accounts.all() == {"received": 5, "written": 3, "dead": 2, "skipped": 0, "given_up": 0}


@pytest.mark.parametrize("ends", [0, 2, 4])
def test_what_never_ended_or_ended_twice_is_a_mismatch(ends: int) -> None:
    metrics = Metrics()
    accounts = Accounts(metrics)
    carried = accounts.received(Counter({P0: 3}))
    accounts.ended(carried, P0, "written", ends)
    accounts.landed(carried)
    assert published(metrics, accounts) == (0, abs(3 - ends))
    assert accounts.mismatch() == Counter({P0: abs(3 - ends)})


def test_what_is_in_flight_is_told_per_partition_while_it_is() -> None:
    one = rig({0: [event(0)] * 4, 1: [event(1)] * 2})
    gate = threading.Event()

    def block(facts: Facts) -> None:
        gate.wait(10)

    one.store.before_write = block

    async def scenario() -> None:
        running = asyncio.create_task(one.run_until(one.finished))
        await eventually(lambda: one.worker.accounts.in_flight().total() == 6)
        one.worker.publish()
        assert one.metrics.total("lineage_records_in_flight", partition="0") == 4
        assert one.metrics.total("lineage_in_flight_bytes") > 0
        assert not one.worker.accounts.mismatch()
        gate.set()
        await running

    asyncio.run(scenario())
    one.worker.publish()
    assert one.metrics.total("lineage_in_flight_bytes") == 0
    assert not one.worker.accounts.mismatch()
    assert not one.worker.accounts.in_flight()


def test_the_age_of_the_lag_is_that_of_the_oldest_record_that_is_not_committed() -> None:
    ages, tracker = Ages(), Tracker(0)
    assert ages.of(P0, tracker, 0) == 0
    tracker.take(5, timestamp=int((time.time() - 100) * 1000))
    assert 99 < ages.of(P0, tracker, 5) < 130


def test_a_lag_of_which_nothing_is_read_grows_older_too(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [1000.0]
    monkeypatch.setattr("consumer.watch.time.monotonic", lambda: now[0])
    ages, tracker = Ages(), Tracker(0)
    assert ages.of(P0, tracker, 5) == 0
    now[0] += 30
    assert ages.of(P0, tracker, 9) == 30
    ticket = tracker.take(3)
    ticket.done(0)
    tracker.commit(tracker.safe(0))
    assert ages.of(P0, tracker, 9) == 0, "it got on"
    assert ages.of(P0, tracker, 3) == 0

"""The worker on fakes with one shared log: what it does, in which order, and what it never does."""

from __future__ import annotations

import asyncio
import threading
import time

import pytest

from consumer.graph import Timing
from consumer.records import Partition
from lineagegraph.errors import GraphUnavailable, SchemaMismatch
from lineagegraph.facts import Facts
from tests.consumer.fakes import Rig, event, eventually, rig, runs

P0, P1 = Partition("t", 0), Partition("t", 1)


def adds_up(one: Rig) -> bool:
    accounts = one.accounts()
    return accounts.pop("received") == sum(accounts.values())


def test_everything_is_written_before_it_is_committed() -> None:
    one = rig({0: [event(n) for n in range(30)], 1: [event(n) for n in range(100, 120)]}, batch_records=7)
    asyncio.run(one.run_until(one.finished))
    assert one.store.durable() == {f"run-{n}" for n in [*range(30), *range(100, 120)]}
    written: set[str] = set()
    for what, detail in one.log:
        if what == "write":
            assert isinstance(detail, set)
            written |= detail
        elif what == "commit":
            assert isinstance(detail, dict)
            assert {f"run-{n}" for n in range(detail.get(P0, 0))} <= written
            assert {f"run-{100 + n}" for n in range(detail.get(P1, 0))} <= written
    assert one.accounts() == {"received": 50, "written": 50, "dead": 0, "skipped": 0, "given_up": 0}


def test_a_dead_letter_is_acknowledged_before_its_offset_is_committed() -> None:
    one = rig({0: [event(0), b"{not json", event(2), None]})
    asyncio.run(one.run_until(one.finished))
    assert [letter.record.offset for letter in one.burial.buried] == [1]
    assert max(one.places("write")) < min(one.places("bury")) < min(one.places("commit"))
    assert one.accounts() == {"received": 4, "written": 2, "dead": 1, "skipped": 1, "given_up": 0}


def test_the_guilty_alone_is_buried_when_the_graph_refuses_a_batch() -> None:
    one = rig({0: [event(n) for n in range(16)]})
    one.store.rejects = frozenset({"run-11"})
    asyncio.run(one.run_until(one.finished))
    (letter,) = one.burial.buried
    assert (letter.record.offset, letter.reason, letter.disposition) == (11, "rejected", "rejected")
    assert "secret-content" not in letter.message
    assert one.store.durable() == {f"run-{n}" for n in range(16)} - {"run-11"}
    assert len(one.of("write")) == 4  # 8 + 4 + 2 + 1 others, and every refused half was tried once
    assert adds_up(one)


def test_an_outage_buries_and_commits_nothing_and_stays_in_the_group() -> None:
    one = rig({0: [event(n) for n in range(10)]})
    one.store.down = True

    async def scenario() -> None:
        running = asyncio.create_task(one.run_until(one.finished))
        await asyncio.sleep(0.3)
        assert not one.of("commit")
        assert not one.burial.buried
        assert len(one.of("hold")) > 10
        one.store.down = False
        await running

    asyncio.run(scenario())
    assert one.places("forget")
    assert one.places("forget")[0] < one.places("seek")[0] < one.places("write")[0]
    assert one.store.durable() == {f"run-{n}" for n in range(10)}
    assert one.accounts()["given_up"] > 0
    assert adds_up(one)


def test_what_was_acknowledged_but_not_on_disk_is_read_again_after_a_crash_of_the_store() -> None:
    one = rig({0: [event(n) for n in range(40)]}, sync=0.3, batch_records=5)

    async def scenario() -> None:
        running = asyncio.create_task(one.run_until(one.finished))
        await eventually(lambda: len(one.of("write")) >= 5)
        one.store.crash()
        await asyncio.sleep(0.1)
        one.store.down = False
        await running

    asyncio.run(scenario())
    assert one.store.durable() == {f"run-{n}" for n in range(40)}
    assert one.metrics.total("lineage_rewinds_total") == 1
    assert adds_up(one)


def test_the_store_forgets_only_after_all_writes_of_before_have_ended() -> None:
    one = rig({0: [event(0), event(1)]}, batch_records=1)
    gate, failed = threading.Event(), threading.Event()

    def before_write(facts: Facts) -> None:
        if runs(facts) == {"run-0"} and not gate.is_set():
            gate.wait(5)
        elif not failed.is_set():
            failed.set()
            raise GraphUnavailable("for a moment")

    one.store.before_write = before_write

    async def scenario() -> None:
        running = asyncio.create_task(one.run_until(one.finished))
        await eventually(failed.is_set)
        await asyncio.sleep(0.1)
        assert not one.of("forget")
        gate.set()
        await running

    asyncio.run(scenario())
    assert one.places("write")[0] < one.places("forget")[0], "a late acknowledgement must not outlive the forgetting"
    assert one.of("write").count({"run-0"}) == 2


def test_a_heartbeat_that_is_late_is_an_outage_even_if_it_succeeds() -> None:
    one = rig({0: [event(n) for n in range(3)]}, sync=0.2, timing=Timing(0.2, restart=0.1, beat=0.02))
    slow = threading.Event()
    beat = one.store.heartbeat

    def heartbeat() -> str:
        if not slow.is_set():
            slow.set()
            time.sleep(0.25)
        return beat()

    one.store.heartbeat = heartbeat  # type: ignore[method-assign]
    asyncio.run(one.run_until(one.finished))
    assert one.metrics.total("lineage_graph_errors_total", kind="late") == 1
    assert one.places("forget")[0] < one.places("commit")[0]
    assert one.metrics.total("lineage_rewinds_total") == 1


def test_offsets_are_committed_only_after_the_sync_period_and_a_heartbeat() -> None:
    one = rig({0: [event(0)]}, sync=0.25)
    moments: dict[str, float] = {}
    one.store.before_write = lambda facts: moments.setdefault("write", time.monotonic())  # type: ignore[assignment]
    asyncio.run(one.run_until(lambda: one.finished() and bool(moments.setdefault("commit", time.monotonic()))))
    assert moments["commit"] - moments["write"] >= 0.25
    assert len(one.of("beat")) >= 3


def test_dead_letters_alone_do_not_wait_for_the_graph() -> None:
    one = rig({0: [b"{"]}, sync=30.0)
    asyncio.run(one.run_until(one.finished, seconds=3))
    assert one.source.committed == {P0: 1}


def test_a_late_completion_after_a_revoke_commits_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("consumer.worker.DRAIN_SECONDS", 0.05)
    one = rig({0: [event(0), event(1)]})
    gate, writing = threading.Event(), threading.Event()

    def block(facts: Facts) -> None:
        if not writing.is_set():
            writing.set()
            gate.wait(5)

    one.store.before_write = block

    async def scenario() -> None:
        running = asyncio.create_task(one.run_until(one.finished))
        await eventually(writing.is_set)
        await one.source.rebalance(one.worker)
        assert not one.of("commit")
        gate.set()
        await running

    asyncio.run(scenario())
    assert one.metrics.total("lineage_records_total", result="given_up") == 2
    assert one.places("revoked")[0] < one.places("commit")[0]
    assert len(one.of("assigned")) == 2
    assert adds_up(one)


def test_a_revoke_lets_what_is_in_flight_end_and_commits_it() -> None:
    one = rig({0: [event(n) for n in range(6)]}, commit_seconds=60)
    one.worker._committed_at = time.monotonic()
    writing = threading.Event()

    def slow(facts: Facts) -> None:
        writing.set()
        time.sleep(0.1)

    one.store.before_write = slow

    async def scenario() -> None:
        running = asyncio.create_task(one.run_until(one.finished))
        await eventually(writing.is_set)
        await one.source.rebalance(one.worker)
        assert one.source.committed == {P0: 6}
        await running

    asyncio.run(scenario())
    assert one.places("commit")[0] < one.places("revoked")[0]


def test_another_graph_that_answers_ends_the_run_with_the_remedy() -> None:
    one = rig({0: [event(0)]})
    one.store.graph_id = "graph-2"
    with pytest.raises(ExceptionGroup) as caught:
        asyncio.run(one.run_until(lambda: False))
    (error,) = caught.value.exceptions
    assert isinstance(error, SchemaMismatch)
    assert "--replay-from-earliest" in str(error)
    assert not one.of("commit")


def test_stopping_drains_and_commits_and_polls_no_more() -> None:
    timing = Timing(0.2, restart=5.0, beat=0.02)
    one = rig({0: [event(n) for n in range(1000)]}, sync=0.2, timing=timing, batch_records=10, batches_in_flight=2)
    one.store.before_write = lambda facts: time.sleep(0.02)  # the end must be far when we stop
    asyncio.run(one.run_until(lambda: len(one.of("write")) >= 4))
    committed = one.source.committed[P0]
    assert 40 <= committed < 1000
    assert {f"run-{n}" for n in range(committed)} <= one.store.durable()
    assert committed == one.accounts()["written"]


def test_stopping_during_an_outage_ends_at_once_and_commits_nothing() -> None:
    one = rig({0: [event(0)]}, sync=5.0)
    one.store.down = True
    asyncio.run(one.run_until(lambda: len(one.of("hold")) > 3, seconds=3))
    assert not one.of("commit")


def test_only_the_partition_with_an_unburied_letter_waits() -> None:
    one = rig({0: [b"{", *(event(n) for n in range(1, 30))], 1: [event(n) for n in range(100, 140)]}, batch_records=2)
    one.burial.away = True

    async def scenario() -> None:
        running = asyncio.create_task(one.run_until(one.finished))
        await eventually(lambda: one.source.committed.get(P1) == 40)
        assert P0 not in one.source.committed
        assert one.metrics.total("lineage_records_received_total", partition="0") < 30, "its memory is bounded"
        one.burial.away = False
        await running

    asyncio.run(scenario())
    assert [letter.record.id for letter in one.burial.buried] == ["t-0-0"]
    assert adds_up(one)


def test_a_bug_ends_the_run_and_commits_nothing() -> None:
    one = rig({0: [event(0)]})

    def bug(facts: Facts) -> None:
        raise ZeroDivisionError(str(runs(facts)))

    one.store.before_write = bug
    with pytest.raises(ExceptionGroup) as caught:
        asyncio.run(one.run_until(lambda: False))
    assert isinstance(caught.value.exceptions[0], ZeroDivisionError)
    assert not one.of("commit")


def test_a_failed_commit_is_tried_again() -> None:
    one = rig({0: [event(0)]})
    one.source.commits_fail = 3
    asyncio.run(one.run_until(one.finished))
    assert one.source.committed == {P0: 1}


def test_a_stretch_without_records_is_passed() -> None:
    one = rig({0: [event(0), event(1)]})
    one.source.partitions[P0] = [one.source.partitions[P0][1]]  # offset 0 was compacted away
    asyncio.run(one.run_until(one.finished))
    assert one.source.committed == {P0: 2}

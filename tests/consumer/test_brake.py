"""The brake: when a partition stops, when it does not, and what releasing it means."""

from __future__ import annotations

import asyncio

from consumer.brake import WINDOW, Brake
from consumer.notes import Note
from consumer.records import Partition
from tests.consumer.fakes import Rig, event, eventually, rig

P0, P1 = Partition("t", 0), Partition("t", 1)
BAD, GOOD = True, False


def test_so_many_invalid_records_in_a_row_stop_the_partition() -> None:
    brake = Brake(3, 0)
    assert brake.judge([BAD, BAD, GOOD, BAD, BAD]) is None
    assert brake.judge([BAD]) == "3 invalid records in a row"


def test_a_large_share_stops_it_once_there_is_something_to_take_it_of() -> None:
    brake = Brake(0, 0.5)
    assert brake.judge([BAD, GOOD] * (WINDOW // 2 - 1) + [BAD]) is None
    assert brake.judge([GOOD]) is None, "half is not more than half"
    assert brake.judge([BAD, BAD]) == f"{WINDOW // 2 + 1} of the latest {WINDOW} records are invalid"


def test_a_limit_of_nought_is_none() -> None:
    assert Brake(0, 0).judge([BAD] * 10_000) is None


def test_once_released_it_counts_anew_from_the_next_valid_record_on() -> None:
    brake = Brake(3, 0)
    assert brake.judge([BAD] * 3)
    brake.release()
    assert brake.judge([BAD] * 50) is None
    assert brake.judge([GOOD, BAD, BAD]) is None
    assert brake.judge([BAD])


def flooded() -> Rig:
    """Partition 0: one good event, a flood of bad ones, a good one. Partition 1: good events."""
    bad = [event(0), *[b"{"] * 60, event(1)]
    return rig({0: bad, 1: [event(n) for n in range(100, 240)]}, batch_records=5, brake_run=10)


def at_the_halt(one: Rig) -> bool:
    return one.source.committed.get(P1) == 140 and one.source.notes.get(P0, Note()).brake == "halted"


def test_a_flood_of_invalid_records_halts_its_partition_and_no_other() -> None:
    one = flooded()
    asyncio.run(one.run_until(lambda: at_the_halt(one)))
    one.worker.publish()
    assert one.metrics.total("lineage_partition_halted", partition="0") == 1
    assert one.metrics.total("lineage_partition_halted", partition="1") == 0
    assert len(one.burial.buried) < 10, "what trips the brake is not buried either"
    assert one.source.committed[P0] <= 10
    assert one.metrics.total("lineage_records_received_total", partition="0") < 62, "no more is taken from it"
    assert one.store.durable() >= {f"run-{n}" for n in range(100, 240)}
    accounts = one.accounts()
    assert accounts.pop("received") == sum(accounts.values())


def test_a_halt_outlives_the_process() -> None:
    one = flooded()
    asyncio.run(one.run_until(lambda: at_the_halt(one)))
    two = flooded()
    two.source.committed, two.source.notes = dict(one.source.committed), dict(one.source.notes)

    async def scenario() -> None:
        running = asyncio.create_task(two.run_until(lambda: False, seconds=20))
        await eventually(lambda: two.worker.lease is not None)
        await asyncio.sleep(0.1)
        assert two.worker.lease is not None
        assert two.worker.lease.halted == {P0: "since an earlier run"}
        assert not two.burial.buried
        two.worker.stopping.set()
        await running

    asyncio.run(scenario())


def test_resuming_buries_up_to_the_next_valid_event_and_loses_nothing() -> None:
    one = flooded()

    async def scenario() -> None:
        running = asyncio.create_task(one.run_until(one.finished))
        await eventually(lambda: at_the_halt(one))
        assert not one.worker.resume(P1), "it is not halted"
        assert one.worker.resume(P0)
        await running

    asyncio.run(scenario())
    assert {letter.record.offset for letter in one.burial.buried} == set(range(1, 61))
    assert one.store.durable() >= {"run-0", "run-1"}
    assert one.source.notes[P0].brake == "on", "the valid event has taken the release back"


def test_the_halt_survives_an_outage_of_the_graph() -> None:
    one = flooded()

    async def scenario() -> None:
        running = asyncio.create_task(one.run_until(lambda: False, seconds=20))
        await eventually(lambda: at_the_halt(one))
        one.store.crash()
        one.worker.graph._fail("unavailable", "test")
        await asyncio.sleep(0.05)
        one.store.down = False
        await eventually(lambda: one.metrics.total("lineage_rewinds_total") == 1)
        assert one.worker.lease is not None
        assert P0 in one.worker.lease.halted
        one.worker.stopping.set()
        await running

    asyncio.run(scenario())


def test_a_setting_takes_the_brake_away() -> None:
    one = rig({0: [b"{"] * 500}, brake_run=0, brake_share=0)
    asyncio.run(one.run_until(one.finished))
    assert len(one.burial.buried) == 500


def test_what_the_graph_refuses_counts_and_what_is_skipped_does_not() -> None:
    one = rig({0: [None, event(1), None, event(2), event(3)]}, brake_run=3)
    one.store.rejects = frozenset({"run-1", "run-2", "run-3"})
    asyncio.run(one.run_until(lambda: one.source.notes.get(P0, Note()).brake == "halted"))


def test_batches_that_are_in_flight_when_the_brake_trips_are_not_buried() -> None:
    one = rig({0: [b"{"] * 12}, batch_records=4, batches_in_flight=3, brake_run=4)
    asyncio.run(one.run_until(lambda: one.source.notes.get(P0, Note()).brake == "halted"))
    assert not one.burial.buried

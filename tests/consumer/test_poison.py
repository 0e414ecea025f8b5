"""Records that kill their reader: found through the notes with the offsets, buried unparsed, alone."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

import pytest

from consumer.batch import Good, Reader, Skip
from consumer.deadletters import DeadLetter
from consumer.notes import Note, Probe
from consumer.records import Partition, Record
from lineagegraph.naming import Naming
from tests.consumer.fakes import Rig, event, eventually, rig

P0, P1 = Partition("t", 0), Partition("t", 1)
POISON = b"poison"


class Died(Exception):
    """Stands for the end of the process: nothing that the process would do in order happens after it."""


@dataclass(frozen=True, slots=True)
class Mortal(Reader):
    """Dies of a poisonous record."""

    def read(self, record: Record, horizon: int = 0) -> Good | DeadLetter | Skip:
        if record.value == POISON:
            raise Died
        return Reader.read(self, record)


def process(values: dict[int, Sequence[bytes | None]], before: Rig | None = None, sync: float = 0.0) -> Rig:
    """A process that finds in Kafka, in the graph and in the dead letters what the one before it left there."""
    one = rig(values, sync=sync, batch_records=20, commit_seconds=0.05)
    one.worker.delivery._reader = Mortal(Naming.load(None))
    if before is not None:
        one.source.committed, one.source.notes = dict(before.source.committed), dict(before.source.notes)
        one.store.disk = before.store.durable()
        one.burial.buried = before.burial.buried
    return one


def live(one: Rig) -> bool:
    """Whether it came to its end in order."""
    try:
        asyncio.run(one.run_until(one.finished, seconds=30))
    except ExceptionGroup as errors:
        if errors.split(Died)[1] is not None:
            raise
        return False
    return True


def until_all_is_read(values: dict[int, Sequence[bytes | None]], sync: float = 0.0) -> tuple[Rig, int]:
    """One process after the other; the last one, and how many have died."""
    one, deaths = process(values, sync=sync), 0
    while not live(one):
        one, deaths = process(values, one, sync), deaths + 1
        assert deaths < 20, "it never ends"
    return one, deaths


@pytest.mark.parametrize("sync", [0.0, 0.3])
def test_the_one_record_that_kills_is_buried_unparsed_and_all_others_are_written(sync: float) -> None:
    values: dict[int, Sequence[bytes | None]] = {
        0: [*(event(n) for n in range(75)), POISON, *(event(n) for n in range(76, 130))],
        1: [event(n) for n in range(200, 240)],
    }
    last, deaths = until_all_is_read(values, sync)
    (letter,) = last.burial.buried
    assert (letter.record.id, letter.reason, letter.disposition) == ("t-0-75", "crash", "crash")
    assert letter.record.value == POISON
    assert last.store.durable() == {f"run-{n}" for n in [*range(75), *range(76, 130), *range(200, 240)]}
    # On a slow machine one process may die before it has said what it reads.
    assert 5 <= deaths <= 7, "two by chance, one in its span, two alone"
    assert last.source.notes == {P0: Note(), P1: Note()}, "after an end in order nothing is suspected any more"


def test_two_records_that_kill_are_both_found() -> None:
    values: dict[int, Sequence[bytes | None]] = {
        0: [event(0), POISON, event(2)],
        1: [event(10), event(11), POISON, event(13)],
    }
    last, _ = until_all_is_read(values)
    assert {letter.record.id for letter in last.burial.buried} == {"t-0-1", "t-1-2"}
    assert last.store.durable() == {"run-0", "run-2", "run-10", "run-11", "run-13"}


def test_an_innocent_record_that_was_being_read_when_we_were_killed_is_written() -> None:
    values: dict[int, Sequence[bytes | None]] = {0: [event(n) for n in range(50)]}
    before = process(values)
    before.source.notes = {P0: Note(5, None, Probe(7, 8))}
    one = process(values, before)
    assert live(one)
    assert not one.burial.buried
    assert one.store.durable() == {f"run-{n}" for n in range(50)}


def test_nothing_else_is_in_flight_and_the_mark_stands_before_a_suspect_is_read() -> None:
    values: dict[int, Sequence[bytes | None]] = {0: [event(n) for n in range(30)], 1: [event(n) for n in range(50, 80)]}
    before = process(values)
    before.source.notes = {P0: Note(2)}
    one = process(values, before)
    read: list[tuple[str, bool, int]] = []
    write = one.worker.delivery.write

    async def watched(slices):  # type: ignore[no-untyped-def]
        (only,) = {one.partition for one in slices}
        read.append((str(only), one.source.notes[only].reading is not None, one.worker.room.batches))
        return await write(slices)

    one.worker.delivery.write = watched  # type: ignore[method-assign]
    assert live(one)
    assert read
    for partition, marked, flying in read:
        assert flying == 1
        assert marked is (partition == "t-0")


def test_a_rebalance_is_no_death() -> None:
    one = process({0: [event(n) for n in range(200)]})

    async def scenario() -> None:
        running = asyncio.create_task(one.run_until(one.finished))
        for _ in range(6):
            await asyncio.sleep(0.01)
            await one.source.rebalance(one.worker)
            assert one.source.notes.get(P0, Note()).starts == 0
        await running

    asyncio.run(scenario())


def test_an_outage_of_the_graph_is_no_death() -> None:
    one = process({0: [event(n) for n in range(20)]})
    one.store.down = True

    async def scenario() -> None:
        running = asyncio.create_task(one.run_until(lambda: len(one.of("hold")) > 5))
        await running

    asyncio.run(scenario())
    assert one.source.notes[P0] == Note()


def test_where_the_note_cannot_be_written_nothing_suspicious_is_read() -> None:
    values: dict[int, Sequence[bytes | None]] = {0: [event(n) for n in range(5)]}
    before = process(values)
    before.source.notes = {P0: Note(5)}
    one = process(values, before)
    one.source.commits_fail = 10_000

    async def scenario() -> None:
        running = asyncio.create_task(one.run_until(lambda: False, seconds=20))
        await asyncio.sleep(0.2)
        assert not one.of("write")
        one.source.commits_fail = 0
        await eventually(one.finished)
        one.worker.stopping.set()
        await running

    asyncio.run(scenario())

"""`test` says exactly what a replay brings: the same reading, of the record that is really sent."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from itertools import islice

import pytest

from consumer.batch import Reader
from consumer.deadletters import DeadLetter
from consumer.dlq.again import again, as_received, obstacle
from consumer.dlq.letters import letter
from consumer.dlq.trial import Outcome, alone, trial
from consumer.records import Partition, Record, Slice
from consumer.replayed import replayed
from consumer.settings import load
from lineagegraph.naming import Naming
from tests.consumer.dlq.damage import damaged
from tests.consumer.dlq.made import buried, source
from tests.consumer.fakes import TIME, event, rig

READER = Reader(Naming.load(None))
RETRY = Partition("events.lineagegraph.retry", 0)


async def ends_of(letters: list[Record]) -> dict[str, Outcome]:
    """What the worker really makes of these letters when they are sent again."""
    sent = [again(letter(one), one, "r1", 5, 1) for one in letters]
    records = tuple(
        replace(as_received(parcel, RETRY.topic, TIME + 9_000), offset=offset) for offset, parcel in enumerate(sent)
    )
    worker = rig({0: []})
    batch, _ = await worker.worker.delivery.write([Slice(RETRY, records, len(records))])
    await worker.worker.delivery.bury(batch.dead, lambda: False)
    ends = {one.id: Outcome(one.id, "written") for _, one in batch.through()}
    ends |= {_id(skip.record): Outcome(_id(skip.record), "skipped") for skip in batch.skipped}
    return ends | {_id(one.record): _failed(one) for one in worker.burial.buried}


def _failed(one: DeadLetter) -> Outcome:
    return Outcome(_id(one.record), "fails", one.reason, one.pointer, one.message, one.fingerprint)


def _id(record: Record) -> str:
    earlier = replayed(record)
    assert earlier is not None
    return earlier.id


def test_the_outcome_of_2_000_damaged_events_is_predicted_exactly() -> None:
    letters = [
        buried(source(number, value), number, "too_large") for number, value in enumerate(islice(damaged(7), 2_000))
    ]
    predicted = {letter(one).id: trial(READER, letter(one), one) for one in letters}
    assert asyncio.run(ends_of(letters)) == predicted
    kinds = {one.reason for one in predicted.values()}
    assert {"", "envelope", "names", "event_time", "json_syntax", "limits"} <= kinds, "the damage is of many kinds"


@pytest.mark.parametrize(
    "record",
    [
        source(1),
        source(2, b"{"),
        source(3, b""),
        source(4, b"\0\0\0\0\7" + event(4)),
        source(5, b"\0\0\0\0\7avro"),
        replace(source(6), value=None),
        source(7, event(7, eventTime="2026-11-30T00:00:00Z")),
        source(8, event(8, eventTime="1999-12-31T00:00:00Z")),
        source(9, b"[" * 2000),
        source(10, b"x" * (4 * 2**20 + 1)),
        source(11, event(11), headers=(("trace", b"\xff"), ("lineage.dlq.id", b"x"), ("__connect.errors.topic", b"t"))),
    ],
    ids=lambda record: str(record.offset),
)
def test_odd_letters_are_predicted_exactly_too(record: Record) -> None:
    one = buried(record, record.offset, "framed")
    predicted = trial(READER, letter(one), one)
    assert asyncio.run(ends_of([one])) == {letter(one).id: predicted}


def test_an_event_dated_after_its_record_fails_again_however_late_it_is_replayed() -> None:
    one = buried(source(7, event(7, eventTime="2026-11-30T00:00:00Z")), 7, "event_time")
    assert trial(READER, letter(one), one).reason == "event_time"


def test_what_cannot_be_sent_is_told() -> None:
    null = buried(replace(source(1), value=None, key=None), 1, "tombstone")
    assert trial(READER, letter(null), null).end == "cannot_be_sent"
    assert obstacle(letter(null), null) == "it has neither key nor value, and no client can send that"
    keyed = buried(replace(source(1), value=None), 1, "tombstone")
    assert trial(READER, letter(keyed), keyed).end == "skipped"
    one = letter(buried(source(1), 1))
    gone = trial(READER, replace(one, kept="omitted"), replace(buried(source(1), 1), value=b""))
    assert (gone.end, gone.well) == ("cannot_be_sent", False)


def test_what_killed_its_reader_is_read_in_a_process_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    one = buried(source(1), 1, "crash", disposition="crash")
    assert alone(load(), letter(one), one) == trial(READER, letter(one), one) == Outcome("events-1-1", "written")
    broken = buried(source(2, b"{"), 1, "crash", disposition="crash")
    assert alone(load(), letter(broken), broken) == trial(READER, letter(broken), broken)
    monkeypatch.setattr("sys.executable", "/bin/false")  # which dies of everything
    assert alone(load(), letter(one), one).end == "kills"
    monkeypatch.setattr("sys.executable", "/bin/cat")  # an answer that is none
    monkeypatch.setattr("consumer.dlq.trial.SECONDS", 0.0)
    assert alone(load(), letter(one), one).message == "Reading it takes more than 0 seconds."

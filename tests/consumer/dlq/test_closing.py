"""The worker closes the loop: before its commit a replayed letter is resolved, or has failed once more."""

from __future__ import annotations

import asyncio
import re
from dataclasses import replace

from aiokafka.structs import TopicPartition

from consumer.burial import failed, resolved
from consumer.connection import wanted_topics
from consumer.dlq.ledger import Decided, Tried
from consumer.lease import Lease
from consumer.metrics import Metrics
from consumer.notes import Place
from consumer.records import Headers, Partition, Record
from consumer.replayed import OURS, replayed
from consumer.settings import load
from consumer.starts import Starts
from tests.consumer.fakes import TIME, Rig, event, eventually, rig

PLACE = Partition("t", 0)


def sent_again(record: Record, attempts: int = 1, most: int = 5) -> Record:
    """The record as a replay sends it."""
    told = {"id": f"events-0-{record.offset}", "replay": "r1", "attempt": attempts, "most_attempts": most}
    told |= {"original_timestamp": TIME, "first_failed_at": TIME}
    headers: Headers = tuple((OURS + name, str(value).encode()) for name, value in told.items())
    return replace(record, headers=headers)


def with_replays(one: Rig, *offsets: int, **more: int) -> Rig:
    records = one.source.partitions[PLACE]
    for offset in offsets:
        records[offset] = sent_again(records[offset], **more)
    return one


def test_what_came_through_is_told_to_the_ledger_before_its_offset_is_committed() -> None:
    one = with_replays(rig({0: [event(0), event(1), event(2)]}), 0, 2)
    asyncio.run(one.run_until(one.finished))
    assert one.of("resolve") == [{"events-0-0", "events-0-2"}]
    assert one.places("write")[0] < one.places("resolve")[0] < one.places("commit")[0]
    assert one.metrics.total("lineage_replayed_total", result="resolved") == 2
    assert one.accounts()["written"] == 3


def test_a_skipped_replay_is_through_as_well() -> None:
    one = with_replays(rig({0: [None]}), 0)
    asyncio.run(one.run_until(one.finished))
    assert one.of("resolve") == [{"events-0-0"}]


def test_what_fails_again_is_buried_with_one_attempt_more_and_not_resolved() -> None:
    one = with_replays(rig({0: [b"{", event(1)]}), 0, attempts=2)
    asyncio.run(one.run_until(one.finished))
    (letter,) = one.burial.buried
    assert letter.attempt == 3
    assert one.of("resolve") == []
    assert one.metrics.total("lineage_replayed_total", result="failed") == 1


def test_while_the_ledger_is_away_only_partitions_with_replays_wait() -> None:
    one = with_replays(rig({0: [event(0)], 1: [event(1)]}), 0)
    one.burial.away = True
    other = Partition("t", 1)

    async def scenario() -> None:
        running = asyncio.create_task(one.worker.run())
        async with asyncio.timeout(5):
            await eventually(lambda: one.source.committed.get(other) == 1 and bool(one.worker.delivery.blocked))
            assert one.worker.delivery.blocked == {PLACE}
            assert PLACE not in one.source.committed
            one.burial.away = False
            await eventually(lambda: one.source.committed.get(PLACE) == 1)
        one.worker.stopping.set()
        await running

    asyncio.run(scenario())
    assert one.of("resolve") == [{"events-0-0"}]


def test_the_entries_of_the_ledger() -> None:
    one = replayed(sent_again(Record(PLACE, 7, TIME, b"k", b"{"), attempts=2, most=4))
    assert one is not None
    through = resolved(one)
    assert (through.id, through.replay, through.state, through.attempts) == ("events-0-7", "r1", "resolved", 2)
    (again,) = failed(one)
    assert isinstance(again, Tried)
    assert (again.state, again.attempts) == ("failed", 3)
    _, parked = failed(replace(one, attempts=3))
    assert isinstance(parked, Decided)
    assert (parked.state, parked.note) == ("parked", "has failed 4 times")
    assert len(failed(replace(one, attempts=9, most_attempts=0))) == 1, "without a limit nothing is parked"


def test_the_brake_does_not_hold_a_retry_topic() -> None:
    settings = load(topics=("t",), brake_run=2)
    retry = Partition(settings.retry_of("t"), 0)
    lease = Lease.of({PLACE: Place(0), retry: Place(0)}, settings)
    assert lease.judge(retry, [True] * 500)
    assert not lease.judge(PLACE, [True] * 500)


def test_a_pattern_reads_its_retry_topics_and_no_other_topic_of_ours() -> None:
    for pattern in ("open.*", "open[.]events"):
        settings = load(topic_pattern=pattern)
        names = ["open.events", *(of("open.events") for of in (settings.retry_of, settings.dead_letters_of))]
        names += [settings.ledger_of("open.events"), settings.retry_of("other")]
        assert [name for name in names if re.match(wanted_topics(settings), name)] == names[:2], pattern


class Ends:
    """The offsets of partitions as a consumer would tell them."""

    async def beginning_offsets(self, places: list[TopicPartition]) -> dict[TopicPartition, int]:
        return dict.fromkeys(places, 0)

    async def end_offsets(self, places: list[TopicPartition]) -> dict[TopicPartition, int]:
        return dict.fromkeys(places, 9)


class NoOffsets:
    """A group that has never committed."""

    async def list_consumer_group_offsets(self, group: str, partitions: object) -> dict[TopicPartition, object]:
        return {}


def test_what_was_replayed_before_anybody_looked_is_read_whatever_the_settings_say_about_new_partitions() -> None:
    settings = load(topics=("t",), start="latest")
    retry = Partition(settings.retry_of("t"), 0)
    starts = Starts(settings, NoOffsets(), "graph-1", Metrics())
    places = asyncio.run(starts.of(Ends(), [PLACE, retry]))
    assert {partition: place.offset for partition, place in places.items()} == {PLACE: 9, retry: 0}

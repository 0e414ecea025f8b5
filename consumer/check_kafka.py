"""Is Kafka as it must be for work: brokers, topics, what arrives, the group, its offsets and how far it is behind.

Each check ends in one finding with its remedy; nothing is written, no offset moved, no group joined.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from aiokafka import AIOKafkaConsumer
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError
from aiokafka.structs import TopicPartition

from consumer import connection
from consumer.connection import Topic, options, stop
from consumer.notes import graph_of, parse
from consumer.offsets import check_graph, committed
from consumer.records import Partition
from consumer.run import partitions_to_read
from consumer.settings import Settings
from lineagegraph.errors import LineageError
from lineagegraph.probe import CLOCKS, SKEW_WRONG, Finding

SILENT = 24 * 3600.0  # seconds without a record
LOOKED_AT = 5.0  # seconds for the newest records
MOST = 64  # partitions whose newest record is looked at


@dataclass(frozen=True, slots=True)
class Ends:
    """The first and the next offset of each partition, and the time of the newest record seen (milliseconds)."""

    begins: Mapping[Partition, int]
    ends: Mapping[Partition, int]
    newest: int | None


async def check_kafka(settings: Settings, graph_id: str | None) -> AsyncIterator[Finding]:
    """One finding after the other; `graph_id` is the graph to which the group's offsets must belong, if known."""
    try:
        async with connection.admin(settings) as client:
            async for finding in _with(client, settings, graph_id):
                yield finding
    except LineageError as error:
        yield _failed("Kafka", error)


async def _with(client: AIOKafkaAdminClient, settings: Settings, graph_id: str | None) -> AsyncIterator[Finding]:
    brokers = len((await client.describe_cluster())["brokers"])
    yield Finding("Kafka", "ok", f"answers, {brokers} broker{'s' * (brokers > 1)}")
    try:
        partitions = await partitions_to_read(settings, client, replays=False)
        standing = await connection.topics(client)
    except LineageError as error:
        yield _failed("topics", error)
        return
    topics = sorted({p.topic for p in partitions})
    yield Finding("topics", "ok", f"{', '.join(topics)}: {len(partitions)} partitions")
    for finding in own_topics(settings, standing, topics):
        yield finding
    reading = [*partitions, *_of_retries(settings, standing, topics)]
    try:
        ends = await _ends(settings, reading)
        known = await committed(client, settings.group, reading)
    except LineageError as error:
        yield _failed("offsets", error)
        return
    except (KafkaError, TimeoutError) as error:
        yield Finding(
            "offsets", "wrong", f"Kafka does not tell them ({type(error).__name__}).", "Grant READ and try again."
        )
        return
    yield arrivals(ends, time.time())
    yield await _members(client, settings)
    for finding in progress(settings, ends, known, graph_id):
        yield finding


def own_topics(settings: Settings, standing: Mapping[str, Topic], topics: list[str]) -> list[Finding]:
    """What is there of the topics that the consumer makes when it starts."""
    found = []
    for topic in topics:
        ours = (settings.dead_letters_of(topic), settings.retry_of(topic), settings.ledger_of(topic))
        if missing := [name for name in ours if name not in standing]:
            says = f"{', '.join(missing)} is not there yet"
            found.append(Finding("own topics", "warning", says, "`lineagegraph consume` makes it; it needs CREATE."))
        else:
            found.append(Finding("own topics", "ok", f"of {topic}: dead letters, retries and their ledger are there"))
    return found


def _of_retries(settings: Settings, standing: Mapping[str, Topic], topics: list[str]) -> list[Partition]:
    names = [name for topic in topics if (name := settings.retry_of(topic)) in standing]
    return [Partition(name, number) for name in names for number in range(standing[name].partitions)]


async def _ends(settings: Settings, partitions: list[Partition]) -> Ends:
    places = {p: TopicPartition(*p) for p in partitions}
    consumer = AIOKafkaConsumer(**options(settings), enable_auto_commit=False, auto_offset_reset="none")
    consumer.assign(list(places.values()))
    await consumer.start()
    try:
        async with asyncio.timeout(connection.PATIENCE):
            begins = await consumer.beginning_offsets(list(places.values()))
            ends = await consumer.end_offsets(list(places.values()))
        filled = [place for place in places.values() if ends[place] > begins[place]]
        newest = await _newest(consumer, filled[:MOST], {place: ends[place] - 1 for place in filled})
    finally:
        await stop(consumer)
    return Ends({p: begins[t] for p, t in places.items()}, {p: ends[t] for p, t in places.items()}, newest)


async def _newest(
    consumer: AIOKafkaConsumer, places: list[TopicPartition], last: Mapping[TopicPartition, int]
) -> int | None:
    consumer.assign(places)
    for place in places:
        consumer.seek(place, last[place])
    times: dict[TopicPartition, int] = {}
    until = time.monotonic() + LOOKED_AT
    while len(times) < len(places) and time.monotonic() < until:
        got = await consumer.getmany(*places, timeout_ms=500, max_records=len(places))
        times.update({place: max(r.timestamp for r in records) for place, records in got.items() if records})
    return max(times.values(), default=None)


def arrivals(ends: Ends, now: float) -> Finding:
    """Whether anything arrives, and whether it comes from the future; `now` in seconds since 1970."""
    if ends.newest is None:
        says = "There is no record in the topics."
        remedy = "Check that producers emit (Spark: spark.openlineage.transport; Airflow: [openlineage] transport)."
        return Finding("arrivals", "warning", says, remedy)
    age = now - ends.newest / 1000
    at = datetime.fromtimestamp(ends.newest / 1000, UTC).isoformat(timespec="seconds")
    if age < -SKEW_WRONG:
        return Finding("arrivals", "wrong", f"The newest record is {-age:.0f} s in the future ({at}).", CLOCKS)
    if age > SILENT:
        return Finding("arrivals", "warning", f"The newest record is of {at}.", "Check that producers still emit.")
    return Finding("arrivals", "ok", f"the newest record is {max(0, age):.0f} s old")


async def _members(client: AIOKafkaAdminClient, settings: Settings) -> Finding:
    count = await count_members(client, settings.group)
    if count is None:
        return Finding("group", "warning", "Kafka does not say who is in it.", "Grant DESCRIBE on it.")
    if not count:
        return Finding("group", "warning", f"Nobody consumes as {settings.group!r}.", "Start `lineagegraph consume`.")
    return Finding("group", "ok", f"{settings.group}: {count} member{'s' * (count > 1)}")


async def count_members(client: AIOKafkaAdminClient, group: str) -> int | None:
    """How many consumers the group has; None if Kafka does not say."""
    try:
        async with asyncio.timeout(connection.PATIENCE):
            (answer,) = await client.describe_consumer_groups([group])
        error, _, _, _, _, members, *_ = answer.groups[0]
    except (KafkaError, TimeoutError, ValueError, IndexError, AttributeError):
        return None
    return None if error else len(members)


def progress(
    settings: Settings, ends: Ends, known: Mapping[Partition, tuple[int, str]], graph_id: str | None
) -> list[Finding]:
    """How far the group is behind, and what keeps it from getting on."""
    found = []
    behind = sum(max(0, end - known.get(p, (ends.begins[p], ""))[0]) for p, end in ends.ends.items())
    new = [p for p in ends.ends if p not in known and ends.ends[p] > ends.begins[p]]
    for partition, (offset, metadata) in sorted(known.items()):
        if graph_id and graph_of(metadata):
            try:
                check_graph(partition, metadata, graph_id, settings.group)
            except LineageError as error:
                return [_failed("offsets", error)]
        if offset < ends.begins.get(partition, 0):
            lost = f"Kafka has deleted {ends.begins[partition] - offset} records of {partition} that were not read."
            remedy = "Set LINEAGE_OFFSET_OUT_OF_RANGE=earliest to go on without them; keep records for longer."
            found.append(Finding("offsets", "wrong", lost, remedy))
        if parse(metadata).brake == "halted":
            remedy = f"See `lineagegraph dlq stats`, mend the cause, then `lineagegraph resume {partition}`."
            found.append(Finding("offsets", "wrong", f"{partition} is halted: too many records were invalid.", remedy))
    says = f"{behind} records behind" + (f", {len(new)} partitions never read" if new else "")
    return [*found, Finding("lag", "ok", says)]


def _failed(name: str, error: LineageError) -> Finding:
    said, _, remedy = str(error).partition(". ")
    return Finding(name, "wrong", f"{said.rstrip('.')}.", remedy)

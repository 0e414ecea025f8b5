"""The consumer against a real Kafka, with a graph that is a file or a set: nothing lost, nothing made up."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Protocol

import confluent_kafka
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.structs import ConsumerRecord, TopicPartition
from click.testing import CliRunner

from consumer import connection
from consumer.cli import cli
from consumer.deadletters import CONNECT, OURS, describe
from consumer.errors import KafkaUnusable, PartitionHalted
from consumer.notes import Note, Place
from consumer.offsets import committed, stamped
from consumer.publish import publish
from consumer.records import Partition
from consumer.run import How, consume
from consumer.settings import Settings, load
from lineagegraph.errors import SchemaMismatch
from tests.consumer.fakes import FakeStore, event
from tests.consumer.joined import joined

pytestmark = pytest.mark.real

NOW = time.time


class Broker(Protocol):
    """What the session's fixture gives."""

    bootstrap: str


def made(kafka: Broker, **more: Any) -> Settings:
    """Settings for a topic and a group of their own."""
    name = f"test-{uuid.uuid4().hex[:8]}"
    given = {"topics": (name,), "group": f"g-{name}", "graph_sync_seconds": 0.0, "commit_seconds": 0.2, "http_port": 0}
    return load(kafka_bootstrap_servers=(kafka.bootstrap,), **given | more)


async def create(settings: Settings, partitions: int = 3) -> None:
    from consumer.publish import _check

    async with connection.admin(settings) as client:
        for topic in settings.topics:
            await _check(client, topic, partitions)


async def send(settings: Settings, values: Sequence[tuple[bytes | None, bytes | None]], **more: Any) -> None:
    producer = AIOKafkaProducer(**connection.options(settings), enable_idempotence=True, linger_ms=5)
    await producer.start()
    try:
        sent = [await producer.send(settings.topics[0], value, key=key, **more) for key, value in values]
        await asyncio.gather(*sent)
    finally:
        await producer.stop()


async def everything_in(settings: Settings, topic: str) -> list[ConsumerRecord[bytes, bytes]]:
    consumer = AIOKafkaConsumer(**connection.options(settings))
    await consumer.start()
    try:
        async with connection.admin(settings) as client:
            count = (await connection.topics(client))[topic].partitions
        places = [TopicPartition(topic, number) for number in range(count)]
        consumer.assign(places)
        await consumer.seek_to_beginning()
        ends = await consumer.end_offsets(places)
        found: list[ConsumerRecord[bytes, bytes]] = []
        for place in places:
            while await consumer.position(place) < ends[place]:
                found += (await consumer.getmany(place, timeout_ms=500)).get(place, [])
        return found
    finally:
        await consumer.stop()


def events(numbers: range) -> list[tuple[bytes | None, bytes | None]]:
    today = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    return [(b"%d" % (n % 50), event(n, eventTime=today)) for n in numbers]


def names(numbers: range) -> set[str]:
    return {f"run-{n}" for n in numbers}


Start = Callable[..., "subprocess.Popen[bytes]"]


@pytest.fixture
def start() -> Iterator[Start]:
    """Starts consumers in processes of their own that write slowly into a file; none outlives the test."""
    started: list[subprocess.Popen[bytes]] = []

    def begin(settings: Settings, graph: Path, seconds: float, *more: str, log: Path) -> subprocess.Popen[bytes]:
        environment = os.environ | {
            "LINEAGE_KAFKA_BOOTSTRAP_SERVERS": ",".join(settings.kafka_bootstrap_servers),
            "LINEAGE_TOPICS": settings.topics[0],
            "LINEAGE_GROUP": settings.group,
            "LINEAGE_GRAPH_SYNC_SECONDS": "0",
            "LINEAGE_COMMIT_SECONDS": "0.2",
            "LINEAGE_BATCH_RECORDS": str(settings.batch_records),
            "LINEAGE_SESSION_SECONDS": str(settings.session_seconds),
            "LINEAGE_HTTP_PORT": "0",
            "PYTHONPATH": str(Path(__file__).parents[2]),
        }
        command = [sys.executable, "-m", "tests.consumer.process", str(graph), str(seconds), *more]
        with log.open("ab") as out:
            started.append(subprocess.Popen(command, env=environment, stdout=out, stderr=out))
        return started[-1]

    yield begin
    for process in started:
        process.kill()
        process.wait()


def test_everything_up_to_the_end_is_written_or_buried_and_committed_with_the_graph(kafka: Broker) -> None:
    settings = made(kafka)
    store = FakeStore([])

    async def scenario() -> dict[str, int]:
        await create(settings)
        await send(settings, [*events(range(500)), (b"k", b"{no json"), (b"k", None), (None, b"[]")])
        counts = await consume(settings, How(until_end=True), store)
        async with connection.admin(settings) as client:
            places = [Partition(settings.topics[0], number) for number in range(3)]
            offsets = await committed(client, settings.group, places)
        assert sum(offset for offset, _ in offsets.values()) == 503
        assert {metadata for _, metadata in offsets.values()} == {'{"graph": "graph-1"}'}
        return counts

    counts = asyncio.run(scenario())
    assert counts == {"received": 503, "written": 500, "dead": 2, "skipped": 1, "given_up": 0}
    assert store.durable() == names(range(500))
    assert store.closed


def test_a_dead_letter_keeps_key_value_headers_and_partition(kafka: Broker) -> None:
    settings = made(kafka)
    before = int(NOW() * 1000)

    async def scenario() -> list[ConsumerRecord[bytes, bytes]]:
        await create(settings, 3)
        await send(settings, [(b"key", b"{no json")], partition=2, headers=[("trace", b"\x00\xff")], timestamp_ms=1000)
        await consume(settings, How(until_end=True), FakeStore([]))
        return await everything_in(settings, settings.dead_letters_of(settings.topics[0]))

    (letter,) = asyncio.run(scenario())
    assert (letter.partition, letter.key, letter.value) == (2, b"key", b"{no json")
    assert letter.headers[0] == ("trace", b"\x00\xff")
    assert letter.timestamp >= before, "retention counts from the burial, not from the event"
    headers = describe(tuple(letter.headers))
    assert headers[f"{CONNECT}topic"] == settings.topics[0]
    assert headers[f"{OURS}class"] == "json_syntax"
    assert headers[f"{OURS}original_timestamp"] == "1000"


def test_a_dead_letter_without_key_and_value_and_a_huge_one_are_buried(kafka: Broker) -> None:
    settings = made(kafka, on_tombstone="dead_letter", max_event_bytes=2048)

    async def scenario() -> list[ConsumerRecord[bytes, bytes]]:
        await create(settings, 1)
        bare = confluent_kafka.Producer({"bootstrap.servers": kafka.bootstrap})  # aiokafka refuses such a record
        bare.produce(settings.topics[0], None)
        bare.flush()
        await send(settings, [(b"huge", os.urandom(900_000))])
        await consume(settings, How(until_end=True), FakeStore([]))
        return await everything_in(settings, settings.dead_letters_of(settings.topics[0]))

    null, huge = asyncio.run(scenario())
    assert describe(tuple(null.headers))[f"{OURS}value"] == "null"
    assert describe(tuple(huge.headers))[f"{OURS}class"] == "too_large"
    assert len(huge.value or b"") == 900_000


def test_three_consumers_share_a_topic_and_lose_nothing(kafka: Broker, start: Start, tmp_path: Path) -> None:
    settings = made(kafka, batch_records=20)
    graph = tmp_path / "graph"
    asyncio.run(_fill(settings, 3000, 6))
    processes = [start(settings, graph, 0.2, "--until-end", log=tmp_path / f"log-{n}") for n in range(3)]
    assert [process.wait(90) for process in processes] == [0, 0, 0], (tmp_path / "log-0").read_text()[-3000:]
    assert set(graph.read_text().split()) == names(range(3000))
    worked = sum('"event": "batch"' in (tmp_path / f"log-{n}").read_text() for n in range(3))
    assert worked >= 2, "the work was shared"
    letters = asyncio.run(everything_in(settings, settings.dead_letters_of(settings.topics[0])))
    assert len({describe(tuple(one.headers))[f"{OURS}id"] for one in letters}) == 30


@pytest.mark.parametrize(("partitions", "bytes_at_once"), [(1, 8 * 2**20), (40, 2**20)])
def test_few_partitions_are_asked_for_more_at_once_than_many(
    kafka: Broker, partitions: int, bytes_at_once: int
) -> None:
    settings, size = made(kafka), 400_000

    async def scenario() -> int:
        await create(settings, partitions)
        await send(settings, [(None, bytes(size))] * 24, partition=0)
        async with joined(settings) as one:
            await one.assigned()
            await one.buffered(1)
            (first,) = await one.source.poll(500, 64 * 2**20)
            return first.count

    assert abs(asyncio.run(scenario()) - bytes_at_once // size) <= 1


def test_a_consumer_that_is_killed_again_and_again_loses_nothing(kafka: Broker, start: Start, tmp_path: Path) -> None:
    settings = made(kafka, batch_records=50, session_seconds=6)
    graph = tmp_path / "graph"
    asyncio.run(_fill(settings, 1000, 3))
    for _ in range(3):
        process = start(settings, graph, 0.15, log=tmp_path / "log")
        seen = len(graph.read_text()) if graph.exists() else 0
        until = NOW() + 60  # the group waits for the session of the killed member to end
        while NOW() < until and (len(graph.read_text()) if graph.exists() else 0) <= seen:
            time.sleep(0.05)
        time.sleep(0.1)
        process.kill()
        process.wait()
    process = start(settings, graph, 0.0, "--until-end", log=tmp_path / "log")
    assert process.wait(100) == 0, (tmp_path / "log").read_text()[-3000:]
    assert set(graph.read_text().split()) == names(range(1000))
    letters = asyncio.run(everything_in(settings, settings.dead_letters_of(settings.topics[0])))
    ids = Counter(describe(tuple(one.headers))[f"{OURS}id"] for one in letters)
    assert len(ids) == 10, "the same record is the same dead letter, however often it was buried"


def test_a_record_that_kills_the_process_is_found_and_buried_unparsed(
    kafka: Broker, start: Start, tmp_path: Path
) -> None:
    settings = made(kafka, batch_records=50, session_seconds=6)
    graph, topic = tmp_path / "graph", settings.topics[0]

    async def fill() -> None:
        await create(settings, 1)
        await send(settings, [*events(range(120)), (b"key", b"poison"), *events(range(120, 200))])
        bare = AIOKafkaConsumer(**connection.options(settings), group_id=settings.group, enable_auto_commit=False)
        bare.assign([TopicPartition(topic, 0)])
        await bare.start()
        await bare.commit(stamped({Partition(topic, 0): Place(0, Note(starts=2))}, "graph-file"))  # two have died
        await bare.stop()

    asyncio.run(fill())
    ends: list[int] = []
    while not ends or ends[-1] != 0:
        process = start(settings, graph, 0.0, "--until-end", "--mortal", log=tmp_path / "log")
        ends.append(process.wait(60))
        assert ends[-1] in (0, -signal.SIGKILL), (tmp_path / "log").read_text()[-3000:]
        assert len(ends) < 10
    assert ends == [-signal.SIGKILL] * 3 + [0], "in its span, and twice alone"
    assert set(graph.read_text().split()) == names(range(200))
    (letter,) = asyncio.run(everything_in(settings, settings.dead_letters_of(topic)))
    assert (letter.key, letter.value) == (b"key", b"poison")
    assert describe(tuple(letter.headers))[f"{OURS}class"] == "crash"


def test_sigterm_ends_in_order(kafka: Broker, start: Start, tmp_path: Path) -> None:
    settings = made(kafka)
    graph = tmp_path / "graph"
    asyncio.run(_fill(settings, 100, 3))
    process = start(settings, graph, 0.0, log=tmp_path / "log")
    until = NOW() + 30
    while NOW() < until and not (graph.exists() and len(graph.read_text().split()) >= 100):
        time.sleep(0.05)
    process.send_signal(signal.SIGTERM)
    assert process.wait(20) == 0
    lines = [json.loads(line) for line in (tmp_path / "log").read_text().splitlines()]
    assert {"stopping", "batch", "listening"} <= {line["event"] for line in lines}


def test_offsets_of_another_graph_are_refused_until_replayed_from_the_earliest(kafka: Broker) -> None:
    settings = made(kafka)
    first, second = FakeStore([]), FakeStore([], graph_id="graph-2")

    async def scenario() -> dict[str, int]:
        await create(settings)
        await send(settings, events(range(40)))
        await consume(settings, How(until_end=True), first)
        with pytest.raises(SchemaMismatch, match="--replay-from-earliest"):
            await consume(settings, How(until_end=True), second)
        assert not second.durable()
        return await consume(settings, How(until_end=True, replay_from_earliest=True), second)

    assert asyncio.run(scenario())["written"] == 40
    assert second.durable() == names(range(40))


def test_a_bounded_run_ends_at_the_brake_and_after_resuming_finishes(
    kafka: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings, store = made(kafka, brake_run=10, batch_records=5), FakeStore([])
    partition = f"{settings.topics[0]}-0"
    environment = {"KAFKA_BOOTSTRAP_SERVERS": kafka.bootstrap, "TOPICS": settings.topics[0], "GROUP": settings.group}
    for name, value in (environment | {"HTTP_PORT": "9"}).items():
        monkeypatch.setenv(f"LINEAGE_{name}", value)

    async def fill() -> None:
        await create(settings, 1)
        await send(settings, [*events(range(1)), *[(b"k", b"{")] * 30, *events(range(1, 2))])

    asyncio.run(fill())
    with pytest.raises(PartitionHalted, match=rf"1\d invalid records in a row.*`lineagegraph resume {partition}`"):
        asyncio.run(consume(settings, How(until_end=True), store))
    with pytest.raises(PartitionHalted, match="since an earlier run"):
        asyncio.run(consume(settings, How(until_end=True), store))
    assert json.loads(CliRunner().invoke(cli, ["resume", partition, "--json"]).output) == {
        "partition": partition,
        "outcome": "released",
    }
    counts = asyncio.run(consume(settings, How(until_end=True), store))
    assert counts["dead"] == 30
    assert store.durable() == names(range(2))
    assert CliRunner().invoke(cli, ["resume", partition]).output == f"{partition} is not halted.\n"


def test_a_pattern_reads_all_matching_topics_but_not_our_own_dead_letters(kafka: Broker) -> None:
    stem = f"many-{uuid.uuid4().hex[:8]}"
    both = made(kafka, topics=(f"{stem}.a", f"{stem}.b"), group=stem)
    pattern = load(
        kafka_bootstrap_servers=(kafka.bootstrap,),
        topic_pattern=f"{stem}.*",
        group=stem,
        graph_sync_seconds=0.0,
        commit_seconds=0.2,
    )
    store = FakeStore([])

    async def scenario() -> dict[str, int]:
        await create(both, 2)
        await send(both, [*events(range(10)), (b"k", b"{")])
        first = await consume(pattern, How(until_end=True), store)
        assert first["received"] == 11
        return await consume(pattern, How(until_end=True), store)

    assert asyncio.run(scenario())["received"] == 0
    assert store.durable() == names(range(10))


def test_files_are_published_with_the_key_of_the_root_job(kafka: Broker, tmp_path: Path) -> None:
    settings = made(kafka)
    child = json.loads(event(1))
    child["run"]["facets"] = {
        "parent": {"job": {"namespace": "air", "name": "task"}, "root": {"job": {"namespace": "air", "name": "dag"}}}
    }
    file = tmp_path / "events.ndjson"
    file.write_text(json.dumps(child) + "\n{broken\n")

    async def scenario() -> list[ConsumerRecord[bytes, bytes]]:
        with pytest.raises(KafkaUnusable, match="--create-topic"):
            await publish(settings, settings.topics[0], [str(file)])
        await publish(settings, settings.topics[0], [str(file)], create_partitions=1)
        return await everything_in(settings, settings.topics[0])

    sent = asyncio.run(scenario())
    assert [(one.key, one.value) for one in sent] == [
        (b"run:air/dag", json.dumps(child).encode()),
        (None, b"{broken"),
    ]


def test_a_missing_topic_is_one_sentence(kafka: Broker) -> None:
    with pytest.raises(KafkaUnusable, match="Kafka has no topic 'test-"):
        asyncio.run(consume(made(kafka), How(until_end=True), FakeStore([])))


async def _fill(settings: Settings, count: int, partitions: int) -> None:
    await create(settings, partitions)
    malformed = [(b"m%d" % n, b"{%d" % n) for n in range(count // 100)]
    await send(settings, [*events(range(count // 2)), *malformed, *events(range(count // 2, count))])

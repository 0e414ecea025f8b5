"""Dead letters of every class on a real Kafka: understood, tested, mended, replayed and killed in the middle."""

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
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any, Protocol

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.structs import TopicPartition
from click.testing import CliRunner

from consumer import connection
from consumer.burial import KafkaBurial
from consumer.cli import cli
from consumer.deadletters import DeadLetter
from consumer.dlq.desk import open_desk
from consumer.dlq.ledger import Ledger
from consumer.dlq.names import names
from consumer.publish import _check
from consumer.records import Partition, Record
from consumer.run import How, consume
from consumer.settings import Settings, load
from lineagegraph.canonical import digest, lines
from lineagegraph.facts import fold
from lineagegraph.naming import Naming
from mappers import REASONS, decode, map_event
from tests.consumer.dlq.damage import damaged
from tests.consumer.dlq.worker import graph_hash
from tests.consumer.fakes import FakeStore, event

pytestmark = pytest.mark.real
ROOT = Path(__file__).parents[3]
TODAY = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
PARTITIONS = 6
RATE = 400
PORTION = RATE // 2


class Broker(Protocol):
    """What the session's fixture gives."""

    bootstrap: str


def sound(kind: str, number: int) -> dict[str, Any]:
    """The event as it should have been."""
    made: dict[str, Any] = json.loads(event(0, eventTime=TODAY))
    made["run"]["runId"] = f"{kind}-{number}"
    made["job"] = {"namespace": "test", "name": "mended" if kind == "names" else f"job-{number % 5}"}
    return made


def broken(event_: dict[str, Any], **change: Any) -> bytes:
    return json.dumps({**event_, **change}).encode()


@dataclass(frozen=True)
class Kind:
    """Dead letters of one class: how many, how a sound event is broken, and how people get rid of them."""

    count: int
    break_: Callable[[dict[str, Any]], bytes | None]
    patch: list[dict[str, Any]] | None = None
    ends: str = "resolved"


def _deep(event_: dict[str, Any]) -> bytes:
    return broken(event_)[:-1] + b', "deep": ' + b"[" * 1100 + b"]" * 1100 + b"}"


KINDS: dict[str, Kind] = {
    "event_type": Kind(
        500,
        lambda e: broken(e, eventType="BROKEN"),
        [{"op": "replace", "path": "/eventType", "value": "COMPLETE"}],
    ),
    "event_time": Kind(
        300, lambda e: broken(e, eventTime="soon"), [{"op": "replace", "path": "/eventTime", "value": TODAY}]
    ),
    "names": Kind(
        250,
        lambda e: broken(e, job={"namespace": "test", "name": ""}),
        [{"op": "replace", "path": "/job/name", "value": "mended"}],
    ),
    "envelope": Kind(
        250,
        lambda e: broken(e, inputs=3),
        [{"op": "test", "path": "/inputs", "value": 3}, {"op": "remove", "path": "/inputs"}],
    ),
    "limits": Kind(
        100,
        lambda e: broken(e, inputs=[{"namespace": "n" * 3000, "name": "x"}]),
        [{"op": "remove", "path": "/inputs"}],
    ),
    "not_object": Kind(100, lambda e: b"[" + broken(e) + b"]", [{"op": "move", "from": "/0", "path": ""}]),
    "too_large": Kind(40, lambda e: broken(e, padding="x" * 9000)),
    "rejected": Kind(300, broken),
    "tombstone": Kind(30, lambda e: None),
    "crash": Kind(3, broken),
    "json_syntax": Kind(40, lambda e: broken(e)[:-1], ends="discarded"),
    "json_depth": Kind(20, _deep, ends="discarded"),
    "encoding": Kind(20, lambda e: b"\xff" + broken(e), ends="discarded"),
    "empty_value": Kind(20, lambda e: b"", ends="discarded"),
    "framed": Kind(20, lambda e: b"\0\0\0\0\7avro", ends="discarded"),
    "corrupt_batch": Kind(4, lambda e: b"\0batch", ends="discarded"),
    "corrupt_record": Kind(3, lambda e: b"\0record", ends="discarded"),
}
BURIED_BY_HAND = ("crash", "corrupt_batch", "corrupt_record")
assert {*REASONS} <= KINDS.keys()
TOTAL = sum(kind.count for kind in KINDS.values())


@dataclass
class Rig:
    """A topic, a group, and everything that is done with them, in processes of their own."""

    bootstrap: str
    folder: Path
    topic: str = field(default_factory=lambda: f"t-{uuid.uuid4().hex[:8]}")
    running: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def settings(self, **more: Any) -> Settings:
        given: dict[str, Any] = {"topics": (self.topic,), "group": f"g-{self.topic}"}
        return load(kafka_bootstrap_servers=(self.bootstrap,), **given | more)

    def environment(self, **more: str) -> dict[str, str]:
        clean = {name: value for name, value in os.environ.items() if not name.startswith("LINEAGE_")}
        return {
            **clean,
            "PYTHONPATH": str(ROOT),
            "LINEAGE_KAFKA_BOOTSTRAP_SERVERS": self.bootstrap,
            "LINEAGE_TOPICS": self.topic,
            "LINEAGE_GROUP": f"g-{self.topic}",
            "LINEAGE_GRAPH_SYNC_SECONDS": "0",
            "LINEAGE_COMMIT_SECONDS": "0.2",
            "LINEAGE_HTTP_PORT": "0",
            "LINEAGE_SESSION_SECONDS": "6",
            "LINEAGE_BRAKE_RUN": "0",
            "LINEAGE_BRAKE_SHARE": "0",
            **more,
        }

    def dlq(self, *arguments: str, code: int = 0, **more: str) -> Any:
        """What a command prints as JSON; it must end with this exit code."""
        others: dict[str, str | None] = {name: None for name in os.environ if name.startswith("LINEAGE_")}
        done = CliRunner().invoke(cli, ["dlq", *arguments, "--json"], env=others | self.environment(**more))
        assert done.exit_code == code, f"{arguments} ended with {done.exit_code}: {done.output}{done.exception!r}"
        return json.loads(done.stdout.splitlines()[-1])

    def start(self, *arguments: str, module: str = "consumer", **more: str) -> subprocess.Popen[bytes]:
        with (self.folder / f"{module}.log").open("ab") as log:
            command = [sys.executable, "-m", module, *arguments]
            self.running.append(subprocess.Popen(command, env=self.environment(**more), stdout=log, stderr=log))
        return self.running[-1]

    def worker(self, **more: str) -> subprocess.Popen[bytes]:
        files = str(self.folder / "graph"), str(self.folder / "refused")
        return self.start(*files, module="tests.consumer.dlq.worker", **more)

    def states(self) -> dict[str, int]:
        states: dict[str, int] = self.dlq("stats")["states"]
        return states

    async def ledger(self) -> Ledger:
        settings = self.settings()
        async with open_desk(settings, names(settings)) as desk:
            return await desk.ledger()

    def killed_in_the_middle(self, process: subprocess.Popen[bytes], replay: str, after: int) -> int:
        """Kill the replay as soon as so many letters are sent; how many were."""
        until = time.monotonic() + 60
        while True:
            assert process.poll() is None, "it ended before it was killed"
            assert time.monotonic() < until, (self.folder / "consumer.log").read_text()
            sent = sum(one.state != "planned" for one in asyncio.run(self.ledger()).of(replay))
            if sent >= after:
                process.kill()
                process.wait()
                return sent


@pytest.fixture
def rig(kafka: Broker, tmp_path: Path) -> Iterator[Rig]:
    made = Rig(kafka.bootstrap, tmp_path)
    yield made
    for process in made.running:
        process.kill()
        process.wait()


def eventually(condition: Callable[[], bool], seconds: float = 60) -> None:
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until, "it did not happen in time"
        time.sleep(0.2)


async def raw(settings: Settings, topic: str, isolation: str) -> list[Any]:
    """Every record of a topic, with or without those of transactions that were undone."""
    async with connection.admin(settings) as client:
        count = (await connection.topics(client))[topic].partitions
    consumer = AIOKafkaConsumer(**connection.options(settings), isolation_level=isolation)
    await consumer.start()
    try:
        places = [TopicPartition(topic, number) for number in range(count)]
        ends = await consumer.end_offsets(places)
        found: list[Any] = []
        for place in places:
            consumer.assign([place])
            await consumer.seek_to_beginning(place)
            while await consumer.position(place) < ends[place]:
                found += (await consumer.getmany(place, timeout_ms=500)).get(place, [])
        return found
    finally:
        await consumer.stop()


async def fill(rig: Rig) -> tuple[list[bytes], list[str]]:
    """Sound events and dead letters of every class; the events that the graph must hold at the end."""
    settings = rig.settings()
    healthy = [broken(sound("healthy", number)) for number in range(200)]
    sent: list[tuple[bytes, bytes | None]] = [(b"h%d" % n, value) for n, value in enumerate(healthy)]
    by_hand = list[DeadLetter]()
    for name, kind in KINDS.items():
        for number in range(kind.count):
            whole, key = sound(name, number), b"%s-%d" % (name.encode(), number)
            value = kind.break_(whole)
            if name in BURIED_BY_HAND:
                place = Partition(rig.topic, number % PARTITIONS)
                record = Record(place, 1_000_000 + len(by_hand), int(time.time() * 1000), key, value)
                by_hand.append(DeadLetter(record, name, disposition="crash" if name == "crash" else "corrupt"))
            else:
                sent.append((key, value))
            if kind.ends == "resolved" and name != "tombstone":
                healthy.append(value if name == "too_large" and value else broken(whole))
    async with connection.admin(settings) as client:
        await _check(client, rig.topic, PARTITIONS)
        producer = AIOKafkaProducer(**connection.options(settings), enable_idempotence=True, linger_ms=5)
        await producer.start()
        await asyncio.gather(*[await producer.send(rig.topic, value, key=key) for key, value in sent])
        await producer.stop()
        burial = KafkaBurial(settings, client, "0.0.1")
        await burial.bury(by_hand)
        await burial.close()
    return healthy, [f"rejected-{number}" for number in range(KINDS["rejected"].count)]


def test_2000_dead_letters_of_every_class_end_in_the_graph_or_discarded_though_the_replay_is_killed_twice(
    rig: Rig,
) -> None:
    healthy, refused = asyncio.run(fill(rig))
    (rig.folder / "refused").write_text("\n".join(refused), encoding="utf-8")
    strict = {"LINEAGE_MAX_EVENT_BYTES": "8192", "LINEAGE_ON_TOMBSTONE": "dead_letter"}
    first = rig.worker(**strict)
    eventually(lambda: rig.states()["open"] == TOTAL, 90)
    first.send_signal(signal.SIGTERM)
    assert first.wait(30) == 0
    (rig.folder / "refused").unlink()

    counted = {row["name"]: row["open"] for row in rig.dlq("stats")["classes"]}
    assert counted == {name: kind.count for name, kind in KINDS.items()}

    # What would succeed now: what the graph refused, what was too large or a tombstone, and what killed its reader.
    before = rig.dlq("test", code=3)
    well = sum(KINDS[name].count for name in ("rejected", "too_large", "tombstone", "crash"))
    assert (before["letters"], before["well"]) == (TOTAL, well)

    for name, kind in KINDS.items():
        if kind.patch is not None:
            edited = rig.dlq("edit", f"class={name}", "--op", json.dumps(kind.patch), "--reason", "mended by the team")
            assert (edited["edited"], edited["well"]) == (kind.count, kind.count), name
    lost = [name for name, kind in KINDS.items() if kind.ends == "discarded"]
    assert rig.dlq("discard", f"class={','.join(lost)}", "--reason", "not worth it", "--yes")["letters"] > 100
    after = rig.dlq("test")
    assert after["well"] == after["letters"] == TOTAL - sum(KINDS[name].count for name in lost)

    file = str(rig.folder / "plan.json")
    planned = rig.dlq("plan", "-o", file)
    assert planned["letters"] == after["letters"]
    rig.worker()
    how = ("--rate", f"{RATE}/s", "--wait", "30")
    replaying = rig.start("dlq", "replay", "--plan", file, *how)
    assert rig.killed_in_the_middle(replaying, planned["replay"], 300) < planned["letters"]
    assert rig.dlq("status", planned["replay"])["replays"][0]["planned"] > 0
    resuming = rig.start("dlq", "resume", planned["replay"], "--take-over")
    assert rig.killed_in_the_middle(resuming, planned["replay"], 900) < planned["letters"]
    done = rig.dlq("resume", planned["replay"], "--take-over")
    assert (done["resolved"], done["failed"], done["left"]) == (planned["letters"], 0, 0)

    states = rig.states()
    assert (states["open"], states["sent"], states["planned"], states["parked"]) == (0, 0, 0, 0)
    assert (states["resolved"], states["discarded"]) == (after["letters"], TOTAL - after["letters"])
    again = rig.dlq("replay", "--plan", file)
    assert (again["sent_now"], again["resolved"]) == (0, planned["letters"])

    settings = rig.settings()
    retry, ledger = settings.retry_of(rig.topic), settings.ledger_of(rig.topic)
    visible = Counter(_id(one) for one in asyncio.run(raw(settings, retry, "read_committed")))
    assert set(visible.values()) == {1}
    assert len(visible) == planned["letters"]
    physical = len(asyncio.run(raw(settings, retry, "read_uncommitted")))
    assert physical <= planned["letters"] + 2 * PORTION, "at most what was in flight is sent again"
    resolved = Counter(
        one.key for one in asyncio.run(raw(settings, ledger, "read_committed")) if b'"resolved"' in (one.value or b"")
    )
    assert set(resolved.values()) == {1}, "nothing is resolved twice"

    facts = fold([map_event(decode(value), Naming.load(None)).facts for value in healthy])
    assert graph_hash(rig.folder / "graph") == digest(lines(facts))


def test_the_outcome_of_10_000_damaged_events_is_predicted_exactly(rig: Rig) -> None:
    settings = rig.settings(graph_sync_seconds=0.0, commit_seconds=0.2, batch_records=2000)

    async def bury() -> None:
        async with connection.admin(settings) as client:
            await _check(client, rig.topic, PARTITIONS)
            burial = KafkaBurial(settings, client, "0.0.1")
            now = int(time.time() * 1000)
            records = [
                Record(Partition(rig.topic, n % PARTITIONS), n, now, b"%d" % n, value)
                for n, value in enumerate(islice(damaged(11), 10_000))
            ]
            for start in range(0, len(records), 1000):
                await burial.bury([DeadLetter(one, "too_large") for one in records[start : start + 1000]])
            await burial.close()

    asyncio.run(bury())
    predicted = {one["id"]: one for one in rig.dlq("test", "--each", code=3)["each"]}
    sent = rig.dlq("replay", "--rate", "5000", "--wait", "0", "--abort-if-failing", "1")
    assert sent["sent"] == len(predicted) == 10_000
    counts = asyncio.run(consume(settings, How(until_end=True), FakeStore([])))
    listed = rig.dlq("ls", "state=open,resolved", "--limit", "20000")["letters"]
    became = {
        one["id"]: ("written", "", "") if one["state"] == "resolved" else ("fails", one["class"], one["fingerprint"])
        for one in listed
    }
    assert became == {id_: (one["end"], one["reason"], one["fingerprint"]) for id_, one in predicted.items()}
    assert {one["attempts"] for one in listed if one["state"] == "open"} == {2}
    assert counts["dead"] == Counter(end for end, _, _ in became.values())["fails"] > 1_000


def _id(record: Any) -> bytes:
    return dict(record.headers)["lineage.dlq.id"]  # type: ignore[no-any-return]

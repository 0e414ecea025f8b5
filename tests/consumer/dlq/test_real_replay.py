"""Dead letters of every class on a real Kafka: understood, tested, mended, replayed and killed in the middle."""

from __future__ import annotations

import asyncio
import json
import signal
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from itertools import islice
from typing import Any

import pytest
from aiokafka import AIOKafkaProducer

from consumer import connection
from consumer.deadletters import DeadLetter
from consumer.records import Partition, Record
from consumer.run import How, consume
from lineagegraph.canonical import digest, lines
from lineagegraph.facts import fold
from lineagegraph.naming import Naming
from mappers import REASONS, decode, map_event
from tests.consumer.dlq.damage import damaged
from tests.consumer.dlq.rig import Rig, eventually, raw
from tests.consumer.fakes import FakeStore, event

pytestmark = pytest.mark.real
TODAY = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
PARTITIONS = 6
RATE = 1_000
PORTION = RATE // 2


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


async def fill(rig: Rig) -> tuple[list[bytes], list[str]]:
    """Sound events and dead letters of every class; the events that the graph must hold at the end."""
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
    await rig.create(PARTITIONS)
    producer = AIOKafkaProducer(**connection.options(rig.settings()), enable_idempotence=True, linger_ms=5)
    await producer.start()
    await asyncio.gather(*[await producer.send(rig.topic, value, key=key) for key, value in sent])
    await producer.stop()
    await rig.bury(by_hand)
    return healthy, [f"rejected-{number}" for number in range(KINDS["rejected"].count)]


def test_2000_dead_letters_of_every_class_end_in_the_graph_or_discarded_though_the_replay_is_killed_twice(
    graph_rig: Rig,
) -> None:
    rig = graph_rig
    healthy, refused = asyncio.run(fill(rig))
    (rig.folder / "refused").write_text("\n".join(refused), encoding="utf-8")
    first = rig.worker(LINEAGE_MAX_EVENT_BYTES="8192", LINEAGE_ON_TOMBSTONE="dead_letter")
    eventually(lambda: rig.states()["open"] == TOTAL, 180)
    first.send_signal(signal.SIGTERM)
    assert first.wait(60) == 0
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

    planned = replayed_and_killed_twice(rig)
    assert planned["letters"] == after["letters"]
    states = rig.states()
    assert (states["open"], states["sent"], states["planned"], states["parked"]) == (0, 0, 0, 0)
    assert (states["resolved"], states["discarded"]) == (after["letters"], TOTAL - after["letters"])

    facts = fold([map_event(decode(value), Naming.load(None)).facts for value in healthy])
    assert rig.run("export", "--hash").strip() == digest(lines(facts))


def replayed_and_killed_twice(rig: Rig) -> dict[str, Any]:
    """Every open letter, planned, sent and resolved; what the plan said."""
    file = str(rig.folder / "plan.json")
    planned: dict[str, Any] = rig.dlq("plan", "-o", file)
    name, total = planned["replay"], planned["letters"]
    rig.worker()
    killed(rig, "2", "before", "dlq", "replay", "--plan", file, "--rate", f"{RATE}/s", "--wait", "120")
    now = rig.dlq("status", name)["replays"][0]
    assert (now["planned"], now["letters"]) == (total - PORTION, total), "the portion in the middle was not sent"
    killed(rig, "2", "after", "dlq", "resume", name, "--take-over")
    done = rig.dlq("resume", name, "--take-over")
    assert (done["resolved"], done["failed"], done["left"]) == (total, 0, 0)
    assert done["sent_now"] == total - 3 * PORTION
    again = rig.dlq("replay", "--plan", file)
    assert (again["sent_now"], again["resolved"]) == (0, total)

    settings = rig.settings()
    retry, ledger = settings.retry_of(rig.topic), settings.ledger_of(rig.topic)
    visible = Counter(_id(one) for one in asyncio.run(raw(settings, retry, "read_committed")))
    assert set(visible.values()) == {1}
    assert len(visible) == total
    physical = len(asyncio.run(raw(settings, retry, "read_uncommitted")))
    assert physical == total + PORTION, "only what was in flight is sent again"
    resolved = Counter(
        one.key for one in asyncio.run(raw(settings, ledger, "read_committed")) if b'"resolved"' in (one.value or b"")
    )
    assert (len(resolved), set(resolved.values())) == (total, {1}), "nothing is resolved twice"
    return planned


def killed(rig: Rig, *arguments: str) -> None:
    """A command that kills itself at the place that its arguments say."""
    process = rig.start(*arguments, module="tests.consumer.dlq.mortal")
    code = process.wait(120)
    assert code == -signal.SIGKILL, (rig.folder / "tests.consumer.dlq.mortal.log").read_text()


def test_the_outcome_of_10_000_damaged_events_is_predicted_exactly(rig: Rig) -> None:
    settings = rig.settings(graph_sync_seconds=0.0, commit_seconds=0.2, batch_records=2000)

    async def bury() -> None:
        await rig.create(PARTITIONS)
        now = int(time.time() * 1000)
        records = [
            Record(Partition(rig.topic, n % PARTITIONS), n, now, b"%d" % n, value)
            for n, value in enumerate(islice(damaged(11), 10_000))
        ]
        await rig.bury([DeadLetter(one, "too_large") for one in records])

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

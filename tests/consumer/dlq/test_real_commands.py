"""The commands on a real Kafka, and the runbook from its first example to its last."""

from __future__ import annotations

import asyncio
import json
import shlex
import socket
import subprocess
import time
import urllib.request
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from aiokafka import AIOKafkaConsumer
from aiokafka.structs import OffsetAndMetadata, TopicPartition

from consumer import connection
from consumer.deadletters import DeadLetter
from consumer.records import Partition, Record
from tests.consumer.dlq.rig import Rig, eventually, raw
from tests.consumer.dlq.test_counting import QUERY
from tests.consumer.dlq.test_docs import EXAMPLES
from tests.consumer.fakes import event

pytestmark = pytest.mark.real
TODAY = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def letters(topic: str, reason: str, offsets: range, number: int = 0, **change: Any) -> list[DeadLetter]:
    """Letters about sound events, or about events with this change."""
    made = []
    for offset in offsets:
        value = event(offset, **{"eventTime": TODAY, "run": {"runId": f"{reason}-{offset}"}} | change)
        record = Record(Partition(topic, number), offset, int(time.time() * 1000), b"%d" % offset, value)
        made.append(DeadLetter(record, reason))
    return made


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def got(address: str) -> str:
    with OPENER.open(address, timeout=10) as answer:
        return str(answer.read().decode())


def answers(address: str) -> bool:
    try:
        return bool(got(address))
    except OSError:
        return False


class Runbook:
    """Runs the examples of docs/dead-letters.md as they stand, but for what only the reader can know."""

    def __init__(self, rig: Rig) -> None:
        self._rig = rig
        self.ran: set[str] = set()
        self.known: dict[str, str] = {}

    def follow(self, *beginnings: str) -> str:
        """Run the examples that begin so; what the last one prints."""
        printed = ""
        for beginning in beginnings:
            found = [one for one in EXAMPLES if one.startswith(beginning) and "--listen" not in one]
            assert found, beginning
            for example in found:
                self.ran.add(example)
                printed = self._rig.run(*shlex.split(self._told(example)), codes=(0, 3))
        return printed

    def start(self, beginning: str) -> subprocess.Popen[bytes]:
        """An example that does not end."""
        (example,) = (one for one in EXAMPLES if one.startswith(beginning))
        self.ran.add(example)
        return self._rig.start(*shlex.split(self._told(example)))

    def _told(self, example: str) -> str:
        for text, meant in self.known.items():
            example = example.replace(text, meant)
        return example


def test_every_example_of_the_runbook_does_what_it_is_there_for(
    make_rig: Callable[..., Rig], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    rig = make_rig(topic="openlineage.events", group=f"g-{uuid.uuid4().hex[:8]}")
    asyncio.run(rig.create(6))
    asyncio.run(
        rig.bury(
            [
                *letters(rig.topic, "event_type", range(40, 60), 3, eventType="BROKEN"),
                *letters(rig.topic, "names", range(3), job={"namespace": "test", "name": ""}),
                *letters(rig.topic, "empty_value", range(10, 12)),
            ]
        )
    )
    book = Runbook(rig)
    assert "event_type" in book.follow("dlq stats since=1h", "dlq stats")
    assert "openlineage.events-0-2  names" in book.follow("dlq peek -n 1 class=names")
    assert book.follow("dlq peek -n 3").count("openlineage.events-") == 3
    assert "still fails" in book.follow("dlq test class=names")
    assert book.follow("dlq ls 'first<1d'") == "No dead letters match.\n", "these letters are younger"
    assert "20 letters are edited" in book.follow("dlq edit class=event_type")
    assert "BROKEN" in book.follow("dlq show openlineage.events-3-42 --original")
    assert "BROKEN" not in rig.run("dlq", "show", "openlineage.events-3-42")
    book.follow("dlq edit openlineage.events-3-42 --restore")
    assert "BROKEN" in rig.run("dlq", "show", "openlineage.events-3-42")
    book.follow("dlq edit class=event_type", "dlq plan class=event_type")
    planned = json.loads((tmp_path / "plan.json").read_text(encoding="utf-8"))
    book.known = {"8d1f02ab": planned["replay"], "9118": str(free_port())}

    rig.start(module="tests.consumer.dlq.takes_all")
    assert "All 20 letters are resolved." in book.follow("dlq replay --plan")
    assert "All 20 letters are resolved." in book.follow("dlq resume 8d1f02ab")
    assert "2 letters are discarded" in book.follow("dlq discard class=empty_value")
    assert "0 letters would be deleted" in book.follow("dlq purge --before 7d")
    assert "openlineage.events-3 is not halted" in book.follow("resume openlineage.events-3")
    book.start("dlq stats --listen")
    address = f"http://127.0.0.1:{book.known['9118']}"
    eventually(lambda: answers(address + "/metrics"))
    book.known.clear()
    assert book.ran == set(EXAMPLES)


def test_the_numbers_over_http_are_those_of_stats_and_follow_what_comes(rig: Rig) -> None:
    asyncio.run(rig.create(3))
    asyncio.run(rig.bury(letters(rig.topic, "names", range(4))))
    address = f"http://127.0.0.1:{(port := free_port())}"
    rig.start("dlq", "stats", "--listen", f"127.0.0.1:{port}")
    eventually(lambda: answers(address + "/metrics"))
    told, counted = json.loads(got(address + "/stats.json")), rig.dlq("stats")
    assert told == {name: counted[name] for name in told}
    line = f'lineage_dead_letter_backlog{{reason="names",state="open",topic="{rig.topic}"}}'
    assert f"{line} 4.0" in got(address + "/metrics")
    rig.dlq("discard", f"{rig.topic}-0-1", "--yes")
    asyncio.run(rig.bury(letters(rig.topic, "limits", range(10, 12))))
    eventually(lambda: json.loads(got(address + "/stats.json"))["letters"] == 6)
    eventually(lambda: f"{line} 3.0" in got(address + "/metrics"))


def test_the_api_tells_the_numbers_of_stats_whatever_is_done_with_the_letters(graph_rig: Rig) -> None:
    rig = graph_rig
    asyncio.run(rig.create(3))
    asyncio.run(rig.bury(letters(rig.topic, "names", range(4)) + letters(rig.topic, "limits", range(4, 9), 1)))
    address = f"http://127.0.0.1:{(port := free_port())}/graphql"
    rig.start("serve", "--port", str(port))
    eventually(lambda: answers(address))

    def told() -> Any:
        body = json.dumps({"query": QUERY}).encode()
        asked = urllib.request.Request(address, body, {"Content-Type": "application/json"})
        with OPENER.open(asked, timeout=30) as answer:
            return json.loads(answer.read())["data"]["deadLetters"]

    def agrees() -> dict[str, int]:
        """The states, as both tell them."""
        time.sleep(1.1)  # the API looks at most once a second
        counted = rig.dlq("stats", "--by", "producer")
        assert told() == {name: value for name, value in counted.items() if name != "by"}
        return {state: count for state, count in counted["states"].items() if count}

    assert agrees() == {"open": 9}
    rig.dlq("discard", "offset=0..1", "--yes")
    rig.dlq("park", f"{rig.topic}-0-2")
    assert agrees() == {"open": 6, "parked": 1, "discarded": 2}
    assert rig.dlq("purge", "--yes")["deleted"] == 2
    assert agrees() == {"open": 6, "parked": 1}
    replaying = rig.start("dlq", "replay", "--rate", "1/min")
    eventually(lambda: rig.states()["sent"] == 1)
    assert agrees() == {"planned": 5, "sent": 1, "parked": 1}
    assert told()["replays_running"] == 1
    replaying.kill()


def test_new_letters_are_told_as_they_come(rig: Rig) -> None:
    asyncio.run(rig.create(3))
    asyncio.run(rig.bury(letters(rig.topic, "names", range(3))))
    rig.start("dlq", "tail", "-n", "1", "class=names", "--json")

    def told() -> list[str]:
        return [json.loads(line)["id"] for line in (rig.folder / "consumer.log").read_text().splitlines()]

    eventually(lambda: told() == [f"{rig.topic}-0-2"])
    asyncio.run(rig.bury(letters(rig.topic, "limits", range(7, 8)) + letters(rig.topic, "names", range(8, 9))))
    eventually(lambda: told() == [f"{rig.topic}-0-2", f"{rig.topic}-0-8"])


def test_a_restored_letter_is_what_the_producer_sent(rig: Rig) -> None:
    asyncio.run(rig.create(3))
    asyncio.run(rig.bury(letters(rig.topic, "event_type", range(2), eventType="BROKEN")))
    name = f"{rig.topic}-0-1"
    before = rig.dlq("show", name)
    patch = json.dumps([{"op": "replace", "path": "/eventType", "value": "COMPLETE"}])
    for _ in range(2):
        rig.dlq("edit", name, "--op", patch)
        rig.dlq("edit", name, "--op", patch.replace("COMPLETE", "START"), "--reason", "twice")
    edited = rig.dlq("show", name)
    assert (edited["edit"]["number"], edited["value"]["eventType"], edited["state"]) == (4, "START", "open")
    assert rig.dlq("show", name, "--original")["value"] == before["value"]
    assert rig.dlq("edit", name, "--restore")["edited"] == 1
    restored = rig.dlq("show", name)
    assert (restored["value"], restored["sha256"], restored["edit"]["number"]) == (before["value"], before["sha256"], 5)
    assert rig.dlq("edit", f"{rig.topic}-0-0", "--restore", code=3)["not_edited"], "it was never edited"


def test_purging_stops_at_the_first_letter_that_is_open_and_the_ledger_forgets_what_is_gone(rig: Rig) -> None:
    asyncio.run(rig.create(3))
    asyncio.run(rig.bury(letters(rig.topic, "names", range(6))))
    rig.dlq("discard", "offset=0..2,4..5", "--reason", "nobody needs them", "--yes")
    assert rig.dlq("purge", "--dry-run")["deleted"] == 3
    done = rig.dlq("purge", "--yes")
    assert (done["deleted"], done["held_by"]) == (3, {"0": f"{rig.topic}-0-3"})
    left = {one["id"]: one["state"] for one in rig.dlq("ls", "state=open,discarded")["letters"]}
    assert left == {f"{rig.topic}-0-{n}": state for n, state in ((3, "open"), (4, "discarded"), (5, "discarded"))}
    assert sorted(asyncio.run(rig.ledger()).decided) == [f"{rig.topic}-0-4", f"{rig.topic}-0-5"]
    rig.dlq("discard", f"{rig.topic}-0-3", "--yes")
    assert rig.dlq("purge", "--before", "1d", "--yes")["deleted"] == 0, "they failed today"
    assert rig.dlq("purge", "--yes")["deleted"] == 3
    assert rig.dlq("ls", "state=open,discarded")["letters"] == []


def test_to_the_source_topic_letters_go_only_after_every_other_group_was_named(rig: Rig) -> None:
    others = [f"{name}-{rig.topic}" for name in ("marquez", "watch")]

    async def read_by_others() -> None:
        for group in others:
            reader = AIOKafkaConsumer(**connection.options(rig.settings()), group_id=group, enable_auto_commit=False)
            place = TopicPartition(rig.topic, 0)
            reader.assign([place])
            await reader.start()
            await reader.commit({place: OffsetAndMetadata(0, "")})
            await reader.stop()

    asyncio.run(rig.create(3))
    asyncio.run(rig.bury(letters(rig.topic, "rejected", range(5))))
    asyncio.run(read_by_others())
    rig.start(module="tests.consumer.dlq.takes_all")
    refused = ("dlq", "replay", "--to", "source", "--yes", "--wait", "60")
    rig.run(*refused, codes=(2,))
    rig.run(*refused, "--and-group", others[0], codes=(2,))
    rig.run(*refused, "--and-group", others[0], "--and-group", "nobody", codes=(2,))
    assert asyncio.run(raw(rig.settings(), rig.topic, "read_uncommitted")) == [], "nothing was sent yet"
    named = [word for group in others for word in ("--and-group", group)]
    done = rig.dlq(*refused[1:], *named)
    assert (done["resolved"], done["failed"]) == (5, 0)
    sent = asyncio.run(raw(rig.settings(), rig.topic, "read_committed"))
    assert sorted(one.key for one in sent) == [b"%d" % n for n in range(5)]
    assert rig.states()["resolved"] == 5

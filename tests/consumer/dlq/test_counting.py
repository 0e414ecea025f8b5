"""The API tells the numbers of `dlq stats --json`, however often it is asked and whatever happens to Kafka."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from click.testing import CliRunner

from consumer.cli import cli
from consumer.dlq.counting import Counting
from consumer.dlq.desk import Desk
from consumer.dlq.ledger import Decided, ReplayNote, Tried
from consumer.dlq.names import Names
from consumer.errors import KafkaAway
from consumer.settings import Settings, load
from tests.consumer.dlq.made import LETTERS, buried, source
from tests.consumer.dlq.memory import MemoryKafka
from tests.consumer.fakes import TIME
from tests.lineagegraph.api.asking import Api, asking
from tests.lineagegraph.api.test_page import examples

STATES = "open planned sent resolved parked discarded"
ROW = f"{{ name letters {STATES} first last class pointer message example }}"
QUERY = f"""{{ deadLetters {{
  source letters states {{ {STATES} }} oldest_open: oldestOpen replays_running: replaysRunning
  new_classes: newClasses new_fingerprints: newFingerprints
  classes {ROW} fingerprints {ROW} groups(by: "producer") {ROW}
}} }}"""


@pytest.fixture
def kafka(monkeypatch: pytest.MonkeyPatch) -> MemoryKafka:
    """Seven letters in every state, and a replay that goes on."""
    made = MemoryKafka(*(buried(source(n), n, ("names", "limits")[n % 2], now=TIME + n) for n in range(7)))
    made.enter(
        *(Decided("events-1-1", "parked", TIME), Decided("events-2-2", "discarded", TIME)),
        ReplayNote("8d1f02ab", "running", TIME, 3),
        *(Tried(f"events-{n % 3}-{n}", "8d1f02ab", "resolved" if n == 3 else "planned", TIME) for n in (3, 4)),
        Tried("events-2-5", "8d1f02ab", "sent", TIME),
    )
    monkeypatch.setattr("consumer.dlq.asking.open_desk", made.open)
    monkeypatch.setattr("consumer.dlq.counting.open_desk", made.open)
    monkeypatch.setattr("consumer.dlq.counting.SECONDS", 0.0)
    monkeypatch.setenv("LINEAGE_TOPICS", "events")
    return made


@pytest.fixture
def api(kafka: MemoryKafka) -> Iterator[Api]:
    with asking(letters=Counting(kafka.settings)) as made:
        yield made


def told(api: Api) -> dict[str, Any]:
    found: dict[str, Any] = api.data(QUERY)["deadLetters"]
    return found


def stats() -> dict[str, Any]:
    done = CliRunner().invoke(cli, ["dlq", "stats", "--by", "producer", "--json"])
    assert done.exit_code == 0, done.output
    found: dict[str, Any] = json.loads(done.stdout)
    assert found.pop("by") == "producer"
    return found


def test_the_api_tells_the_numbers_of_stats_and_follows_what_comes(api: Api, kafka: MemoryKafka) -> None:
    first = told(api)
    assert first == stats()
    assert first["states"] == dict.fromkeys(STATES.split(), 1) | {"open": 2}
    assert first["replays_running"] == 1
    kafka.add(buried(source(9), 9, "crash", now=int(time.time() * 1000)))
    kafka.enter(Decided("events-0-0", "discarded", TIME), ReplayNote("8d1f02ab", "done", TIME, 3))
    second = told(api)
    assert second == stats()
    assert (second["new_classes"], second["letters"], second["replays_running"]) == (["crash"], 8, 0)


def test_the_example_of_the_docs_can_be_asked_as_it_stands(api: Api) -> None:
    (example,) = (one for one in examples("graphql") if "deadLetters" in one)
    found = api.data(example.replace("openlineage.events", "events"))["deadLetters"]
    assert found["states"] == {"open": 2, "parked": 1}
    assert [row["open"] for row in found["groups"]] == [2]


def test_what_was_purged_is_counted_no_more(api: Api, kafka: MemoryKafka) -> None:
    kafka.enter(Decided("events-0-0", "discarded", TIME))
    assert told(api)["states"]["discarded"] == 2
    kafka.begins[LETTERS, 0] = 1
    kafka.write(b"events-0-0", None)
    assert told(api) == stats()
    assert told(api)["states"]["discarded"] == 1


def test_letters_are_read_once_and_then_only_what_is_new(api: Api, kafka: MemoryKafka) -> None:
    told(api)
    assert (len(kafka.desks), kafka.read) == (1, 13), "seven letters, six entries"
    kafka.add(buried(source(9), 9))
    told(api)
    told(api)
    assert (len(kafka.desks), kafka.read) == (1, 14)


def test_however_many_ask_kafka_is_asked_once_a_second(kafka: MemoryKafka, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("consumer.dlq.counting.SECONDS", 1.0)
    now = [100.0]
    with asking(letters=Counting(kafka.settings, clock=lambda: now[0])) as api:
        assert told(api)["letters"] == 7
        kafka.add(buried(source(9), 9))
        now[0] = 100.9
        assert told(api)["letters"] == 7
        now[0] = 101.0
        assert told(api)["letters"] == 8


def test_when_kafka_is_away_that_is_told_and_when_it_is_back_everything_is_there(
    api: Api, kafka: MemoryKafka, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_: object) -> Any:
        raise KafkaAway("No Kafka broker answers.")

    before = told(api)
    kafka.desks[-1].shelf.ends = away  # type: ignore[method-assign,assignment]  # a connection that never gets well again
    with monkeypatch.context() as patched:
        patched.setattr("consumer.dlq.counting.open_desk", away)
        assert [api.code(QUERY) for _ in range(2)] == ["UNAVAILABLE"] * 2
    assert told(api) == before


def test_reading_goes_on_when_the_asker_has_given_up(kafka: MemoryKafka, monkeypatch: pytest.MonkeyPatch) -> None:
    @asynccontextmanager
    async def slowly(settings: Settings, of: Names) -> AsyncIterator[Desk]:
        await asyncio.sleep(1.0)
        async with kafka.open(settings, of) as desk:
            yield desk

    monkeypatch.setattr("consumer.dlq.counting.open_desk", slowly)
    monkeypatch.setattr("consumer.dlq.counting.SECONDS", 60.0)
    with asking(letters=Counting(kafka.settings), seconds=0.4) as api:
        assert api.code(QUERY) == "TOO_SLOW"
        answers = [api.post(QUERY).json() for _ in range(3)]
        assert answers[-1]["data"]["deadLetters"]["letters"] == 7
        assert len(kafka.desks) == 1


@pytest.mark.parametrize(
    ("settings", "topic", "says"),
    [
        ({"topics": ("events",)}, '(topic: "secrets")', "not a topic whose events are read here"),
        ({"topic_pattern": "ev.*"}, '(topic: "other")', "not a topic whose events are read here"),
        ({"topics": ("events", "more")}, "", "say which one with `topic`"),
    ],
)
def test_only_letters_of_topics_that_are_read_here_are_counted(
    kafka: MemoryKafka, monkeypatch: pytest.MonkeyPatch, settings: dict[str, Any], topic: str, says: str
) -> None:
    monkeypatch.delenv("LINEAGE_TOPICS")
    with asking(letters=Counting(load(**settings))) as api:
        answer = api.post(f"{{ deadLetters{topic} {{ letters }} }}").json()["errors"][0]
    assert answer["extensions"]["code"] == "BAD_ARGUMENT"
    assert says in answer["message"]
    assert kafka.desks == []


def test_a_way_to_group_that_is_none_is_refused(api: Api) -> None:
    assert api.code('{ deadLetters { groups(by: "mood") { name } } }') == "BAD_ARGUMENT"

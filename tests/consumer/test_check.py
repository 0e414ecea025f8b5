"""`lineagegraph check` names what is wrong and what mends it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from dataclasses import replace

import pytest
from aiokafka import AIOKafkaProducer
from click.testing import CliRunner

from consumer import check_kafka, connection
from consumer.check import check, findings
from consumer.check_kafka import Ends, arrivals, own_topics, progress
from consumer.connection import Topic
from consumer.records import Partition
from consumer.settings import Settings, load
from lineagegraph.errors import GraphUnavailable
from lineagegraph.probe import Finding, State, clock
from tests.consumer.mock_kafka import MockKafka, mock_kafka

P0, P1 = Partition("t", 0), Partition("t", 1)
NOW = 1_795_000_000.0
MARK = json.dumps({"graph": "mine"})


@pytest.fixture(scope="module")
def kafka() -> Iterator[MockKafka]:
    with mock_kafka({"t": 2}) as made:
        yield made


@pytest.fixture
def settings(kafka: MockKafka) -> Settings:
    return load(
        kafka_bootstrap_servers=(kafka.bootstrap,), topics=("t",), group="g", graph_urls=("ws://127.0.0.1:9/g",)
    )


def told(settings: Settings) -> dict[str, Finding]:
    async def all_of() -> list[Finding]:
        return [one async for one in check_kafka.check_kafka(settings, "mine")]

    return {one.name: one for one in asyncio.run(all_of())}


def test_kafka_that_is_away_and_a_topic_that_is_missing_are_told_with_the_remedy(settings: Settings) -> None:
    away = told(settings.model_copy(update={"kafka_bootstrap_servers": ("127.0.0.1:1",)}))
    assert away["Kafka"].state == "wrong"
    assert "LINEAGE_KAFKA_BOOTSTRAP_SERVERS" in away["Kafka"].remedy
    missing = told(settings.model_copy(update={"topics": ("u",)}))
    assert missing["topics"].state == "wrong"
    assert "publish --topic u" in missing["topics"].remedy
    assert "lag" not in missing


def test_what_waits_is_counted_and_nobody_who_reads_it_is_a_warning(settings: Settings) -> None:
    empty = told(settings)
    assert (empty["arrivals"].state, empty["lag"].says) == ("warning", "0 records behind")

    async def send() -> None:
        producer = AIOKafkaProducer(**connection.options(settings))
        await producer.start()
        for number in range(5):
            await producer.send_and_wait("t", b"{}", partition=number % 2)
        await producer.stop()

    asyncio.run(send())
    found = told(settings)
    assert (found["Kafka"].state, found["topics"].state, found["arrivals"].state) == ("ok", "ok", "ok")
    assert found["lag"].says == "5 records behind, 2 partitions never read"
    assert found["group"].state == "warning"
    assert found["own topics"].state == "warning"


ENDS = Ends({P0: 10, P1: 0}, {P0: 20, P1: 0}, None)


@pytest.mark.parametrize(
    ("known", "state", "says", "remedy"),
    [
        ({P0: (15, MARK)}, "ok", "5 records behind", ""),
        ({P0: (7, MARK)}, "wrong", "deleted 3 records of t-0", "LINEAGE_OFFSET_OUT_OF_RANGE"),
        ({P0: (15, json.dumps({"graph": "other"}))}, "wrong", "another graph", "--replay-from-earliest"),
        ({P0: (15, json.dumps({"graph": "mine", "brake": "halted"}))}, "wrong", "t-0 is halted", "resume t-0"),
    ],
    ids=["behind", "deleted", "other graph", "halted"],
)
def test_offsets_tell_what_keeps_the_group_from_getting_on(
    known: dict[Partition, tuple[int, str]], state: State, says: str, remedy: str
) -> None:
    first = progress(load(group="g"), ENDS, known, "mine")[0]
    assert first.state == state
    assert says in first.says
    assert remedy in first.remedy


@pytest.mark.parametrize(
    ("newest", "state"), [(NOW - 5, "ok"), (NOW - 90_000, "warning"), (NOW + 60, "wrong")], ids=["new", "old", "future"]
)
def test_what_arrives_tells_of_silence_and_of_clocks(newest: float, state: State) -> None:
    assert arrivals(replace(ENDS, newest=int(newest * 1000)), NOW).state == state


def test_clocks_are_compared() -> None:
    assert [clock("c", skew).state for skew in (0.5, -1.9, 2.5, -40.0)] == ["ok", "ok", "warning", "wrong"]
    assert clock("c", -40.0).says == "is 40.0 s behind ours"


def test_own_topics_are_there_or_will_be_made() -> None:
    made = load(group="g", topics=("t",))
    standing = {name: Topic(name, 1, 1) for name in ("t.g.dlq", "t.g.retry", "t.g.dlq.ledger")}
    assert [one.state for one in own_topics(made, standing, ["t"])] == ["ok"]
    del standing["t.g.retry"]
    assert "t.g.retry is not there yet" in own_topics(made, standing, ["t"])[0].says


def test_a_graph_that_is_away_does_not_hide_what_kafka_says(settings: Settings) -> None:
    found = list(findings(settings))
    assert (found[0].name, found[0].state) == ("graph 127.0.0.1:9", "wrong")
    assert "LINEAGE_GRAPH_URLS" in found[0].remedy
    assert found[-1].name == "lag"


def test_the_command_ends_with_1_only_if_something_is_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    found = [Finding("a", "ok", "fine"), Finding("b", "warning", "odd", "look")]
    monkeypatch.setattr("consumer.check.findings", lambda settings: iter(found))
    good = CliRunner().invoke(check, [])
    assert good.exit_code == 0
    assert good.output == "ok       a: fine\nwarning  b: odd\n         → look\n"
    found.append(Finding("c", "wrong", "bad", "mend"))
    bad = CliRunner().invoke(check, ["--json"])
    assert bad.exit_code == 1
    assert json.loads(bad.output)["findings"][2] == {"name": "c", "state": "wrong", "says": "bad", "remedy": "mend"}


def test_what_is_asked_in_vain_is_told_in_two_parts() -> None:
    from consumer.check_kafka import _failed

    failed = _failed("x", GraphUnavailable("It is away. Start it. Or not."))
    assert (failed.says, failed.remedy) == ("It is away.", "Start it. Or not.")

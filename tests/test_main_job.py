"""The main job on real servers: from Kafka into the graph, killed in the middle, and equal to what the events state."""

from __future__ import annotations

import json
import random
import signal
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from deploy.local import Stack
from deploy.local.kafka import Kafka
from tests.product import EVENTS, Product, eventually, logged
from tests.servers import fresh

MakeProduct = Callable[[str], Product]


def shuffled(times: int, seed: int, into: Path) -> Path:
    """Every event of the corpus so many times, in random order; malformed lines as they stand."""
    lines = [line for path in EVENTS for line in path.read_bytes().splitlines() if line.strip()] * times
    random.Random(seed).shuffle(lines)
    into.write_bytes(b"\n".join(lines) + b"\n")
    return into


def pairs(count: int, into: Path) -> Path:
    """START and COMPLETE of so many runs of a few jobs, each with a snapshot of its own."""
    with into.open("w", encoding="utf-8") as file:
        for n in range(count):
            job = n % 17
            for kind, second in (("START", 0), ("COMPLETE", 30)):
                dataset = {"namespace": "s3://lake", "name": f"silver/t{job}"}
                if kind == "COMPLETE":
                    dataset["facets"] = {"version": {"datasetVersion": str(10**18 + n)}}  # type: ignore[assignment]
                moment = f"2026-11-{1 + n // 1440 % 28:02}T{n // 60 % 24:02}:{n % 60:02}:{second:02}Z"
                event = {
                    "eventType": kind,
                    "eventTime": moment,
                    "run": {"runId": f"run-{n}"},
                    "job": {"namespace": "made", "name": f"job{job}"},
                    "inputs": [{"namespace": "s3://lake", "name": f"bronze/t{job % 5}"}],
                    "outputs": [dataset],
                }
                file.write(json.dumps(event) + "\n")
    return into


@pytest.fixture
def running() -> Iterator[list[subprocess.Popen[bytes]]]:
    """Processes that a test starts; none outlives it."""
    started: list[subprocess.Popen[bytes]] = []
    yield started
    for process in started:
        process.kill()
        process.wait()


@pytest.mark.real
@pytest.mark.parametrize("store", ["inmemory", pytest.param("cassandra", marks=pytest.mark.cassandra)])
def test_the_corpus_three_times_shuffled_with_three_consumers_is_the_corpus_once(
    store: str, product: MakeProduct, running: list[subprocess.Popen[bytes]], tmp_path: Path
) -> None:
    once = product(store)
    stated = once.facts_hash(*EVENTS)
    once.run("schema", "install")
    sent = once.publish(*EVENTS)
    counts = once.consume()
    assert counts["received"] == sent == counts["written"] + counts["dead"]
    assert counts["dead"] > 0
    assert once.graph_hash() == stated

    thrice = product(store)
    thrice.run("schema", "install")
    thrice.publish(shuffled(1, 20261125, tmp_path / "first.ndjson"), partitions=6)
    thrice.environment["LINEAGE_BATCH_RECORDS"] = "50"
    members = [thrice.start("consume") for _ in range(3)]
    running += members
    # Six partitions of the topic and six of its retries, shared by three.
    eventually(lambda: [row["partitions"] for row in logged(thrice.log, "assigned")].count(4) >= 3, 120)
    assert thrice.publish(shuffled(2, 20261126, tmp_path / "again.ndjson"), partitions=6) == 2 * sent
    eventually(lambda: sum(row["records"] for row in logged(thrice.log, "batch")) >= 3 * sent, 120)
    for member in members:
        member.send_signal(signal.SIGTERM)
    assert [member.wait(60) for member in members] == [0, 0, 0]
    thrice.consume()  # what rebalances had them read twice may have hidden a rest
    assert thrice.graph_hash() == stated


@pytest.mark.real
def test_kill_9_of_the_consumer_in_the_middle_of_batches_loses_and_doubles_nothing(
    product: MakeProduct, running: list[subprocess.Popen[bytes]], tmp_path: Path
) -> None:
    one = product("inmemory")
    one.environment |= {"LINEAGE_BATCH_RECORDS": "40", "LINEAGE_SESSION_SECONDS": "6"}
    events = pairs(1500, tmp_path / "pairs.ndjson")
    one.run("schema", "install")
    one.publish(events)
    for _ in range(3):
        seen = len(logged(one.log, "batch"))
        consumer = one.start("consume")
        running.append(consumer)
        eventually(lambda seen=seen: len(logged(one.log, "batch")) >= seen + 3)  # type: ignore[misc]
        consumer.kill()
        assert consumer.wait() == -signal.SIGKILL
    assert one.consume()["received"] > 0, "it was killed before the end"
    assert one.graph_hash() == one.facts_hash(events)


@pytest.mark.timeout(900)
@pytest.mark.cassandra
def test_kill_9_of_janusgraph_and_of_cassandra_in_the_middle_of_writes_loses_and_doubles_nothing(
    kafka: Kafka, local_stack: Stack, running: list[subprocess.Popen[bytes]], tmp_path: Path
) -> None:
    # What it acknowledged less than 8 s ago is lost when it is killed.
    cassandra = local_stack.cassandra(period_ms=8000, compressed=True)
    cassandra.stop()
    cassandra.start()
    graph = fresh(local_stack, "cassandra")
    one = Product(kafka.bootstrap, graph.url, tmp_path / "log")
    events = pairs(2000, tmp_path / "pairs.ndjson")
    one.environment |= {"LINEAGE_BATCH_RECORDS": "50", "LINEAGE_GRAPH_SYNC_SECONDS": "10"}
    one.run("schema", "install")
    one.publish(events)
    consumer = one.start("consume")
    running.append(consumer)
    for server in (graph, cassandra, cassandra):
        seen = len(logged(one.log, "batch"))
        eventually(lambda seen=seen: len(logged(one.log, "batch")) >= seen + 5, 120)  # type: ignore[misc]
        server.kill()
        eventually(lambda: bool(logged(one.log, "graph away")))
        server.start()
    consumer.send_signal(signal.SIGTERM)
    assert consumer.wait(60) == 0, "an outage of the graph never ends a consumer"
    counts = one.consume("--wait")  # JanusGraph may not have found Cassandra again
    assert counts["dead"] == 0
    assert one.graph_hash() == one.facts_hash(events)
    cassandra.stop()  # the next test starts it with the commit log that is usual here

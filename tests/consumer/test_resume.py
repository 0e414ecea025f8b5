"""`lineagegraph resume`, beside a consumer that runs and while none does; and what a bounded run says of a halt."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator

import pytest
from click.testing import CliRunner, Result

from consumer.cli import cli
from consumer.health import Health, serve
from consumer.records import Partition
from consumer.settings import load
from lineagegraph.errors import LineageError
from tests.consumer.fakes import event, rig
from tests.consumer.mock_kafka import OURS, MockKafka, mock_kafka

P0 = Partition("t", 0)


@pytest.fixture
def kafka(monkeypatch: pytest.MonkeyPatch) -> Iterator[MockKafka]:
    for name in [name for name in os.environ if name.startswith("LINEAGE_")]:
        monkeypatch.delenv(name)
    with mock_kafka(OURS | {"t": 1}) as cluster:
        monkeypatch.setenv("LINEAGE_KAFKA_BOOTSTRAP_SERVERS", cluster.bootstrap)
        monkeypatch.setenv("LINEAGE_TOPICS", "t")
        monkeypatch.setenv("LINEAGE_GROUP", "g")
        monkeypatch.setenv("LINEAGE_HTTP_PORT", "9")  # where nobody listens
        yield cluster


def run(*arguments: str) -> Result:
    return CliRunner().invoke(cli, ["resume", *arguments])


def test_a_consumer_that_runs_is_asked_first(kafka: MockKafka) -> None:
    one = rig({0: [event(0)]})
    asyncio.run(one.run_until(one.finished))
    one.worker.stopping.clear()
    assert one.worker.lease is not None
    one.worker.lease.halted[P0] = "test"
    health = Health(one.metrics)
    health.worker = one.worker

    async def scenario() -> tuple[Result, Result]:
        async with serve(load(http_port=0), health) as port:
            url = f"http://127.0.0.1:{port}"
            return (
                await asyncio.to_thread(run, "t-0", "--url", url),
                await asyncio.to_thread(run, "t-7", "--url", url),
            )

    resumed, other = asyncio.run(scenario())
    assert resumed.output == "t-0 goes on.\n"
    assert one.worker._resuming == {P0}
    assert isinstance(other.exception, LineageError)
    assert "does not hold t-7 halted" in str(other.exception)


def test_where_nobody_listens_is_one_sentence(kafka: MockKafka) -> None:
    result = run("t-0", "--url", "http://127.0.0.1:9")
    assert str(result.exception) == "No consumer answers at http://127.0.0.1:9."


@pytest.mark.parametrize("name", ["t", "t-", "-1", "t-x"])
def test_what_is_no_partition_is_wrong_usage(kafka: MockKafka, name: str) -> None:
    assert run("--", name).exit_code == 2

"""Health: a graph outage is no reason to restart, a poller that stands still is; each answer names the stage."""

from __future__ import annotations

import asyncio
import json
import time

import aiohttp

from consumer.delivery import Waiting
from consumer.health import Health, serve
from consumer.metrics import Metrics
from consumer.reading import Trouble
from consumer.records import Partition
from consumer.settings import load
from tests.consumer.fakes import Rig, event, rig


def at_work() -> tuple[Health, Rig]:
    one = rig({0: [event(1), b"{"]})
    asyncio.run(one.run_until(one.finished))
    one.worker.stopping.clear()
    one.worker.turned_at = time.monotonic()
    health = Health(one.metrics)
    health.worker = one.worker
    return health, one


def test_before_the_worker_exists_we_live_but_are_not_ready() -> None:
    health = Health(Metrics())
    assert (health.sick(), health.not_ready()) == (None, "starting")


def test_at_work_all_is_well() -> None:
    health, _ = at_work()
    assert (health.sick(), health.not_ready()) == (None, None)


def test_a_graph_outage_is_neither_death_nor_unreadiness_and_is_shown() -> None:
    health, one = at_work()
    one.worker.graph.broken.set()
    assert (health.sick(), health.not_ready()) == (None, None)
    assert health.status()["stage"] == "outage"


def test_a_poller_that_stands_still_is_sick() -> None:
    health, one = at_work()
    one.worker.turned_at = time.monotonic() - 130
    assert (health.sick(), health.not_ready()) == ("polling", "polling")
    one.worker.lease = None  # the group or its brokers make us wait: that may take longer
    assert health.sick() is None
    one.worker.turned_at = time.monotonic() - 610
    assert health.sick() == "joining"


def test_stopping_and_letters_that_wait_long_are_not_ready() -> None:
    health, one = at_work()
    one.worker.delivery.waiting.append(Waiting(frozenset({Partition("t", 0)}), time.monotonic() - 61))
    assert health.not_ready() == "burying t-0"
    assert health.sick() is None
    one.worker.stopping.set()
    assert health.not_ready() == "stopping"


def test_a_partition_that_the_brake_holds_or_that_cannot_be_read_is_named() -> None:
    health, one = at_work()
    one.source.trouble[Partition("t", 0)] = Trouble(time.monotonic() - 61, 0.0, "CorruptRecordException")
    assert health.not_ready() == "reading t-0"
    assert health.status()["partitions"]["t-0"]["trouble"] == "CorruptRecordException"
    assert one.worker.lease is not None
    one.worker.lease.halted[Partition("t", 0)] = "100 invalid records in a row"
    assert health.not_ready() == "halted t-0 (100 invalid records in a row)"
    assert health.sick() is None, "a restart would not help"


def test_a_halted_partition_is_resumed_over_http_and_no_other() -> None:
    health, one = at_work()
    assert one.worker.lease is not None
    one.worker.lease.halted[Partition("t", 0)] = "100 invalid records in a row"

    async def scenario() -> list[int]:
        codes = []
        async with serve(load(http_port=0), health) as port, aiohttp.ClientSession() as session:
            for name in ("t-1", "t", "t-x", "t-0"):
                async with session.post(f"http://127.0.0.1:{port}/partitions/{name}/resume") as response:
                    codes.append(response.status)
        return codes

    assert asyncio.run(scenario()) == [404, 404, 404, 202]


def test_the_four_pages_answer() -> None:
    health, one = at_work()

    async def scenario() -> dict[str, tuple[int, str]]:
        answers = {}
        async with serve(load(http_port=0), health) as port, aiohttp.ClientSession() as session:
            for page in ("livez", "readyz", "metrics", "status"):
                async with session.get(f"http://127.0.0.1:{port}/{page}") as response:
                    answers[page] = (response.status, await response.text())
            one.worker.stopping.set()
            async with session.get(f"http://127.0.0.1:{port}/readyz") as response:
                answers["stopping"] = (response.status, await response.text())
        return answers

    answers = asyncio.run(scenario())
    assert answers["livez"] == answers["readyz"] == (200, "ok\n")
    assert answers["stopping"] == (503, "stopping\n")
    assert 'lineage_records_total{partition="0",result="written",topic="t"} 1.0' in answers["metrics"][1]
    status = json.loads(answers["status"][1])
    assert status["stage"] == "consuming"
    assert status["partitions"] == {
        "t-0": {
            "position": 2,
            "committed": 2,
            "burying": False,
            "halted": None,
            "trouble": None,
            "records": {"received": 2, "written": 1, "dead": 1, "skipped": 0, "given_up": 0, "in_flight": 0},
        }
    }
    assert status["mismatch"] == 0
    assert status["records"] == {"received": 2, "written": 1, "dead": 1, "skipped": 0, "given_up": 0}

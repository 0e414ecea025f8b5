"""Runs that retention removed do not come back: not by a replay, not by what was on its way when the horizon rose."""

from __future__ import annotations

import asyncio
import json

import pytest

from consumer.batch import Good, Reader, Skip
from consumer.records import Partition
from lineagegraph.errors import GraphUnavailable
from lineagegraph.facts import Facts, Vertex
from lineagegraph.naming import Naming
from lineagegraph.settings import GraphSettings
from lineagegraph.store import GraphStore
from tests.consumer.fakes import TIME, event, record, rig

READER = Reader(Naming.load(None))
DAY = 24 * 3_600_000
OLD, OLD_MS = "2026-11-16T00:00:00Z", 1_794_787_200_000  # two days before the other events


def test_an_event_of_a_run_before_the_horizon_is_a_counted_skip() -> None:
    old = record(Partition("t", 0), 1, event(1, eventTime=OLD))
    assert isinstance(READER.read(old), Good)
    assert READER.read(old, TIME - DAY) == Skip(old, "before_horizon")
    assert isinstance(READER.read(old, OLD_MS), Good), "that is its very moment"


def test_what_is_no_run_has_no_horizon() -> None:
    about = {"eventTime": OLD, "producer": "p", "dataset": {"namespace": "test", "name": "table"}}
    assert isinstance(READER.read(record(Partition("t", 0), 1, json.dumps(about).encode()), TIME), Good)


def test_what_was_read_before_the_horizon_rose_is_read_again_and_nothing_is_lost() -> None:
    values = [event(n, **({"eventTime": OLD} if n % 2 else {})) for n in range(40)]
    on = rig({0: values}, batch_records=5, batches_in_flight=3)

    def raise_it(facts: Facts) -> None:
        on.store.horizon = TIME - DAY

    on.store.before_write = raise_it
    asyncio.run(on.run_until(on.finished))
    written = [runs_ for runs_ in on.of("write") if isinstance(runs_, set)]
    old = {f"run-{n}" for n in range(1, 40, 2)}
    assert {f"run-{n}" for n in range(0, 40, 2)} <= set().union(*written)
    assert sum(bool(old & some) for some in written) == 1, "only the write that was under way"
    assert on.metrics.total("lineage_skipped_total", reason="before_horizon") >= 17


class Servers:
    """They answer what a server answers; after so many requests the horizon has risen."""

    def __init__(self, after: int) -> None:
        self.bodies: list[str] = []
        self._after = after

    def ask(self, name: str, key: str, body: str) -> dict[str, object]:
        self.bodies.append(body)
        return {"k": key, "g": "graph-1", "h": 5 if len(self.bodies) > self._after else 0}


def test_a_write_of_several_requests_stops_where_the_horizon_has_risen() -> None:
    store, servers = GraphStore(GraphSettings(max_request_bytes=400)), Servers(1)
    store._connections, store._graph_id = servers, "graph-1"  # type: ignore[assignment]
    facts = Facts()
    for number in range(20):
        facts.vertex(Vertex("Run", (f"run-{number}",)))
    with pytest.raises(GraphUnavailable, match="horizon"):
        store.write(facts)
    assert len(servers.bodies) == 2
    assert store.horizon == 5
    store.write(facts)
    assert len(servers.bodies) > 5, "all of it is sent again: the memory is empty"


def test_statements_without_runs_do_not_mind_the_horizon() -> None:
    store, servers = GraphStore(GraphSettings(max_request_bytes=400)), Servers(1)
    store._connections, store._graph_id = servers, "graph-1"  # type: ignore[assignment]
    facts = Facts()
    for number in range(20):
        facts.vertex(Vertex("Feature", ("n", f"f{number}")))
    store.write(facts)
    assert len(servers.bodies) > 3

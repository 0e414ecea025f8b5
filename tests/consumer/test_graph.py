"""What the graph acknowledged counts as on disk only once a later heartbeat has proved that the store lived on."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Awaitable, Callable

import pytest

from consumer.graph import Graph, Timing, backoff
from consumer.metrics import Metrics
from lineagegraph.errors import SchemaMismatch
from tests.consumer.fakes import FakeStore, eventually


def watched(store: FakeStore, timing: Timing, scenario: Callable[[Graph], Awaitable[None]]) -> None:
    """Run the scenario while the heart beats."""

    async def run() -> None:
        graph = Graph(store, "graph-1", timing, Metrics())
        watching = asyncio.create_task(graph.watch())
        done = asyncio.ensure_future(scenario(graph))
        await asyncio.wait([watching, done], return_when=asyncio.FIRST_COMPLETED, timeout=10)
        watching.cancel()
        if watching.done() and not watching.cancelled():
            watching.result()
        await done

    asyncio.run(run())


def test_time_alone_proves_nothing() -> None:
    store, gate = FakeStore([]), threading.Event()
    beat = store.heartbeat

    def heartbeat() -> str:
        gate.wait(5)
        return beat()

    store.heartbeat = heartbeat  # type: ignore[method-assign]

    async def scenario(graph: Graph) -> None:
        at = graph.acknowledged()
        await asyncio.sleep(0.3)
        assert graph.on_disk_until < at, "the sync period has passed, but the store may have died in it"
        gate.set()
        await eventually(lambda: graph.on_disk_until >= at)
        assert time.monotonic() - at >= 0.1

    watched(store, Timing(sync=0.1, restart=5.0, beat=0.01), scenario)


def test_the_heart_rests_when_everything_is_on_disk() -> None:
    store = FakeStore([])

    async def scenario(graph: Graph) -> None:
        at = graph.acknowledged()
        await eventually(lambda: graph.on_disk_until >= at)
        await asyncio.sleep(0.05)
        beats = len(store.log)
        await asyncio.sleep(0.2)
        assert len(store.log) == beats
        again = graph.acknowledged()
        assert graph.on_disk_until < again
        await eventually(lambda: graph.on_disk_until >= again)

    watched(store, Timing(sync=0.05, restart=5.0, beat=0.01), scenario)


def test_a_heartbeat_of_another_graph_is_the_end() -> None:
    store = FakeStore([])

    async def scenario(graph: Graph) -> None:
        graph.acknowledged()
        store.graph_id = "graph-2"
        await asyncio.sleep(0.5)

    with pytest.raises(SchemaMismatch, match="graph-2 instead of graph-1"):
        watched(store, Timing(sync=1.0, restart=5.0, beat=0.01), scenario)


def test_without_a_sync_period_what_is_acknowledged_is_on_disk() -> None:
    store = FakeStore([])
    graph = Graph(store, "graph-1", Timing(sync=0.0), Metrics())
    at = graph.acknowledged()
    assert graph.on_disk_until >= at
    asyncio.run(graph.watch())  # returns at once: there is nothing to watch
    assert not store.log


def test_the_backoff_is_jittered_and_bounded() -> None:
    assert all(0.05 <= backoff(attempt) <= 30.0 for attempt in range(100) for _ in range(20))
    assert all(backoff(0) <= 0.5 for _ in range(100))

"""The graph as the consumer sees it: every call crosses into a thread here, and nothing counts before it is on disk.

What the graph acknowledged may still be lost if its store is killed, until the store has synced. So a
heartbeat runs through the same store while anything waits for that; one that is missed or late means that
the store may have been restarted, and nothing acknowledged since the last sync may be relied upon.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Protocol

import structlog

from consumer.metrics import Metrics
from lineagegraph.errors import GraphRejected, GraphUnavailable, SchemaMismatch
from lineagegraph.facts import Facts, fold

log = structlog.get_logger(__name__)

EASED = 0.01  # of all batches in flight, given back for each write after an outage has halved their number

CLOSED, HALF_OPEN, OPEN = range(3)  # the breaker's states, as its metric tells them


class Acknowledged(Protocol):
    """What the store says once it has taken facts."""

    @property
    def graph_id(self) -> str: ...
    @property
    def elements_sent(self) -> int: ...
    @property
    def elements_suppressed(self) -> int: ...


class Store(Protocol):
    """The part of lineagegraph.store.GraphStore that the consumer needs; synchronous and thread-safe."""

    @property
    def horizon(self) -> int: ...
    def write(self, facts: Facts) -> Acknowledged: ...
    def heartbeat(self) -> str: ...
    def forget(self) -> None: ...


@dataclass(frozen=True, slots=True)
class Timing:
    """How long until what is acknowledged is on disk, how fast the store could restart, how often to look."""

    sync: float
    restart: float = 6.0
    beat: float = 1.0


class Graph:
    """One graph, by its id, and how far its acknowledgements may be relied upon."""

    def __init__(self, store: Store, graph_id: str, timing: Timing, metrics: Metrics) -> None:
        self._store = store
        self.id = graph_id
        self._timing = timing
        self._metrics = metrics
        self.broken = asyncio.Event()
        self._unsynced = asyncio.Event()
        self._alive_since_then = 0.0  # the start of the latest heartbeat of an unbroken series
        self._last_acknowledged = 0.0
        self._failures = 0  # in a row; only a write that is acknowledged ends the row
        self.half_open = False  # whether the graph answers again, but has not yet taken a write
        self._share = 1.0  # of the batches in flight that the graph is trusted with

    @property
    def horizon(self) -> int:
        """Runs that ended before it (milliseconds) were removed, and must not be written again."""
        return self._store.horizon

    async def write(self, many: Sequence[Facts], horizon: int | None = None) -> float:
        """Write these facts together; the time of the acknowledgement. Raises GraphRejected, GraphUnavailable.

        `horizon` is the one under which they were read: if it was raised since, they have to be read again.
        """
        try:
            acknowledged = await asyncio.to_thread(lambda: self._write(many, horizon))
        except GraphRejected:
            self._metrics.add("lineage_graph_errors_total", kind="rejected")
            raise
        except GraphUnavailable as error:
            self._fail("unavailable", str(error))
            raise
        self._same(acknowledged.graph_id)
        self._share = min(1.0, self._share + EASED)
        if self.half_open and not self.broken.is_set():
            self.half_open, self._failures = False, 0
            self._metrics.set("lineage_breaker_state", CLOSED)
        self._metrics.add("lineage_graph_elements_total", acknowledged.elements_sent, result="sent")
        self._metrics.add("lineage_graph_elements_total", acknowledged.elements_suppressed, result="suppressed")
        return self.acknowledged()

    def _write(self, many: Sequence[Facts], horizon: int | None) -> Acknowledged:
        if horizon not in (None, self._store.horizon):
            raise GraphUnavailable("The graph's horizon was raised; what was read before is read again.")
        return self._store.write(fold(many))

    def batches(self, most: int) -> int:
        """How many of at most so many batches may be written at once now.

        A graph that is slow under our load misses heartbeats; if we came back with the same load after each of them
        it would never get beyond what it had. So every outage halves the load, and writes give it back bit by bit.
        """
        return 1 if self.half_open else max(1, int(most * self._share))

    def acknowledged(self) -> float:
        """Something was acknowledged now; also what was known already counts from now."""
        now = self._last_acknowledged = time.monotonic()
        if not self._unsynced.is_set():
            self._alive_since_then = now
            self._unsynced.set()
        return now

    @property
    def on_disk_until(self) -> float:
        """What was acknowledged up to this time is on disk."""
        return time.monotonic() if self._timing.sync == 0 else self._alive_since_then - self._timing.sync

    async def watch(self) -> None:
        """Keep the heart beating while anything acknowledged waits for the sync period."""
        while self._timing.sync > 0:
            await self._unsynced.wait()
            await asyncio.sleep(max(0.0, self._alive_since_then + self._timing.beat - time.monotonic()))
            if self.broken.is_set():
                await asyncio.sleep(self._timing.beat)
            else:
                await self._beat()

    async def _beat(self) -> None:
        started = time.monotonic()
        try:
            # The series is unbroken only if no restart fits between the last beat's start and this one's end.
            async with asyncio.timeout(self._alive_since_then + self._timing.restart - started):
                graph_id = await asyncio.to_thread(self._store.heartbeat)
        except GraphUnavailable as error:
            self._fail("unavailable", str(error))
            return
        except TimeoutError:
            self._fail("late", f"no heartbeat within {self._timing.restart:g} s")
            return
        self._same(graph_id)
        self._metrics.add("lineage_heartbeats_total")
        self._alive_since_then = started
        if self._last_acknowledged + self._timing.sync <= started:
            self._unsynced.clear()

    async def recover(self, stopping: asyncio.Event) -> None:
        """Until the graph answers or we stop; then nothing is relied upon that was not yet on disk.

        A heartbeat is the probe; after it one batch alone is tried, and if that fails the waiting goes on as if
        the graph had never answered.
        """
        if self.half_open:
            await self._wait(stopping, "it answered, and did not take a write")
        while not stopping.is_set():
            try:
                self._same(await asyncio.to_thread(self._store.heartbeat))
            except GraphUnavailable as error:
                await self._wait(stopping, str(error))
                continue
            await asyncio.to_thread(self._store.forget)
            self._unsynced.clear()
            self.broken.clear()
            self.half_open = True
            self._metrics.set("lineage_graph_outage", 0)
            self._metrics.set("lineage_breaker_state", HALF_OPEN)
            return

    async def _wait(self, stopping: asyncio.Event, why: str) -> None:
        delay = backoff(self._failures)
        self._failures += 1
        log.warning("graph away", error=why, attempt=self._failures, again_in=round(delay, 1))
        with suppress(TimeoutError):
            await asyncio.wait_for(stopping.wait(), delay)

    def _fail(self, kind: str, why: str) -> None:
        self._metrics.add("lineage_graph_errors_total", kind=kind)
        if not self.broken.is_set():
            log.error("graph outage", kind=kind, error=why)
            self._metrics.set("lineage_graph_outage", 1)
            self._metrics.set("lineage_breaker_state", OPEN)
            self._share /= 2
            self.broken.set()

    def _same(self, graph_id: str) -> None:
        if graph_id != self.id:
            raise SchemaMismatch(
                f"Another graph answers now ({graph_id} instead of {self.id}); it lacks what was written before. "
                "Fill it from the beginning with `lineagegraph consume --replay-from-earliest`."
            )


def backoff(attempt: int, most: float = 30.0, first: float = 0.5) -> float:
    """Seconds to wait before the next attempt: a random share of a bound that doubles (full jitter)."""
    return random.uniform(0.05, min(most, first * 2 ** min(attempt, 16)))

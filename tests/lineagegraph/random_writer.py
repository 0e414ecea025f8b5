"""One writer of the random run: a process that may be killed at any moment.

It writes its share of the events, shuffled and repeated, several batches at once, and commits late as the consumer
does: what is not yet safe is written again after a restart or an outage. It never ends before all of it is safe.
"""

from __future__ import annotations

import asyncio
import itertools
import logging
import os
import random
import sys
import time
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import orjson
import structlog

from consumer.graph import Graph, Timing
from consumer.metrics import Metrics
from lineagegraph.errors import GraphUnavailable
from lineagegraph.facts import Facts, fold
from lineagegraph.settings import GraphSettings
from lineagegraph.store import GraphStore
from tests.lineagegraph.random_facts import events
from tests.lineagegraph.servers import NAMING


@dataclass(frozen=True)
class Plan:
    """What one writer is to do; the file `finish` beside its state ends it after the pass under way."""

    urls: list[str]
    seed: str
    events: int
    size: int
    writer: int
    writers: int
    sync: float
    in_flight: int = 3
    forgets: float = 0.5  # how often it sends what it knows to be there


@dataclass
class State:
    """How far a writer is, kept over its deaths."""

    safe: int = 0  # batches of the endless series that are on disk
    recoveries: int = 0
    batches: int = 0  # acknowledged, repeats among them
    elements: int = 0
    slowest: float = 0.0  # seconds for one batch that was acknowledged
    by_second: dict[str, int] = field(default_factory=dict)  # elements acknowledged, by second of the wall clock


class Series:
    """The endless series of batches of one writer: pass after pass over its share, each shuffled anew."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._events = events(plan.seed, plan.events, plan.size)
        self._ends = [0]
        self._batches: list[list[int]] = []

    def batch(self, number: int) -> Facts:
        while number >= len(self._batches):
            self._extend()
        return fold(self._events[index] for index in self._batches[number])

    def ends_pass(self, number: int) -> bool:
        """Whether a pass begins with this batch, so that all before it is whole passes."""
        while number > self._ends[-1]:
            self._extend()
        return number > 0 and number in self._ends

    def _extend(self) -> None:
        """Every event from one to five times over all writers together; this writer's share of that."""
        plan, number = self._plan, len(self._ends)
        pick = random.Random(f"{plan.seed} pass {number}")
        order = [index for index in range(plan.events) for _ in range(pick.randint(1, 5))]
        pick.shuffle(order)
        mine = iter(order[plan.writer :: plan.writers])
        while chunk := list(itertools.islice(mine, pick.randint(1, 40))):
            self._batches.append(chunk)
        self._ends.append(len(self._batches))


class Writer:
    """Writes the series from what is safe on."""

    def __init__(self, plan: Plan, store: GraphStore, graph: Graph, file: Path) -> None:
        self._plan, self._store, self._graph, self._file = plan, store, graph, file
        self._series = Series(plan)
        self.state = State(**orjson.loads(file.read_bytes())) if file.exists() else State()
        self._waiting: deque[tuple[int, float]] = deque()  # the batch after each group, and when it was acknowledged
        self._stopping = asyncio.Event()

    async def run(self) -> None:
        watch = asyncio.create_task(self._graph.watch())
        at = self.state.safe
        while True:
            if self._graph.broken.is_set():
                await self._graph.recover(self._stopping)
                self.state.recoveries += 1
                self._waiting.clear()
                at = self.state.safe
            group = range(at, at) if self._done(at) else self._group(at)
            if not group:
                if not self._waiting:
                    break
                await asyncio.sleep(0.1)
            elif await self._write([self._series.batch(number) for number in group]):
                at = group.stop
                self._waiting.append((at, time.monotonic()))
            self._commit()
        watch.cancel()

    def _done(self, at: int) -> bool:
        return self._series.ends_pass(at) and self._file.with_name("finish").exists()

    def _group(self, at: int) -> range:
        """So many batches as are in flight at once, but none beyond the end of a pass."""
        stop = at + 1
        while stop - at < self._plan.in_flight and not self._series.ends_pass(stop):
            stop += 1
        return range(at, stop)

    async def _write(self, many: Sequence[Facts]) -> bool:
        """Whether all were acknowledged."""
        if random.random() < self._plan.forgets:
            self._store.forget()  # or most of a repeat would never be sent
        results = await asyncio.gather(*(self._timed(facts) for facts in many), return_exceptions=True)
        for failed in results:
            if isinstance(failed, BaseException) and not isinstance(failed, GraphUnavailable):
                raise failed
        return not any(results)

    async def _timed(self, facts: Facts) -> None:
        began = time.monotonic()
        await self._graph.write([facts])
        second = str(int(time.time()))
        self.state.batches += 1
        self.state.elements += len(facts)
        self.state.slowest = max(self.state.slowest, time.monotonic() - began)
        self.state.by_second[second] = self.state.by_second.get(second, 0) + len(facts)

    def _commit(self) -> None:
        on_disk = self._graph.on_disk_until
        while self._waiting and not self._graph.broken.is_set() and self._waiting[0][1] <= on_disk:
            self.state.safe = self._waiting.popleft()[0]
        new = self._file.with_suffix(".new")
        new.write_bytes(orjson.dumps(asdict(self.state)))
        os.replace(new, self._file)


def states(folder: Path) -> Iterator[State]:
    """What the writers of a folder left."""
    for file in sorted(folder.glob("state-*.json")):
        yield State(**orjson.loads(file.read_bytes()))


def connect(plan: Plan) -> tuple[GraphStore, Graph]:
    """The store, opened; waits until the graph answers."""
    cache = random.choice((30, 1_000, 300_000))
    turn = plan.writer % len(plan.urls)
    urls = (*plan.urls[turn:], *plan.urls[:turn])
    store = GraphStore(GraphSettings(urls=urls, connections=plan.in_flight + 1, cache_elements=cache))
    while True:
        try:
            return store, Graph(store, store.open(NAMING), Timing(sync=plan.sync), Metrics())
        except GraphUnavailable:
            time.sleep(0.5)


def main(plan: Plan, file: Path) -> None:
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    store, graph = connect(plan)
    asyncio.run(Writer(plan, store, graph, file).run())
    store.close()


if __name__ == "__main__":
    arguments: dict[str, Any] = orjson.loads(sys.argv[1])
    main(Plan(**arguments), Path(sys.argv[2]))

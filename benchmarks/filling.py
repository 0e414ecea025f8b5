"""A graph of generated events, written as fast as this machine and the servers allow."""

from __future__ import annotations

import os
from collections import deque
from concurrent.futures import Future, ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import closing
from itertools import islice

from benchmarks import events
from lineagegraph.facts import Facts, fold
from lineagegraph.gremlin import Connections
from lineagegraph.install import install
from lineagegraph.naming import Naming
from lineagegraph.settings import GraphSettings
from lineagegraph.store import GraphStore
from mappers import decode, map_event

AT_ONCE = 500
MAPPERS = max(1, (os.cpu_count() or 2) // 2)


def fill(settings: GraphSettings, pipelines: int, runs: int) -> None:
    """Write the graph: all events of all runs. They are mapped in processes of their own and written side by side."""
    naming = Naming.load()
    with closing(Connections(settings)) as connections:
        install(connections, naming.hash)
    lines = events.lines("--shape", "dag", "--count", str(pipelines), "--runs", str(runs))
    batches = iter(lambda: list(islice(lines, AT_ONCE)), [])
    writing: deque[Future[object]] = deque()
    with (
        closing(GraphStore(settings)) as store,
        ProcessPoolExecutor(MAPPERS) as mappers,
        ThreadPoolExecutor(settings.connections) as writers,
    ):
        store.open(naming.hash)
        mapping = deque(mappers.submit(facts_of, some) for some in islice(batches, 2 * MAPPERS))
        while mapping:
            made = mapping.popleft().result()
            mapping.extend(mappers.submit(facts_of, some) for some in islice(batches, 1))
            writing.append(writers.submit(store.write, made))
            while len(writing) > 2 * settings.connections:
                writing.popleft().result()
        for done in writing:
            done.result()


def facts_of(lines: list[bytes]) -> Facts:
    """What some events state together, in one piece: parts that are shared are known by where they are in memory."""
    naming, together = Naming.load(), Facts()
    made = fold(map_event(decode(line), naming).facts for line in lines)
    together.own[0].update(made.vertices)
    together.own[1].update(made.edges)
    return together

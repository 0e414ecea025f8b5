"""How fast lineage is answered, beside a plain traversal and a walk without rules, in one run on this machine.

    python -m benchmarks.read [--store inmemory|cassandra|both] [--pipelines 15000] [--runs 1] [--questions 50]

The graph is that of `gen_events.py --shape dag`. Asked is `upstream` of datasets drawn at random among the last half,
at depth 5 and 10. Compared are the same levels walked by our server script in one request without any rule (names,
pipelines, inputs and all their properties), and `repeat(in().out()).emit()` as Gremlin text that gives the names only.
Machines are shared and noisy: trust requests, vertices and the ratios of CPU within one run. JSON=1 adds one last line
of JSON.
"""

from __future__ import annotations

import argparse
import random
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from itertools import islice
from statistics import median, quantiles
from typing import Any

import orjson
from gremlin_python.driver.client import Client

from benchmarks import events
from benchmarks.measure import cpu_seconds, report, table
from benchmarks.store import CONNECTIONS, Store, _fresh
from deploy.local import JanusGraphOnCassandra, Stack
from lineagegraph import lineage
from lineagegraph.facts import Vertex, fold
from lineagegraph.gremlin import Connections, request_key
from lineagegraph.install import install
from lineagegraph.naming import Naming
from lineagegraph.reader import Limits, Reader
from lineagegraph.reply import FORM, written
from lineagegraph.settings import GraphSettings
from lineagegraph.store import GraphStore
from mappers import decode, map_event

DEPTHS = (5, 10)
SOURCES = 20  # datasets of the generator that no pipeline writes
AT_ONCE = 500
PLAIN = (
    "g.V(start).repeat(__.in('GENERATED_BY').out('CONSUMES').dedup()).emit().times(depth)"
    ".dedup().values('dataset_id').toList()"
)

Row = tuple[int, str, "Asked"]


def dataset(number: int) -> Vertex:
    """A dataset of the generator."""
    return Vertex("Dataset", ("s3://lake", f"warehouse/db{number % 20}/t{number}"))


def fill(settings: GraphSettings, pipelines: int, runs: int) -> None:
    """Write the graph: all events of all runs."""
    connections = Connections(settings)
    install(connections, Naming.load().hash)
    connections.close()
    store, naming = GraphStore(settings), Naming.load()
    store.open(naming.hash)
    lines = events.lines("--shape", "dag", "--count", str(pipelines), "--runs", str(runs))
    try:
        while some := list(islice(lines, AT_ONCE)):
            store.write(fold(map_event(decode(line), naming).facts for line in some))
    finally:
        store.close()


class Counted:
    """Requests of the reader, and the vertices that they told of."""

    def __init__(self, connections: Connections) -> None:
        self._connections = connections
        self.requests = self.vertices = 0

    def ask(self, name: str, key: str, body: str) -> dict[str, Any]:
        """As `Connections.ask`."""
        reply = self._connections.ask(name, key, body)
        self.requests += 1
        self.vertices += sum(len(rows) for _, rows in reply["v"])
        return reply


def ours(graph: Counted, start: Vertex, depth: int) -> int:
    """`upstream` with all its rules and snapshots; datasets and pipelines found."""
    found = lineage.upstream(Reader(graph.ask, Limits(seconds=600)), start, depth)
    if found.cut is not None:
        raise SystemExit(f"an answer was cut: {found.cut.why}")
    return len({step.source for step in found.steps} | {p for step in found.steps for p in step.pipelines})


def without_rules(graph: Counted, start: Vertex, depth: int) -> int:
    """The same levels in one request of the same script, with everything that stands there."""
    hops = ((("IN", "GENERATED_BY"),), (("OUT", "CONSUMES"),)) * depth
    key = request_key()
    body = {"k": key, "asks": [{"ids": [start.id], "hops": written(hops)}], "each": 1000, "all": 20_000, **FORM}
    found = graph.ask("around", key, orjson.dumps(body).decode())
    return sum(len(rows) for _, rows in found["v"])


@dataclass(frozen=True, slots=True)
class Asked:
    """Some questions asked one way: milliseconds of each, nodes of each, and what a question cost on average.

    CPU in milliseconds of this process and of the server: on a shared machine it says more than the time that passed.
    """

    times: list[float]
    nodes: list[int]
    requests: float
    vertices: float
    client: float
    server: float

    @property
    def p50(self) -> float:
        """The median time."""
        return median(self.times)

    @property
    def p95(self) -> float:
        """The time that nineteen of twenty keep."""
        return quantiles(self.times, n=20)[-1]


def asked(way: Callable[[Vertex], int], starts: list[Vertex], graph: Counted, pid: int | None) -> Asked:
    """Ask from each start, after some that only warm up."""
    for start in starts[: max(5, len(starts) // 5)]:
        way(start)
    graph.requests = graph.vertices = 0
    times, nodes, number = [], [], len(starts)
    client, server = time.process_time(), cpu_seconds(pid)
    for start in starts:
        began = time.perf_counter()
        nodes.append(way(start))
        times.append((time.perf_counter() - began) * 1000)
    client, server = (time.process_time() - client) * 1000, (cpu_seconds(pid) - server) * 1000
    counts = (graph.requests / number, graph.vertices / number)
    return Asked(times, nodes, *counts, client / number, server / number)


def compare(graph: Counted, client: Client, pid: int | None, options: argparse.Namespace, depth: int) -> Iterator[Row]:
    """Every way at one depth, with the same questions."""
    pick = random.Random(f"read {depth}")
    first, last = SOURCES + options.pipelines // 2, SOURCES + options.pipelines
    starts = [dataset(pick.randrange(first, last)) for _ in range(options.questions)]

    def plain(start: Vertex) -> int:
        return len(client.submit(PLAIN, {"start": start.id, "depth": depth}).all().result())

    ways: list[tuple[str, Callable[[Vertex], int]]] = [
        ("upstream", lambda start: ours(graph, start, depth)),
        ("walk without rules", lambda start: without_rules(graph, start, depth)),
        ("repeat().emit()", plain),
    ]
    for name, way in ways:
        yield depth, name, asked(way, starts, graph, pid)


def run(which: Store, options: argparse.Namespace) -> dict[str, Any]:
    """The table of one store, and its numbers."""
    stack = Stack("bench-read")
    server = _fresh(stack, which)
    settings = GraphSettings(urls=(server.url,), connections=CONNECTIONS, timeout_seconds=120)
    try:
        fill(settings, options.pipelines, options.runs)
        with closing(Connections(settings)) as connections:
            client = Client(server.url, "g", pool_size=1, max_workers=1)
            graph, pid = Counted(connections), server.process.pid
            rows = [row for depth in DEPTHS for row in compare(graph, client, pid, options, depth)]
            client.close()
    finally:
        server.stop()
        if isinstance(server, JanusGraphOnCassandra):
            stack.cassandra().stop()
    title = f"{which}, {options.pipelines:,} pipelines, {options.runs} run(s) each: milliseconds, means of a question"
    head = ("depth", "", "p50", "p95", "nodes (median)", "requests", "vertices", "client CPU", "server CPU")
    table(title, head, [_printed(*row) for row in rows])
    return _numbers(rows)


def _printed(depth: int, name: str, found: Asked) -> tuple[object, ...]:
    costs = (found.requests, found.vertices, found.client, found.server)
    shown = (f"{value:.1f}" for value in (found.p50, found.p95))
    return (depth, name, *shown, round(median(found.nodes)), *(f"{value:.1f}" for value in costs))


def _numbers(rows: list[Row]) -> dict[str, Any]:
    """By depth: of `upstream` the times and nodes, and how many times the walk without rules it takes."""
    found = {(depth, name): one for depth, name, one in rows}
    numbers = {}
    for depth in DEPTHS:
        up, walk = found[depth, "upstream"], found[depth, "walk without rules"]
        numbers[str(depth)] = {
            "p50_ms": round(up.p50, 1),
            "p95_ms": round(up.p95, 1),
            "nodes": round(median(up.nodes)),
            "requests": round(up.requests, 1),
            "of_walk": round(up.p50 / walk.p50, 2),
            "cpu_of_walk": round((up.client + up.server) / (walk.client + walk.server), 2),
        }
    return numbers


def main() -> None:
    """See the module."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--store", choices=("inmemory", "cassandra", "both"), default="both")
    parser.add_argument("--pipelines", type=int, default=15_000)
    parser.add_argument("--runs", type=int, default=1)
    parser.add_argument("--questions", type=int, default=50)
    options = parser.parse_args()
    stores: list[Any] = ["inmemory", "cassandra"] if options.store == "both" else [options.store]
    report({"stores": {which: run(which, options) for which in stores}})


if __name__ == "__main__":
    main()

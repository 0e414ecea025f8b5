"""How fast lineage is answered, beside a plain traversal and a walk without rules, in one run on this machine.

    python -m benchmarks.read [--store inmemory|cassandra|both] [--pipelines 15000] [--runs 1] [--questions 50]

The graph is that of `gen_events.py --shape dag`. Asked is `upstream` of datasets drawn at random among the last half,
at depth 5 and 10. Compared are the same levels walked by our server script in one request without any rule (names,
pipelines, inputs and all their properties), the same with short rows read whole, as `upstream` reads them, and
`repeat(in().out()).emit()` as Gremlin text that gives the names only.
Machines are shared and noisy: trust requests, vertices and the ratios of CPU within one run. JSON=1 adds one last line
of JSON.
"""

from __future__ import annotations

import argparse
import gc
import random
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from statistics import median, quantiles
from typing import Any

import orjson
from gremlin_python.driver.client import Client

from benchmarks.filling import fill
from benchmarks.measure import cpu_seconds, report, table
from benchmarks.store import CONNECTIONS, Store, _fresh
from deploy.local import JanusGraphOnCassandra, Stack
from lineagegraph import lineage
from lineagegraph.facts import Vertex
from lineagegraph.gremlin import Connections, request_key
from lineagegraph.reader import Limits, Reader
from lineagegraph.reply import FORM, SHORT, written
from lineagegraph.settings import GraphSettings

DEPTHS = (5, 10)
SOURCES = 20  # datasets of the generator that no pipeline writes
PLAIN = (
    "g.V(start).repeat(__.in('GENERATED_BY').out('CONSUMES').dedup()).emit().times(depth)"
    ".dedup().values('dataset_id').toList()"
)

OURS, WALK = "upstream", "walk without rules"
WARMING, ROUNDS = 3, 5

Row = tuple[int, str, "Asked"]
Pids = list[int | None]


def dataset(number: int) -> Vertex:
    """A dataset of the generator."""
    return Vertex("Dataset", ("s3://lake", f"warehouse/db{number % 20}/t{number}"))


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


def without_rules(graph: Counted, start: Vertex, depth: int, **more: int) -> int:
    """The same levels in one request of the same script, with everything that stands there."""
    hops = ((("IN", "GENERATED_BY"),), (("OUT", "CONSUMES"),)) * depth
    key = request_key()
    body = {"k": key, "asks": [{"ids": [start.id], "hops": written(hops)}], "each": 1000, "all": 20_000, **more, **FORM}
    found = graph.ask("around", key, orjson.dumps(body).decode())
    return sum(len(rows) for _, rows in found["v"])


@dataclass(frozen=True, slots=True)
class Asked:
    """Questions asked one way: milliseconds and nodes of each, and what one cost on average.

    CPU in milliseconds of this process and of the servers, of each round: on a shared machine it says more than the
    time that passed.
    """

    times: list[float]
    nodes: list[int]
    requests: float
    vertices: float
    client: list[float]
    server: list[float]

    @property
    def p50(self) -> float:
        """The median time."""
        return median(self.times)

    @property
    def p95(self) -> float:
        """The time that nineteen of twenty keep."""
        return quantiles(self.times, n=20)[-1]

    def cpu_of(self, other: Asked) -> float:
        """How many times the CPU of another way it took, side by side: the median of all rounds."""
        mine, others = zip(self.client, self.server, strict=True), zip(other.client, other.server, strict=True)
        return median(sum(here) / sum(there) for here, there in zip(mine, others, strict=True))


def compare(
    graph: Counted, client: Client, pids: list[int | None], options: argparse.Namespace, depth: int
) -> list[Row]:
    """Every way at one depth with the same questions, round by round, after some that only warm up."""
    pick = random.Random(f"read {depth}")
    first, last = SOURCES + options.pipelines // 2, SOURCES + options.pipelines
    starts = [dataset(pick.randrange(first, last)) for _ in range(options.questions)]

    def plain(start: Vertex) -> int:
        return len(client.submit(PLAIN, {"start": start.id, "depth": depth}).all().result())

    ways: dict[str, Callable[[Vertex], int]] = {
        OURS: lambda start: ours(graph, start, depth),
        WALK: lambda start: without_rules(graph, start, depth),
        "walk, short rows whole": lambda start: without_rules(graph, start, depth, short=SHORT),
        "repeat().emit()": plain,
    }
    found = {name: Asked([], [], 0, 0, [], []) for name in ways}
    for number in range(WARMING + ROUNDS):
        for name, way in ways.items():
            one = asked(way, starts, graph, pids)
            found[name] = one if number <= WARMING else _together(found[name], one)
    return [(depth, name, one) for name, one in found.items()]


def asked(way: Callable[[Vertex], int], starts: list[Vertex], graph: Counted, pids: Pids) -> Asked:
    """Ask from each start."""
    graph.requests = graph.vertices = 0
    times, nodes, number = [], [], len(starts)
    client, server = time.process_time(), sum(map(cpu_seconds, pids))
    for start in starts:
        began = time.perf_counter()
        nodes.append(way(start))
        times.append((time.perf_counter() - began) * 1000)
    client, server = (time.process_time() - client) * 1000, (sum(map(cpu_seconds, pids)) - server) * 1000
    return Asked(times, nodes, graph.requests / number, graph.vertices / number, [client / number], [server / number])


def _together(before: Asked, one: Asked) -> Asked:
    return Asked(
        before.times + one.times,
        before.nodes + one.nodes,
        one.requests,
        one.vertices,
        before.client + one.client,
        before.server + one.server,
    )


def run(which: Store, options: argparse.Namespace) -> dict[str, Any]:
    """The table of one store, and its numbers."""
    stack = Stack("bench-read")
    server = _fresh(stack, which)
    settings = GraphSettings(urls=(server.url,), connections=CONNECTIONS, timeout_seconds=120)
    try:
        fill(settings, options.pipelines, options.runs)
        with closing(Connections(settings)) as connections:
            client = Client(server.url, "g", pool_size=1, max_workers=1)
            pids: Pids = [server.process.pid]
            if isinstance(server, JanusGraphOnCassandra):
                pids.append(stack.cassandra().process.pid)
            rows = [row for depth in DEPTHS for row in compare(Counted(connections), client, pids, options, depth)]
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
    costs = (found.requests, found.vertices, median(found.client), median(found.server))
    shown = (f"{value:.1f}" for value in (found.p50, found.p95))
    return (depth, name, *shown, round(median(found.nodes)), *(f"{value:.1f}" for value in costs))


def _numbers(rows: list[Row]) -> dict[str, Any]:
    """By depth: of `upstream` the times and nodes, and how many times the walk without rules it takes."""
    found = {(depth, name): one for depth, name, one in rows}
    numbers = {}
    for depth in DEPTHS:
        up, walk = found[depth, OURS], found[depth, WALK]
        numbers[str(depth)] = {
            "p50_ms": round(up.p50, 1),
            "p95_ms": round(up.p95, 1),
            "nodes": round(median(up.nodes)),
            "requests": round(up.requests, 1),
            "cpu_ms": round(median(up.client) + median(up.server), 1),
            "of_walk": round(up.p50 / walk.p50, 2),
            "p95_of_walk": round(up.p95 / walk.p95, 2),
            "cpu_of_walk": round(up.cpu_of(walk), 2),
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
    gc.collect()
    gc.freeze()  # as `lineagegraph serve` does
    stores: list[Any] = ["inmemory", "cassandra"] if options.store == "both" else [options.store]
    report({"stores": {which: run(which, options) for which in stores}})


if __name__ == "__main__":
    main()

"""How fast lineage is answered, beside a plain traversal and a walk without rules, in one run on this machine.

    python -m benchmarks.read [--store inmemory|cassandra|both] [--pipelines 15000] [--runs 1] [--questions 50]

The graph is that of `gen_events.py --shape dag`. Asked is `upstream` of datasets drawn at random among the last half,
at depth 5 and 10. Compared are the same levels walked by our server script in one request without any rule (names,
pipelines, inputs and all their properties), and `repeat(in().out()).emit()` as Gremlin text that gives the names only.
Machines are shared and noisy: trust the ratios within one run. JSON=1 adds one last line of JSON.
"""

from __future__ import annotations

import argparse
import random
import time
from collections.abc import Callable, Iterable
from itertools import islice
from statistics import median, quantiles
from typing import Any

import orjson
from gremlin_python.driver.client import Client

from benchmarks import events
from benchmarks.measure import report, table
from benchmarks.store import CONNECTIONS, Store, _fresh
from deploy.local import JanusGraphOnCassandra, Stack
from lineagegraph import lineage
from lineagegraph.facts import Vertex, fold
from lineagegraph.gremlin import Connections, request_key
from lineagegraph.install import install
from lineagegraph.naming import Naming
from lineagegraph.reader import Limits, Reader
from lineagegraph.reply import FORM
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


def ours(connections: Connections, start: Vertex, depth: int) -> int:
    """`upstream` with all its rules and snapshots; datasets found."""
    found = lineage.upstream(Reader(connections.ask, Limits(seconds=600)), start, depth)
    if found.cut is not None:
        raise SystemExit(f"an answer was cut: {found.cut.why}")
    return len({step.source for step in found.steps} | {p for step in found.steps for p in step.pipelines})


def without_rules(connections: Connections, start: Vertex, depth: int) -> int:
    """The same levels in one request of the same script, with everything that stands there."""
    hops = ((("IN", "GENERATED_BY"),), (("OUT", "CONSUMES"),)) * depth
    key = request_key()
    body = {"k": key, "asks": [{"ids": [start.id], "hops": hops}], "each": 1000, "all": 20_000, **FORM}
    found = connections.ask("around", key, orjson.dumps(body).decode())
    return sum(len(rows) for _, rows in found["v"])


def timed(ask: Callable[[Vertex], int], starts: Iterable[Vertex]) -> tuple[list[float], list[int]]:
    """Milliseconds and nodes of each question."""
    times, nodes = [], []
    for start in starts:
        began = time.perf_counter()
        nodes.append(ask(start))
        times.append((time.perf_counter() - began) * 1000)
    return times, nodes


def run(which: Store, options: argparse.Namespace) -> dict[str, Any]:
    """The table of one store, and its numbers."""
    stack = Stack("bench-read")
    server = _fresh(stack, which)
    settings = GraphSettings(urls=(server.url,), connections=CONNECTIONS, timeout_seconds=120)
    numbers: dict[str, Any] = {}
    try:
        fill(settings, options.pipelines, options.runs)
        connections, client = Connections(settings), Client(server.url, "g", pool_size=1, max_workers=1)

        def plain(start: Vertex, depth: int) -> int:
            bound = {"start": start.id, "depth": depth}
            return len(client.submit(PLAIN, bound).all().result())

        ways: list[tuple[str, Callable[[Vertex, int], int]]] = [
            ("upstream", lambda start, depth: ours(connections, start, depth)),
            ("walk without rules", lambda start, depth: without_rules(connections, start, depth)),
            ("repeat().emit()", plain),
        ]
        rows = []
        for depth in DEPTHS:
            pick = random.Random(f"read {depth}")
            first, last = SOURCES + options.pipelines // 2, SOURCES + options.pipelines
            starts = [dataset(pick.randrange(first, last)) for _ in range(options.questions)]
            for name, ask in ways:
                timed(lambda start: ask(start, depth), starts[: max(5, options.questions // 5)])  # noqa: B023  (called at once)
                times, nodes = timed(lambda start: ask(start, depth), starts)  # noqa: B023  (called at once)
                p95 = quantiles(times, n=20)[-1]
                rows.append((depth, name, f"{median(times):.1f}", f"{p95:.1f}", round(median(nodes))))
                if name == "upstream":
                    numbers[str(depth)] = {
                        "p50_ms": round(median(times), 1),
                        "p95_ms": round(p95, 1),
                        "nodes": round(median(nodes)),
                    }
                elif name == "walk without rules":
                    numbers[str(depth)]["of_walk"] = round(numbers[str(depth)]["p50_ms"] / median(times), 2)
        client.close()
        connections.close()
    finally:
        server.stop()
        if isinstance(server, JanusGraphOnCassandra):
            stack.cassandra().stop()
    title = f"{which}, {options.pipelines:,} pipelines, {options.runs} run(s) each: milliseconds"
    table(title, ("depth", "", "p50", "p95", "nodes (median)"), rows)
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

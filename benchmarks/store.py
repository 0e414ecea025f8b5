"""How fast the graph takes facts, beside what others do with the same elements, in one run on this machine.

    python -m benchmarks.store [--store inmemory|cassandra|both] [--events 2000] [--repetitions 3] [--seconds 10]
                               [--commit-log periodic|group|batch]

The facts are those of `gen_events.py --shape pairs`, folded in batches of 500 events. Compared are our blind upsert,
mergeV/mergeE and fold/coalesce as bytecode, and on Cassandra a bare writer: the cells that our upsert left behind,
written again by prepared asynchronous statements, one unlogged batch for each row and commit time, with the same
durability and consistency.
Machines are shared and noisy: trust the ratios within one run. JSON=1 adds one last line of JSON.
"""

from __future__ import annotations

import argparse
import time
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from queue import Empty, SimpleQueue
from typing import Any, Literal

from benchmarks import events, rivals
from benchmarks.measure import Spread, cpu_seconds, in_parallel, report, table
from deploy.local import JanusGraph, JanusGraphOnCassandra, Stack
from deploy.local.cassandra import CommitLog
from lineagegraph.facts import Facts
from lineagegraph.gremlin import Connections
from lineagegraph.install import install
from lineagegraph.naming import Naming
from lineagegraph.settings import GraphSettings
from lineagegraph.store import GraphStore

CONNECTIONS = 4
AT_ONCE = 500
Store = Literal["inmemory", "cassandra"]


@dataclass(frozen=True, slots=True)
class Result:
    """One way of writing: elements a second of each repetition, and CPU seconds by server of all together."""

    name: str
    rates: tuple[float, ...]
    elements: int
    cpu: dict[str, float]

    def per_cpu_second(self, server: str) -> float:
        """Elements for each CPU second that the server used."""
        return self.elements / max(self.cpu[server], 0.01)


@dataclass(frozen=True, slots=True)
class Bench:
    """One store with its servers."""

    stack: Stack
    server: JanusGraph
    repetitions: int

    def measure(self, name: str, prepare: Callable[[int], Callable[[], int]]) -> Result:
        """What `prepare` makes writes for a while and gives the number of elements; it is not timed itself."""
        rates, total, spent = [], 0, dict.fromkeys(self._pids(), 0.0)
        for repetition in range(self.repetitions):
            write = prepare(repetition)
            before, began = self._cpu(), time.monotonic()
            count = write()
            rates.append(count / (time.monotonic() - began))
            after = self._cpu()
            total += count
            spent = {server: spent[server] + after[server] - before[server] for server in spent}
        return Result(name, tuple(rates), total, spent)

    def _pids(self) -> dict[str, int | None]:
        pids = {"janusgraph": self.server.process.pid}
        if isinstance(self.server, JanusGraphOnCassandra):
            pids["cassandra"] = self.stack.cassandra().process.pid
        return pids

    def _cpu(self) -> dict[str, float]:
        return {"client": time.process_time(), **{name: cpu_seconds(pid) for name, pid in self._pids().items()}}


def ours(store: GraphStore, batches: Sequence[Facts]) -> int:
    """Our blind upsert, several requests in flight; elements sent."""
    todo: SimpleQueue[Facts] = SimpleQueue()
    for batch in batches:
        todo.put(batch)
    sent = []

    def work() -> None:
        while True:
            try:
                batch = todo.get_nowait()
            except Empty:
                return
            sent.append(store.write(batch).elements_sent)

    in_parallel(work, CONNECTIONS)
    return sum(sent)


def run(which: Store, options: argparse.Namespace) -> dict[str, float]:
    """The table of one store, and its numbers."""
    stack = Stack("bench")
    server = _fresh(stack, which, options.commit_log)
    settings = GraphSettings(urls=(server.url,), connections=CONNECTIONS)
    connections = Connections(settings)
    install(connections, Naming.load().hash)
    connections.close()
    store = GraphStore(settings)
    store.open(Naming.load().hash)
    bench = Bench(stack, server, options.repetitions)

    def batches(salt: str) -> list[Facts]:
        return events.folded(list(events.lines("--count", str(options.events), salt=salt)), AT_ONCE)

    def blind(repetition: int) -> Callable[[], int]:
        return partial(ours, store, batches(f"u{repetition}"))

    def rival(write: Callable[[str, Sequence[Facts], float], int], repetition: int) -> Callable[[], int]:
        return partial(write, server.url, batches(f"{write.__name__}{repetition}"), options.seconds)

    try:
        warm = ours(store, batches("warm"))
        results = [bench.measure("blind upsert", blind)]
        if isinstance(server, JanusGraphOnCassandra):
            bare = rivals.Bare(stack.cassandra().address, server.keyspace, warm + results[0].elements)
            results.append(bench.measure("bare CQL writer", lambda _: bare.write))
            bare.close()
        results.append(bench.measure("mergeV/mergeE", partial(rival, rivals.merge)))
        results.append(bench.measure("fold/coalesce", partial(rival, rivals.coalesce)))
    finally:
        store.close()
        server.stop()
        stack.cassandra().stop()
    return _print(which, results)


def _fresh(stack: Stack, which: Store, commit_log: CommitLog = "periodic") -> JanusGraph:
    if which == "inmemory":
        server: JanusGraph = stack.janusgraph("inmemory")
        server.stop()
    else:
        stack.cassandra(commit_log).start()
        server = stack.janusgraph("cassandra", keyspace=f"b{uuid.uuid4().hex[:8]}")
    server.start()
    return server


def _print(which: Store, results: Sequence[Result]) -> dict[str, float]:
    rows = []
    for result in results:
        cpu = "  ".join(f"{name} {1e6 * used / result.elements:,.0f}" for name, used in result.cpu.items())
        rows.append((result.name, str(Spread.of(result.rates)), cpu))
    table(f"{which}: elements a second (min / median / max), CPU microseconds an element", ("", "rate", "CPU"), rows)
    rate = {result.name: Spread.of(result.rates).middle for result in results}
    numbers = {
        "elements_per_second": round(rate["blind upsert"]),
        "blind_vs_merge": round(rate["blind upsert"] / rate["mergeV/mergeE"], 1),
        "blind_vs_coalesce": round(rate["blind upsert"] / rate["fold/coalesce"], 1),
    }
    if which == "cassandra":
        numbers["of_bare_writer"] = round(
            results[0].per_cpu_second("cassandra") / results[1].per_cpu_second("cassandra"), 2
        )
    print("  " + ", ".join(f"{name} {value}" for name, value in numbers.items()))
    return numbers


def main() -> None:
    """See the module."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--store", choices=("inmemory", "cassandra", "both"), default="both")
    parser.add_argument("--events", type=int, default=2000)
    parser.add_argument("--repetitions", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=10, help="how long the slow ways may take each time")
    parser.add_argument("--commit-log", choices=("periodic", "group", "batch"), default="periodic")
    options = parser.parse_args()
    stores: list[Any] = ["cassandra", "inmemory"] if options.store == "both" else [options.store]
    report({"stores": {which: run(which, options) for which in stores}})


if __name__ == "__main__":
    main()

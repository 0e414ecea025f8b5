"""The random run: facts at random, written by processes that are killed, over servers that are killed and frozen.

    python -m tests.lineagegraph.random_run --seconds 3600 --seed 7

Round after round, all into one graph on Cassandra. Before each round one writer writes the same facts once and in
order into a graph in memory. After each round both graphs, and what the facts state without any graph, must have equal
canonical exports, and Cassandra must hold exactly one cell for everything that needs one. The last line is JSON; the
exit code is 0 only if nothing was lost or doubled.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

from deploy.local import Stack
from deploy.local.home import default_home
from lineagegraph.facts import Facts, fold
from tests.lineagegraph.chaos import Chaos, Writers
from tests.lineagegraph.graphs import Graphs
from tests.lineagegraph.random_facts import events
from tests.lineagegraph.random_writer import Plan, State, states
from tests.lineagegraph.servers import install_schema, opened
from tests.servers import session_name

EVENTS, SIZE = 1200, 24  # of a round
ROUND = 60.0  # seconds
SYNC = 3.0  # seconds until what Cassandra acknowledged is on disk: its period in the local stack, and some more
PATIENCE = 300.0  # seconds for the writers to come to the end


@dataclass
class Report:
    """What happened; `lost` and `doubled` are lines of the export and cells of the store."""

    seed: int
    rounds: int = 0
    events: int = 0
    batches: int = 0
    elements: int = 0
    client_kills: int = 0
    server_kills: int = 0
    cassandra_kills: int = 0
    freezes: int = 0
    recoveries: int = 0
    lost: int = 0
    doubled: int = 0
    hash: str = ""
    failures: list[str] = field(default_factory=list)

    @property
    def good(self) -> bool:
        return self.rounds > 0 and not (self.lost or self.doubled or self.failures)


def started(stack: Stack) -> Graphs:
    """Empty graphs on servers of their own."""
    node = stack.cassandra()
    node.start()
    tested = [stack.janusgraph("cassandra", server=number) for number in (1, 2)]
    inmemory = stack.janusgraph("inmemory")
    for server in (*tested, inmemory):
        server.start()
    for graph in (tested[0], inmemory):
        install_schema(graph)
    return Graphs(node, "lineage", tested, inmemory)


def play(graphs: Graphs, report: Report, seconds: float, folder: Path, harm: Mapping[str, bool]) -> list[Facts]:
    """One round; its events."""
    seed = f"{report.seed}/{report.rounds}"
    many = events(seed, EVENTS, SIZE)
    assert graphs.inmemory is not None
    with opened(graphs.inmemory) as store:
        for facts in many:
            store.write(facts)
    urls = [server.url for server in graphs.tested]
    plans = [Plan(urls, seed, EVENTS, SIZE, number, 3, SYNC) for number in range(3)]
    writers = Writers(plans, folder)
    try:
        chaos = Chaos(seed, writers, graphs.tested, graphs.node, **harm)
        chaos.run(seconds)
        report.failures += writers.finish(PATIENCE)
    finally:
        writers.end()
    _count(report, chaos.done, list(states(folder)))
    return many


def _count(report: Report, done: Counter[str], found: list[State]) -> None:
    for name, count in done.items():
        setattr(report, name, getattr(report, name) + count)
    report.rounds += 1
    report.events += EVENTS
    report.batches += sum(state.batches for state in found)
    report.elements += sum(state.elements for state in found)
    report.recoveries += sum(state.recoveries for state in found)


def run(graphs: Graphs, seconds: float, seed: int, **harm: bool) -> Report:
    """Rounds for so many seconds, at least one; what may be killed besides is `Chaos`'s to say."""
    report, together = Report(seed), Facts()
    until = time.monotonic() + seconds
    while not report.failures and (report.rounds == 0 or time.monotonic() < until - 10):
        print(f"round {report.rounds}, seed {seed}", flush=True)
        with tempfile.TemporaryDirectory() as folder:  # of the writers' states
            length = max(10.0, min(ROUND, until - time.monotonic()))
            together.add(fold(play(graphs, report, length, Path(folder), harm)))
        lost, doubled, report.hash = graphs.differences(together)
        report.lost, report.doubled = max(report.lost, lost), max(report.doubled, doubled)
        print(f"round {report.rounds - 1}: {len(together)} elements, lost {lost}, doubled {doubled}, {report.hash}")
    return report


def main(words: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="Facts at random under random harm.")
    parser.add_argument("--seconds", type=float, default=60, help="how long facts are written (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=None, help="repeats the facts and the harm of another run")
    parser.add_argument("--kill-cassandra", action="store_true", help="kill -9 of Cassandra as well; takes minutes")
    options = parser.parse_args(words)
    seed = random.randrange(10**6) if options.seed is None else options.seed
    home = default_home() / "run"
    with session_name(home, lambda name: Stack(name).down(wipe=True)) as name, closing(_Down(Stack(name))) as held:
        report = run(started(held.stack), options.seconds, seed, kill_node=options.kill_cassandra)
    for failure in report.failures:
        print(failure, file=sys.stderr)
    print(json.dumps({**vars(report), "failures": len(report.failures)}))
    return 0 if report.good else 1


@dataclass(frozen=True)
class _Down:
    """A stack that is stopped whatever happens."""

    stack: Stack

    def close(self) -> None:
        self.stack.down(wipe=True)


if __name__ == "__main__":
    sys.exit(main())

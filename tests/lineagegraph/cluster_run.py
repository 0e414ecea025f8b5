"""Three Cassandra nodes, two servers: nodes are killed and come back under load, and nothing is lost or doubled.

    python -m tests.lineagegraph.cluster_run --seconds 20

Every write and read needs two of three copies (LOCAL_QUORUM). The rate of writing is shown while all nodes run, while
one is dead, while it comes back, and when another one dies and comes back right after. The last line is JSON.
"""

from __future__ import annotations

import argparse
import itertools
import json
import random
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

from deploy.local.cluster import Cluster
from deploy.local.home import default_home
from lineagegraph.facts import fold
from tests.lineagegraph.chaos import Writers, start
from tests.lineagegraph.graphs import Graphs
from tests.lineagegraph.random_facts import events
from tests.lineagegraph.random_writer import Plan, State, states
from tests.lineagegraph.servers import install_schema
from tests.servers import session_name

EVENTS, SIZE, WRITERS = 1500, 40, 3
SYNC = 3.0
PATIENCE = 300.0


@dataclass
class Report:
    """What happened; rates are elements a second."""

    seed: int
    node_kills: int = 0
    elements: int = 0
    batches: int = 0
    recoveries: int = 0
    slowest_seconds: float = 0.0  # of one batch
    longest_silence_seconds: int = 0  # without any acknowledgement
    rates: dict[str, float] = field(default_factory=dict)
    lost: int = 0
    doubled: int = 0
    hash: str = ""
    failures: list[str] = field(default_factory=list)


class Phases:
    """When what began, by the wall clock."""

    def __init__(self) -> None:
        self._begins: list[tuple[str, float]] = []

    def begin(self, name: str) -> None:
        print(name, flush=True)
        self._begins.append((name, time.time()))

    def rates(self, seconds: Counter[int]) -> dict[str, float]:
        """Elements a second in each phase, of the elements acknowledged in each second."""
        rates = {}
        for (name, begin), (_, end) in zip(self._begins, self._begins[1:], strict=False):
            within = range(int(begin), max(int(begin) + 1, int(end)))
            rates[name] = round(sum(seconds[second] for second in within) / len(within), 1)
        return rates


def _by_second(found: Sequence[State]) -> Counter[int]:
    seconds: Counter[int] = Counter()
    for state in found:
        seconds.update({int(second): count for second, count in state.by_second.items()})
    return seconds


def _longest_silence(seconds: Counter[int]) -> int:
    """Seconds in a row in which nothing was acknowledged."""
    busy = sorted(seconds)
    return max((later - earlier - 1 for earlier, later in itertools.pairwise(busy)), default=0)


def run(cluster: Cluster, seconds: float, seed: int) -> Report:
    """So many seconds in each phase."""
    report, phases = Report(seed), Phases()
    cluster.start()
    install_schema(cluster.graphs[0])
    graphs = Graphs(cluster.nodes[0], "lineage", cluster.graphs)
    urls = [server.url for server in cluster.graphs]
    plans = [Plan(urls, str(seed), EVENTS, SIZE, number, WRITERS, SYNC, forgets=1) for number in range(WRITERS)]
    with tempfile.TemporaryDirectory() as folder:
        writers = Writers(plans, Path(folder))
        try:
            _harm(cluster, phases, seconds)
            report.node_kills = 2
            report.failures += writers.finish(PATIENCE)
        finally:
            writers.end()
        found = list(states(Path(folder)))
    report.elements = sum(state.elements for state in found)
    report.batches = sum(state.batches for state in found)
    report.recoveries = sum(state.recoveries for state in found)
    report.slowest_seconds = round(max(state.slowest for state in found), 1)
    seconds_of_writing = _by_second(found)
    report.rates = phases.rates(seconds_of_writing)
    report.longest_silence_seconds = _longest_silence(seconds_of_writing)
    report.lost, report.doubled, report.hash = graphs.differences(fold(events(str(seed), EVENTS, SIZE)))
    return report


def _harm(cluster: Cluster, phases: Phases, seconds: float) -> None:
    _, second, third = cluster.nodes
    time.sleep(seconds)  # the servers compile and the writers begin
    phases.begin("all nodes run")
    time.sleep(seconds)
    second.kill()
    phases.begin("node 2 is dead")
    time.sleep(seconds)
    phases.begin("node 2 comes back")
    start(second)
    third.kill()
    phases.begin("node 3 is dead right after")
    time.sleep(seconds)
    phases.begin("node 3 comes back")
    start(third)
    phases.begin("all nodes run again")
    time.sleep(seconds)
    phases.begin("the end")


def main(words: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="Nodes of a Cassandra cluster die under load.")
    parser.add_argument("--seconds", type=float, default=20, help="of each phase (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=None, help="repeats the facts of another run")
    options = parser.parse_args(words)
    seed = random.randrange(10**6) if options.seed is None else options.seed
    sessions = default_home() / "run" / "clusters"
    with session_name(sessions, _down) as name, closing(_Held(Cluster(name))) as held:
        report = run(held.cluster, options.seconds, seed)
    for failure in report.failures:
        print(failure, file=sys.stderr)
    for phase, rate in report.rates.items():
        print(f"{rate:10.0f} elements/s  {phase}")
    print(json.dumps({**vars(report), "failures": len(report.failures)}))
    return 1 if report.lost or report.doubled or report.failures else 0


def _down(name: str) -> None:
    Cluster(name).down(wipe=True)


@dataclass(frozen=True)
class _Held:
    """A cluster that is stopped whatever happens."""

    cluster: Cluster

    def close(self) -> None:
        self.cluster.down(wipe=True)


if __name__ == "__main__":
    sys.exit(main())

"""How fast events go from Kafka through the consumer into the graph, everything on this machine.

    python -m benchmarks.e2e [--store cassandra|inmemory|both] [--events 40000] [--consumers 1] [--repetitions 3]
                             [--commit-log periodic|group|batch]

The events are those of `gen_events.py --shape pairs` (11.6 kB each); the servers are those of the local stack; the
consumers are processes as users run them, which commit late where Cassandra's commit log is periodic. The first part
of the events only warms the servers up. Counted is from then to the last event that is written, and the CPU time of
every process that has a part in it. The cells are those that the facts take, folded by the consumer's batches.
Machines are shared and noisy: the CPU time of an event is worth more than the clock. JSON=1 adds one last line of JSON.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import re
import socket
import subprocess
import sys
import time
import urllib.request
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks import events
from benchmarks.consume import fill
from benchmarks.measure import Spread, cpu_seconds, report, table
from consumer.settings import load
from deploy.local import JanusGraph, JanusGraphOnCassandra, Stack
from deploy.local.cassandra import CommitLog
from lineagegraph.facts import Facts, fold
from lineagegraph.gremlin import Connections
from lineagegraph.install import install
from lineagegraph.known import Known
from lineagegraph.naming import Naming
from lineagegraph.schema import EDGES
from lineagegraph.settings import GraphSettings
from mappers import decode, map_event

ROOT = Path(__file__).parents[1]
PARTITIONS = 6
SHARE_WARM = 0.25  # of the events
LONGEST = 1800.0  # seconds


@dataclass(frozen=True, slots=True)
class Moment:
    """What was written by then, and the CPU seconds used so far, by process."""

    at: float
    written: int
    sent: int
    cpu: dict[str, float]


@dataclass(frozen=True, slots=True)
class Life:
    """One run over all events: events a second, and by process the CPU milliseconds an event."""

    rate: float
    elements: float
    cpu: dict[str, float]

    @classmethod
    def between(cls, first: Moment, last: Moment) -> Life:
        """From the moment at which all was warm to the end."""
        count = last.written - first.written
        spent = {name: 1e3 * (used - first.cpu[name]) / count for name, used in last.cpu.items()}
        return cls(count / (last.at - first.at), (last.sent - first.sent) / count, spent)


def cells(values: Sequence[bytes], at_once: int) -> float:
    """Storage cells an event of the second half, if everything arrives in batches of so many."""
    known, naming, total, count = Known(10**7), Naming.load(), 0, 0
    for start in range(0, len(values), at_once):
        batch = values[start : start + at_once]
        news = known.unknown(facts := fold(map_event(decode(value), naming).facts for value in batch))
        known.add(news, facts.parts)
        if start >= len(values) // 2:
            total, count = total + _cells(news), count + len(batch)
    return total / max(count, 1)


def _cells(news: Facts) -> int:
    """A new vertex has a cell for its existence and one for its label; an edge one at each end that keeps it."""
    new = sum(2 for vertex, properties in news.vertices.items() if set(vertex.key) & set(map(str, properties.values())))
    properties = sum(map(len, news.vertices.values()))
    return new + properties + sum(1 + EDGES[edge.label].both_ways for edge in news.edges)


class Bench:
    """The servers, and the topic with its events."""

    def __init__(self, stack: Stack, topic: str, count: int, consumers: int, commit_log: CommitLog) -> None:
        self.stack = stack
        self.commit_log: CommitLog = commit_log
        self.topic = topic
        self.count = count
        self.consumers = consumers

    def life(self, which: str) -> Life:
        """One run of the consumers on a graph of their own."""
        server = self._server(which)
        pids = {"janusgraph": server.process.pid, "kafka": self.stack.kafka().process.pid}
        if isinstance(server, JanusGraphOnCassandra):
            pids["cassandra"] = self.stack.cassandra().process.pid
        try:
            late = which == "cassandra" and self.commit_log == "periodic"
            with self._consuming(server.url, sync=3.0 if late else 0.0) as running:
                return self._measure(running, pids)
        finally:
            server.stop()

    def _server(self, which: str) -> JanusGraph:
        if which == "inmemory":
            server: JanusGraph = self.stack.janusgraph("inmemory")
        else:
            self.stack.cassandra(self.commit_log).start()
            server = self.stack.janusgraph("cassandra", keyspace=f"b{uuid.uuid4().hex[:8]}")
        server.start()
        connections = Connections(GraphSettings(urls=(server.url,)))
        install(connections, Naming.load().hash)
        connections.close()
        return server

    @contextmanager
    def _consuming(self, url: str, sync: float) -> Iterator[dict[int, subprocess.Popen[bytes]]]:
        environment = {name: value for name, value in os.environ.items() if not name.startswith("LINEAGE_")} | {
            "PYTHONPATH": str(ROOT),
            "LINEAGE_KAFKA_BOOTSTRAP_SERVERS": self.stack.kafka().bootstrap,
            "LINEAGE_TOPICS": self.topic,
            "LINEAGE_GROUP": f"g-{uuid.uuid4().hex[:8]}",
            "LINEAGE_GRAPH_URLS": url,
            "LINEAGE_GRAPH_SYNC_SECONDS": f"{sync:g}",
            "LINEAGE_LOG_LEVEL": "ERROR",
        }
        running: dict[int, subprocess.Popen[bytes]] = {}
        command = [sys.executable, "-m", "consumer", "consume"]
        try:
            for _ in range(self.consumers):
                port = _free_port()
                running[port] = subprocess.Popen(command, env=environment | {"LINEAGE_HTTP_PORT": str(port)})
            yield running
        finally:
            for process in running.values():
                process.terminate()
            for process in running.values():
                process.wait(60)

    def _measure(self, running: dict[int, subprocess.Popen[bytes]], pids: dict[str, int | None]) -> Life:
        warm: Moment | None = None
        until = time.monotonic() + LONGEST
        while time.monotonic() < until:
            time.sleep(0.25)
            if any(process.poll() is not None for process in running.values()):
                raise SystemExit("a consumer ended early")
            now = self._moment(running, pids)
            if warm is None and now.written >= self.count * SHARE_WARM:
                warm = now
            if warm is not None and now.written >= self.count:
                return Life.between(warm, now)
        raise SystemExit(f"not all events were written within {LONGEST:g} s")

    def _moment(self, running: dict[int, subprocess.Popen[bytes]], pids: dict[str, int | None]) -> Moment:
        texts = [_metrics(port) for port in running]
        cpu = {name: cpu_seconds(pid) for name, pid in pids.items()}
        cpu["consumer"] = sum(cpu_seconds(process.pid) for process in running.values())
        written = sum(_sum(text, r'lineage_records_total\{[^}]*result="written"[^}]*\}') for text in texts)
        sent = sum(_sum(text, r'lineage_graph_elements_total\{result="sent"\}') for text in texts)
        return Moment(time.monotonic(), written, sent, cpu)


def _metrics(port: int) -> str:
    with suppress(OSError), urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=5) as reply:
        text: str = reply.read().decode()
        return text
    return ""


def _sum(text: str, pattern: str) -> int:
    return sum(int(float(value)) for value in re.findall(rf"^{pattern} (\S+)$", text, re.MULTILINE))


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _print(which: str, lives: Sequence[Life], of_cells: float) -> dict[str, Any]:
    rate = Spread.of([life.rate for life in lives])
    names = sorted(lives[0].cpu)
    cpu = {name: Spread.of([life.cpu[name] for life in lives]).middle for name in names}
    elements = Spread.of([life.elements for life in lives]).middle
    rows: list[tuple[object, ...]] = [
        ("events/s, min / median / max", rate),
        *((f"CPU ms an event: {name}", f"{used:.3f}") for name, used in {**cpu, "all": sum(cpu.values())}.items()),
        ("elements sent an event", f"{elements:.1f}"),
        ("cells an event", f"{of_cells:.1f}"),
    ]
    table(f"Kafka to JanusGraph, {which}", ["", ""], rows)
    return {
        "events_per_second": round(rate.middle),
        "cpu_ms_per_event": round(sum(cpu.values()), 3),
        "elements_per_event": round(elements, 1),
        "cells_per_event": round(of_cells, 1),
        "cpu_ms": {name: round(cpu[name], 3) for name in names},
    }


def main() -> None:
    """See the module."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--store", choices=("inmemory", "cassandra", "both"), default="both")
    options.add_argument("--events", type=int, default=40_000)
    options.add_argument("--consumers", type=int, default=1)
    options.add_argument("--repetitions", type=int, default=3)
    options.add_argument("--commit-log", choices=("periodic", "group", "batch"), default="periodic")
    chosen = options.parse_args()
    stack, answer = Stack("bench-e2e"), {}
    try:
        stack.kafka().start()
        settings = load(kafka_bootstrap_servers=(stack.kafka().bootstrap,), topics=(f"b-{uuid.uuid4().hex[:8]}",))
        values = list(events.lines("--shape", "pairs", "--count", str(chosen.events)))
        asyncio.run(fill(settings, values, PARTITIONS, "none", by_key=True))
        of_cells = cells(values[: 20 * settings.batch_records], settings.batch_records)
        bench = Bench(stack, settings.topics[0], len(values), chosen.consumers, chosen.commit_log)
        del values
        for which in ("cassandra", "inmemory") if chosen.store == "both" else (chosen.store,):
            answer[which] = _print(which, [bench.life(which) for _ in range(chosen.repetitions)], of_cells)
    finally:
        stack.down(wipe=True)
    report({"stores": answer})


if __name__ == "__main__":
    main()

"""How fast one consumer reads and maps, with a graph that takes everything at once; and its memory with none at all.

    python -m benchmarks.consume [--events 60000] [--repetitions 3] [--partitions 12] [--compression none]
    python -m benchmarks.consume --away [--minutes 10] [--partitions 64]

A real Kafka of the local stack, the events of the tests (5.7 kB on average; each copy has runs, moments and versions
of its own, as a topic has), and the consumer as users run it, in a process of its own; only its graph is replaced.
Counted from the first batch that is handed to the graph to the last, so Python's start and the group's forming are
left out; the broker and whoever else there is share the machine, so the CPU time is told beside the clock.
With `--away` every partition has more to give than is ever fetched at once, and the graph refuses everything.
JSON=1 adds one last line of JSON.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import json
import os
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from aiokafka import AIOKafkaProducer
from aiokafka.admin import NewTopic

from benchmarks import map as events
from benchmarks.measure import Spread, report, table
from consumer import connection, logs
from consumer.publish import key_of
from consumer.run import How, consume
from consumer.settings import Settings, load
from deploy.local import Stack
from lineagegraph.errors import GraphUnavailable
from lineagegraph.facts import Facts

ROOT = Path(__file__).parents[1]


GRAPH = "benchmark"  # its id


@dataclass(frozen=True, slots=True)
class Taken:
    """What a graph answers that has taken everything."""

    graph_id: str = GRAPH
    elements_sent: int = 0
    elements_suppressed: int = 0


@dataclass
class Nowhere:
    """A graph that takes facts and drops them, or takes none."""

    away: bool = False
    horizon: int = 0
    moments: list[tuple[float, float]] = field(default_factory=list)  # by the clock, and in CPU time of the process

    def open(self, naming_hash: str) -> str:
        """It is there at first."""
        return GRAPH

    def close(self) -> None:
        """Nothing to close."""

    def write(self, facts: Facts) -> Taken:
        """Note the moment."""
        if self.away:
            raise GraphUnavailable("it is away for the whole benchmark")
        self.moments.append((time.perf_counter(), time.process_time()))
        return Taken()

    def heartbeat(self) -> str:
        """It answers unless it is away."""
        if self.away:
            raise GraphUnavailable("it is away for the whole benchmark")
        return GRAPH

    def forget(self) -> None:
        """Nothing is remembered."""


def child(away: bool) -> None:
    """The consumer, in a process of its own; the last line that it prints is what was measured."""
    store = Nowhere(away)
    gc.freeze()
    gc.set_threshold(50_000, 50, 50)  # as the command does
    logs.configure("CRITICAL")
    resident: list[int] = []
    threading.Thread(target=_sample, args=(resident,), daemon=True).start()
    counts = asyncio.run(consume(load(), How(until_end=not away), store))
    first, last = (store.moments[0], store.moments[-1]) if store.moments else ((0.0, 0.0), (0.0, 0.0))
    print(json.dumps({"counts": counts, "seconds": last[0] - first[0], "cpu": last[1] - first[1], "mb": resident}))


def _sample(resident: list[int]) -> None:
    while True:
        pages = int(Path("/proc/self/statm").read_text(encoding="utf-8").split()[1])
        resident.append(pages * os.sysconf("SC_PAGE_SIZE") // 2**20)
        time.sleep(1)


def run(settings: Settings, away: bool = False, seconds: float = 0.0) -> dict[str, Any]:
    """One life of the consumer."""
    environment = os.environ | {
        "PYTHONPATH": str(ROOT),
        "LINEAGE_KAFKA_BOOTSTRAP_SERVERS": ",".join(settings.kafka_bootstrap_servers),
        "LINEAGE_TOPICS": settings.topics[0],
        "LINEAGE_GROUP": f"g-{uuid.uuid4().hex[:8]}",
        "LINEAGE_GRAPH_SYNC_SECONDS": "0",
        "LINEAGE_HTTP_PORT": "0",
    }
    command = [sys.executable, "-m", "benchmarks.consume", "--child", *(["--away"] if away else [])]
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as process:
        if away:
            time.sleep(seconds)
            process.terminate()
        out, _ = process.communicate(timeout=600)
    if process.returncode:
        raise SystemExit(f"the consumer ended with {process.returncode}")
    answer: dict[str, Any] = json.loads(out.splitlines()[-1])
    return answer


async def fill(
    settings: Settings, values: Sequence[bytes], partitions: int, compression: str, by_key: bool = False
) -> None:
    """Send these events, evenly over the partitions or, as producers do, each to the one of its key."""
    async with connection.admin(settings) as client:
        await client.create_topics([NewTopic(settings.topics[0], partitions, 1)])
    await asyncio.sleep(3)  # until every partition has its leader
    producer = AIOKafkaProducer(
        **connection.options(settings),
        linger_ms=20,
        max_batch_size=512 * 1024,
        compression_type=None if compression == "none" else compression,
    )
    await producer.start()
    try:
        for start in range(0, len(values), 2_000):
            some = values[start : start + 2_000]
            topic = settings.topics[0]
            sent = [
                await producer.send(
                    topic, value, key=key_of(json.loads(value)), partition=None if by_key else (start + n) % partitions
                )
                for n, value in enumerate(some)
            ]
            await asyncio.gather(*sent)
    finally:
        await producer.stop()


def throughput(settings: Settings, count: int, repetitions: int, size: float) -> None:
    """Events a second."""
    lives = [run(settings) for _ in range(repetitions)]
    rates = [count / life["seconds"] for life in lives]
    by_cpu = [count / life["cpu"] for life in lives]
    peak = max(max(life["mb"]) for life in lives)
    rows = [["events/s by the clock", Spread.of(rates)], ["events/s of CPU time", Spread.of(by_cpu)], ["most MB", peak]]
    title = f"one consumer: {count:,} events of {size:,.0f} bytes, read, mapped, folded, dropped"
    table(title, ["", "min / median / max"], rows)
    report({"events_per_second": round(Spread.of(rates).middle), "by_cpu": round(Spread.of(by_cpu).middle), "mb": peak})


def memory(settings: Settings, partitions: int, minutes: float) -> None:
    """Megabytes while the graph is away."""
    life = run(settings, away=True, seconds=minutes * 60)
    after = life["mb"][min(15, len(life["mb"]) // 2) :]
    title = f"one consumer: {partitions} partitions, the graph away for {minutes:g} minutes"
    table(title, ["", "MB"], [["most", max(life["mb"])], ["once filled", after[0]], ["at the end", after[-1]]])
    report({"mb": max(life["mb"]), "mb_filled": after[0], "mb_end": after[-1], "minutes": minutes})


def main() -> None:
    """The command line."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--events", type=int, default=60_000)
    options.add_argument("--repetitions", type=int, default=3)
    options.add_argument("--partitions", type=int)
    options.add_argument("--compression", choices=("none", "gzip", "snappy", "lz4", "zstd"), default="none")
    options.add_argument("--away", action="store_true")
    options.add_argument("--minutes", type=float, default=10.0)
    options.add_argument("--child", action="store_true", help=argparse.SUPPRESS)
    chosen = options.parse_args()
    if chosen.child:
        child(chosen.away)
        return
    stack = Stack("benchmark-consume")
    try:
        kafka = stack.kafka()
        kafka.start()
        partitions = chosen.partitions or (64 if chosen.away else 12)
        settings = load(kafka_bootstrap_servers=(kafka.bootstrap,), topics=(f"bench-{uuid.uuid4().hex[:8]}",))
        corpus = events.corpus()
        values = events.copies(corpus, 1, -(-chosen.events // len(corpus)), new_names=False)
        size = sum(map(len, values)) / len(values)
        asyncio.run(fill(settings, values, partitions, chosen.compression))
        if chosen.away:
            memory(settings, partitions, chosen.minutes)
        else:
            throughput(settings, len(values), chosen.repetitions, size)
    finally:
        stack.down(wipe=True)


if __name__ == "__main__":
    main()

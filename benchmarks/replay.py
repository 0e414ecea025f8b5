"""How late live events come into the graph while dead letters are replayed beside them.

    python -m benchmarks.replay [--seconds 30] [--share 0.7] [--store inmemory] [--rates 200,5000]

A real Kafka and a real JanusGraph of the local stack, and one consumer as users run it. First the most that it takes:
a backlog, in events a second. Then live events at a share of that, in turn alone and beside a replay at each rate; the
first phase only warms the servers. The replaying command stands back behind the consumer (`nice`): it usually runs
elsewhere. Late is from an event's sending to the acknowledgement of its facts, told by the
moment in its run id. The events are those of `gen_events.py --shape pairs`, each with a run of its own. The producer,
the replay and the servers share the machine with the consumer. JSON=1 adds one last line of JSON.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import signal
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from statistics import mean, quantiles
from threading import Lock

import orjson
from aiokafka import AIOKafkaProducer
from aiokafka.admin import NewTopic

from benchmarks.events import lines
from benchmarks.measure import report, table
from consumer import connection, logs
from consumer.burial import KafkaBurial
from consumer.deadletters import DeadLetter
from consumer.records import Partition, Record
from consumer.run import How, consume
from consumer.settings import Settings, load
from deploy.local import Stack
from lineagegraph.facts import Facts
from lineagegraph.gremlin import Connections
from lineagegraph.install import install
from lineagegraph.naming import Naming
from lineagegraph.store import Acknowledged, GraphStore

ROOT = Path(__file__).parents[1]
PARTITIONS = 6
MARK = b"@run@"
BACKLOG = 15_000  # events, to measure the most
OFFSET = 10**9  # of the first dead letter's source record, which never was
WARM_SECONDS = 5.0  # of each phase, not counted


@dataclass(frozen=True, slots=True)
class Written:
    """An event that the graph has acknowledged: when, of which kind, and when it was sent (milliseconds)."""

    at: int
    kind: str
    sent: int


class Noting(GraphStore):
    """The graph; every acknowledged run is noted in a file."""

    notes = Path()
    turn = Lock()  # several threads write, and a line must stay whole

    def write(self, facts: Facts) -> Acknowledged:
        """As ever."""
        done = super().write(facts)
        now = time.time_ns() // 1_000_000
        told = [one.key[0].rsplit("-", 2) for one in facts.vertices if one.label == "Run"]
        with self.turn, self.notes.open("a", encoding="utf-8") as file:
            file.writelines(f"{now} {one[0]} {one[1]}\n" for one in told if one[0] in ("live", "dead", "backlog"))
        return done


def templates() -> list[bytes]:
    """Events with a mark where their run id goes."""
    made = []
    for line in lines("--shape", "pairs", "--count", "2000"):
        event = orjson.loads(line)
        event["run"]["runId"] = MARK.decode()
        made.append(orjson.dumps(event))
    return made


def events(kind: str, of: Sequence[bytes]) -> Iterator[bytes]:
    """Events without end; each tells its kind and the moment at which it was taken."""
    for number in count():
        run = b"%s-%d-%d" % (kind.encode(), time.time_ns() // 1_000_000, number)
        yield of[number % len(of)].replace(MARK, run)


async def produce(settings: Settings, source: Iterator[bytes], rate: float, seconds: float) -> None:
    """Send at this rate, in ticks of ten milliseconds."""
    producer = AIOKafkaProducer(**connection.options(settings), linger_ms=2)
    await producer.start()
    try:
        began, sent = time.monotonic(), 0
        while (passed := time.monotonic() - began) < seconds:
            while sent < passed * rate:
                await producer.send(settings.topics[0], next(source), partition=sent % PARTITIONS)
                sent += 1
            await asyncio.sleep(0.01)
    finally:
        await producer.stop()


async def fill(settings: Settings, source: Iterator[bytes], many: int) -> None:
    """Send so many as fast as can be."""
    producer = AIOKafkaProducer(**connection.options(settings), linger_ms=20)
    await producer.start()
    for number in range(many):
        await producer.send(settings.topics[0], next(source), partition=number % PARTITIONS)
    await producer.stop()


async def bury(settings: Settings, source: Iterator[bytes], many: int) -> None:
    """So many dead letters that would succeed now."""
    async with connection.admin(settings) as client:
        burial = KafkaBurial(settings, client, "benchmark")
        now = time.time_ns() // 1_000_000
        for start in range(0, many, 500):
            records = [
                Record(Partition(settings.topics[0], n % PARTITIONS), OFFSET + n, now, b"%d" % n, next(source))
                for n in range(start, min(start + 500, many))
            ]
            await burial.bury([DeadLetter(one, "rejected") for one in records])
        await burial.close()


def written(notes: Path, kind: str, since: float) -> list[Written]:
    """What was acknowledged of this kind and sent since then (seconds)."""
    rows = (line.split() for line in notes.read_text(encoding="utf-8").splitlines() if line.count(" ") == 2)
    found = [Written(int(at), of, int(sent)) for at, of, sent in rows if of == kind]
    return [one for one in found if one.sent >= since * 1000]


def environment(settings: Settings) -> dict[str, str]:
    """For the commands that run beside us."""
    return os.environ | {
        "PYTHONPATH": str(ROOT),
        "LINEAGE_KAFKA_BOOTSTRAP_SERVERS": ",".join(settings.kafka_bootstrap_servers),
        "LINEAGE_TOPICS": settings.topics[0],
        "LINEAGE_GROUP": settings.group,
        "LINEAGE_GRAPH_URLS": ",".join(settings.graph_urls),
        "LINEAGE_GRAPH_SYNC_SECONDS": "0",
        "LINEAGE_HTTP_PORT": "0",
    }


@contextmanager
def running(settings: Settings, *command: str, before: Sequence[str] = ()) -> Iterator[subprocess.Popen[bytes]]:
    """A process that ends with this."""
    with tempfile.TemporaryFile() as log:
        process = subprocess.Popen(
            [*before, sys.executable, "-m", *command], env=environment(settings), stdout=log, stderr=subprocess.STDOUT
        )
        try:
            yield process
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(60)


def late(rows: Sequence[Written]) -> tuple[float, float]:
    """p50 and p95 in milliseconds."""
    cuts = quantiles((one.at - one.sent for one in rows), n=100)
    return cuts[49], cuts[94]


def most(settings: Settings, notes: Path, of: Sequence[bytes], many: int) -> float:
    """Events a second out of a backlog, without its first half."""
    asyncio.run(fill(settings, events("backlog", of), many))
    with running(settings, "benchmarks.replay", "--child", str(notes)):
        while not notes.exists() or len(rows := written(notes, "backlog", 0)) < many:
            time.sleep(0.5)
    moments = sorted(one.at for one in rows)[many // 2 :]
    return 1000 * len(moments) / (moments[-1] - moments[0])


@dataclass(frozen=True, slots=True)
class Phase:
    """Live events for a while, beside the replay of these letters at this rate if there are any."""

    rate: float
    letters: range

    @property
    def name(self) -> str:
        return f"{self.rate:,.0f}/s" if self.letters else "none"


def live(
    settings: Settings, notes: Path, of: Sequence[bytes], rate: float, seconds: float, phase: Phase
) -> tuple[list[Written], float]:
    """The live events of one phase, and how many dead letters a second came into the graph beside them."""
    with ExitStack() as stack:
        if phase.letters:
            which = f"offset={OFFSET + phase.letters.start}..{OFFSET + phase.letters.stop - 1}"
            how = "--rate", f"{phase.rate}/s", "--wait", "600", "--take-over"
            before = len(written(notes, "dead", 0))
            stack.enter_context(
                running(settings, "consumer", "dlq", "replay", which, *how, before=("nice", "-n", "10"))
            )
            while len(written(notes, "dead", 0)) == before:  # until it is planned, and comes
                time.sleep(0.1)
        began = time.time() + WARM_SECONDS
        asyncio.run(produce(settings, events("live", of), rate, seconds))
        ended = time.time()
    beside = sum(began <= one.at / 1000 < ended for one in written(notes, "dead", 0)) / (ended - began)
    sent, until = written(notes, "live", began), time.time() + 60
    while len(sent) < 0.98 * rate * (seconds - WARM_SECONDS) and time.time() < until:
        time.sleep(0.5)
        sent = written(notes, "live", began)
    drain(notes)
    return sent, beside


def drain(notes: Path) -> None:
    """Until nothing of a replay is on its way any more: the next phase is to be without it."""
    before = -1
    while before != (before := len(written(notes, "dead", 0))):
        time.sleep(3)


def measure(stack: Stack, store: str, seconds: float, share: float, rates: Sequence[float]) -> None:
    """All phases on one graph."""
    kafka = stack.kafka()
    kafka.start()
    if store == "cassandra":
        stack.cassandra().start()
    graph = stack.janusgraph("cassandra" if store == "cassandra" else "inmemory")
    graph.start()
    topic = f"bench-{uuid.uuid4().hex[:8]}"
    settings = load(
        kafka_bootstrap_servers=(kafka.bootstrap,), topics=(topic,), group=f"g-{topic}", graph_urls=(graph.url,)
    )
    with closing(Connections(settings.graph())) as connections:
        install(connections, Naming.load(None).hash)
    asyncio.run(create(settings))
    of, notes = templates(), Path(tempfile.mkdtemp(prefix="replay-")) / "written"
    full = most(settings, notes, of, BACKLOG)
    rate, phases, first = share * full, [Phase(0, range(0))], 0
    for replay in rates:
        last = first + int(min(replay, full / 4) * (seconds + 10))  # yielding takes far less
        phases += [Phase(0, range(0)), Phase(replay, range(first, last))]
        first = last
    asyncio.run(bury(settings, events("dead", of), first))
    with running(settings, "benchmarks.replay", "--child", str(notes)):
        time.sleep(8)
        found = [(phase, *live(settings, notes, of, rate, seconds, phase)) for phase in phases][1:]
    title = f"{store}: one consumer takes {full:,.0f} events/s; live events at {rate:,.0f}/s for {seconds:g} s a phase"
    told(title, found)
    lates = {phase.name: late(rows)[1] for phase, rows, _ in found if phase.letters}
    alone = mean(late(rows)[1] for phase, rows, _ in found if not phase.letters)
    ratios = {name: round(p95 / alone, 2) for name, p95 in lates.items()}
    report(
        {"events_per_second": round(full), "live_per_second": round(rate), "p95_ms": round(alone), "to_alone": ratios}
    )


def told(title: str, found: Sequence[tuple[Phase, list[Written], float]]) -> None:
    """A table."""
    alone = mean(late(rows)[1] for phase, rows, _ in found if not phase.letters)
    cells = [
        [
            phase.name,
            len(rows),
            f"{late(rows)[0]:,.0f}",
            f"{late(rows)[1]:,.0f}",
            f"{late(rows)[1] / alone:.2f}",
            beside,
        ]
        for phase, rows, beside in ((phase, rows, f"{beside:,.0f}/s") for phase, rows, beside in found)
    ]
    table(title, ["replay", "live events", "p50 ms", "p95 ms", "p95 to alone", "replayed"], cells)


async def create(settings: Settings) -> None:
    """The topic."""
    async with connection.admin(settings) as client:
        await client.create_topics([NewTopic(settings.topics[0], PARTITIONS, 1)])
    await asyncio.sleep(3)  # until every partition has its leader


def child(notes: Path) -> None:
    """The consumer."""
    logs.configure("ERROR")
    settings = load()
    store = Noting(settings.graph())
    store.notes = notes
    asyncio.run(consume(settings, How(), store))


def main() -> None:
    """The command line."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--seconds", type=float, default=30.0, help="of each phase")
    options.add_argument("--share", type=float, default=0.7, help="of the most that the consumer takes")
    options.add_argument("--store", choices=("inmemory", "cassandra"), default="inmemory")
    options.add_argument("--rates", default="200,5000", help="of the replays, in records a second")
    options.add_argument("--child", type=Path, help=argparse.SUPPRESS)
    chosen = options.parse_args()
    if chosen.child:
        child(chosen.child)
        return
    stack = Stack("benchmark-replay")
    try:
        measure(stack, chosen.store, chosen.seconds, chosen.share, [float(one) for one in chosen.rates.split(",")])
    finally:
        stack.down(wipe=True)


if __name__ == "__main__":
    main()

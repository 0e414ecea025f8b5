"""A source, a store and a burial that keep one shared log, so that tests can assert the order of what happened."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections import deque
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field

from consumer.batch import Reader
from consumer.deadletters import DeadLetter
from consumer.delivery import Delivery, Unburied
from consumer.graph import Graph, Timing
from consumer.metrics import Metrics
from consumer.notes import Note, Place
from consumer.reading import Trouble
from consumer.records import Condemned, Partition, Record, Slice
from consumer.replayed import Replayed
from consumer.settings import Settings
from consumer.worker import Worker
from lineagegraph.errors import GraphRejected, GraphUnavailable
from lineagegraph.facts import Facts
from lineagegraph.naming import Naming

TIME = 1_795_000_000_000  # 2026-11-18, the time of every record made here

Entry = tuple[str, object]


def event(number: int, **more: object) -> bytes:
    """A good event whose run id tells its number."""
    return json.dumps(
        {
            "eventTime": "2026-11-18T00:00:00Z",
            "eventType": "COMPLETE",
            "producer": "https://example.org/test",
            "run": {"runId": f"run-{number}"},
            "job": {"namespace": "test", "name": f"job-{number % 7}"},
            "outputs": [{"namespace": "test", "name": "table"}],
            **more,
        }
    ).encode()


def runs(facts: Facts) -> set[str]:
    """The run ids among these facts."""
    return {vertex.key[0] for vertex in facts.vertices if vertex.label == "Run"}


async def eventually(condition: Callable[[], bool]) -> None:
    """Returns once the condition holds."""
    while not condition():  # noqa: ASYNC110  (conditions of tests have no event)
        await asyncio.sleep(0.002)


def record(partition: Partition, offset: int, value: bytes | None, key: bytes | None = b"k") -> Record:
    """A record made at TIME."""
    return Record(partition, offset, TIME, key, value)


@dataclass
class FakeSource:
    """Partitions as lists of records, one member that has them all, and an operator who can rebalance."""

    log: list[Entry]
    partitions: dict[Partition, list[Record]]
    committed: dict[Partition, int] = field(default_factory=dict)
    positions: dict[Partition, int] = field(default_factory=dict)
    fresh: bool = True
    commits_fail: int = 0
    epoch: int = 0
    notes: dict[Partition, Note] = field(default_factory=dict)
    trouble: dict[Partition, Trouble] = field(default_factory=dict)

    async def assigned(self) -> dict[Partition, Place] | None:
        if not self.fresh:
            return None
        self.fresh = False
        self.positions = {partition: self.committed.get(partition, 0) for partition in self.partitions}
        self.log.append(("assigned", dict(self.positions)))
        return {partition: Place(at, self.notes.get(partition, Note())) for partition, at in self.positions.items()}

    async def poll(self, room: int, most_bytes: int, leave: Collection[Partition], busy: bool) -> list[Slice]:
        epoch = self.epoch
        await asyncio.sleep(0.001)
        slices = []
        for partition, position in self.positions.items():
            if partition in leave or self.epoch != epoch:
                continue
            found = [one for one in self.partitions[partition] if one.offset >= position][:room]
            if found:
                end = found[-1].offset + 1
                self.positions[partition] = end
                slices.append(Slice(partition, tuple(found), end))
        return slices

    async def hold(self) -> None:
        self.log.append(("hold", None))
        await asyncio.sleep(0.002)

    async def commit(self, places: Mapping[Partition, Place]) -> bool:
        """Logged as a commit where an offset gets on, else as a note."""
        await asyncio.sleep(0)
        if self.commits_fail > 0:
            self.commits_fail -= 1
            return False
        self.notes.update({partition: place.note for partition, place in places.items()})
        on = {p: place.offset for p, place in places.items() if place.offset > self.committed.get(p, 0)}
        self.log.append(("commit", on) if on else ("note", dict(places)))
        self.committed.update(on)
        return True

    async def unparsed(self, partition: Partition, message: str) -> Slice | None:
        record = next(one for one in self.partitions[partition] if one.offset >= self.positions[partition])
        self.positions[partition] = record.offset + 1
        return Slice(partition, (), record.offset + 1, (Condemned(record, "crash", message),))

    def has_more(self, partition: Partition) -> bool:
        return self.positions.get(partition, 0) < self.ends.get(partition, 0)

    def seek(self, partition: Partition, offset: int) -> None:
        self.log.append(("seek", (partition, offset)))
        self.positions[partition] = offset

    async def rebalance(self, worker: Worker) -> None:
        """Take everything away and give it back, as the eager protocol does."""
        await worker.revoke()
        self.log.append(("revoked", None))
        self.epoch += 1
        self.positions = {}
        self.fresh = True

    @property
    def ends(self) -> dict[Partition, int]:
        return {partition: records[-1].offset + 1 for partition, records in self.partitions.items() if records}


@dataclass(frozen=True)
class Acknowledgement:
    graph_id: str = "graph-1"
    elements_sent: int = 1
    elements_suppressed: int = 0


@dataclass
class FakeStore:
    """A graph that remembers run ids: first in memory, on disk when `sync` seconds have passed."""

    log: list[Entry]
    graph_id: str = "graph-1"
    sync: float = 0.0
    down: bool = False
    rejects: frozenset[str] = frozenset()
    horizon: int = 0
    before_write: Callable[[Facts], None] = lambda facts: None
    volatile: deque[tuple[float, set[str]]] = field(default_factory=deque)
    disk: set[str] = field(default_factory=set)
    known: set[str] = field(default_factory=set)
    closed: bool = False
    lock: threading.Lock = field(default_factory=threading.Lock)

    def open(self, naming_hash: str) -> str:
        return self.heartbeat()

    def close(self) -> None:
        self.closed = True

    def write(self, facts: Facts) -> Acknowledgement:
        self.before_write(facts)
        names = runs(facts)
        with self.lock:
            self._up()
            if names & self.rejects:
                raise GraphRejected("refused: secret-content")
            self.volatile.append((time.monotonic(), names - self.known))
            self.known |= names
            self.log.append(("write", names))
        return Acknowledgement(self.graph_id)

    def heartbeat(self) -> str:
        with self.lock:
            self._up()
            self.log.append(("beat", None))
        return self.graph_id

    def forget(self) -> None:
        self.log.append(("forget", None))
        self.known.clear()

    def crash(self) -> None:
        """Kill -9: what was not synced yet is gone, and nothing answers until `down` is unset."""
        with self.lock:
            self._settle()
            self.volatile.clear()
            self.down = True
            self.log.append(("crash", None))

    def durable(self) -> set[str]:
        with self.lock:
            self._settle()
            return set(self.disk)

    def _up(self) -> None:
        if self.down:
            raise GraphUnavailable("the graph is away")

    def _settle(self) -> None:
        while self.volatile and self.volatile[0][0] + self.sync <= time.monotonic():
            self.disk |= self.volatile.popleft()[1]


@dataclass
class FakeBurial:
    """A dead-letter topic that can be away."""

    log: list[Entry]
    away: bool = False
    buried: list[DeadLetter] = field(default_factory=list)

    async def bury(self, letters: Sequence[DeadLetter]) -> None:
        await asyncio.sleep(0)
        if self.away:
            raise Unburied("the topic is away")
        self.buried += letters
        self.log.append(("bury", {letter.record.id for letter in letters}))

    async def resolve(self, many: Sequence[tuple[str, Replayed]]) -> None:
        await asyncio.sleep(0)
        if self.away:
            raise Unburied("the ledger is away")
        self.log.append(("resolve", {one.id for _, one in many}))


@dataclass
class Rig:
    """A worker on fakes."""

    log: list[Entry]
    source: FakeSource
    store: FakeStore
    burial: FakeBurial
    worker: Worker
    metrics: Metrics

    async def run_until(self, condition: Callable[[], bool], seconds: float = 10.0) -> None:
        """Run the worker until the condition holds, then stop it in order."""
        async with asyncio.timeout(seconds):
            running = asyncio.create_task(self.worker.run())
            await eventually(lambda: condition() or running.done())
            self.worker.stopping.set()
            await running

    def finished(self) -> bool:
        return self.source.committed == self.source.ends

    def places(self, kind: str) -> list[int]:
        """Where in the log entries of this kind stand."""
        return [index for index, (what, _) in enumerate(self.log) if what == kind]

    def of(self, kind: str) -> list[object]:
        return [detail for what, detail in self.log if what == kind]

    def accounts(self) -> dict[str, float]:
        results = ("written", "dead", "skipped", "given_up")
        return {
            "received": self.metrics.total("lineage_records_received_total"),
            **{result: self.metrics.total("lineage_records_total", result=result) for result in results},
        }


def rig(
    values: Mapping[int, Sequence[bytes | None]], sync: float = 0.0, timing: Timing | None = None, **settings: object
) -> Rig:
    """A worker on fakes, with these values in the partitions of topic `t`."""
    log: list[Entry] = []
    partitions = {Partition("t", number): list[Record]() for number in values}
    for partition, records in partitions.items():
        records.extend(record(partition, offset, value) for offset, value in enumerate(values[partition.number]))
    source, store, burial = FakeSource(log, partitions), FakeStore(log, sync=sync), FakeBurial(log)
    metrics = Metrics()
    made = Settings(**{"commit_seconds": 0.01, "graph_sync_seconds": sync, **settings})  # type: ignore[arg-type]
    graph = Graph(store, store.graph_id, timing or Timing(sync, restart=0.5, beat=0.02), metrics)
    delivery = Delivery(Reader(Naming.load(None)), graph, burial, metrics)
    return Rig(log, source, store, burial, Worker(made, source, graph, delivery, metrics), metrics)

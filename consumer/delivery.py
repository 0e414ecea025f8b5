"""What happens to the records of one batch: read, written, and those that can never be written buried.

After `write` every record is in the graph, a counted skip, or a dead letter; after `bury` also those are safe.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import structlog

from consumer import tracing
from consumer.batch import LARGE, Batch, Good, Reader
from consumer.deadletters import DeadLetter, Disposition
from consumer.graph import Graph, backoff
from consumer.metrics import Metrics
from consumer.producers import Producers
from consumer.records import Partition, Record, Slice
from consumer.replayed import Replayed
from lineagegraph.errors import GraphRejected
from mappers import FACETS

log = structlog.get_logger(__name__)

_FACETS = frozenset(key for _, key in FACETS)  # producers invent facets; a label must not grow with them

BREATH = 25  # records read between two turns of the event loop, which carries the group's heartbeats


class Unburied(Exception):
    """The dead-letter topic did not acknowledge; the letters are still ours."""


class Burial(Protocol):
    """Where dead letters go, and where it is told that replayed ones came through. Raises Unburied."""

    async def bury(self, letters: Sequence[DeadLetter]) -> None: ...
    async def resolve(self, many: Sequence[tuple[str, Replayed]]) -> None: ...


@dataclass(frozen=True, slots=True)
class Waiting:
    """Letters that the dead-letter topic does not take: of which partitions, and since when."""

    partitions: frozenset[Partition]
    since: float


class Delivery:
    """The way of a batch: `write`, then `bury` what `write` found to be dead."""

    def __init__(self, reader: Reader, graph: Graph, burial: Burial, metrics: Metrics) -> None:
        self._reader = reader
        self._graph = graph
        self._burial = burial
        self._metrics = metrics
        self._producers = Producers(metrics)
        self.waiting: list[Waiting] = []

    @property
    def blocked(self) -> frozenset[Partition]:
        """The partitions with letters that cannot be buried yet: no more is taken from them."""
        return frozenset().union(*(one.partitions for one in self.waiting))

    async def write(self, slices: Sequence[Slice]) -> tuple[Batch, float]:
        """Read the records, write their facts; what became of them, and when. Raises GraphUnavailable."""
        clock = _Clock(self._metrics)
        horizon = self._graph.horizon
        batch = await self._read([record for one in slices for record in one.records], horizon)
        for one in (condemned for slice_ in slices for condemned in slice_.condemned):
            kind: Disposition = "crash" if one.reason == "crash" else "corrupt"
            batch.add(DeadLetter(one.record, one.reason, message=one.message, disposition=kind))
        clock.lap("read")
        if refused := await self._write(batch.good, horizon):
            guilty = {letter.record.id for letter in refused}
            batch.good = [one for one in batch.good if one.record.id not in guilty]
            batch.dead += refused
        clock.lap("write")
        self._tell(batch, clock)
        # Dead letters and skips do not wait for the graph's store to sync.
        return batch, self._graph.acknowledged() if batch.good else -math.inf

    def _tell(self, batch: Batch, clock: _Clock) -> None:
        for skip in batch.skipped:
            self._metrics.add("lineage_skipped_total", reason=skip.reason)
        for one in batch.good:
            self._producers.heard(one.namespace, one.record.timestamp)
            for bad in one.bad_facets:
                self._metrics.add("lineage_bad_facets_total", facet=bad.facet if bad.facet in _FACETS else "other")
        counts = {"written": len(batch.good), "dead": len(batch.dead), "skipped": len(batch.skipped)}
        if records := sum(counts.values()):  # there are none where only transaction markers were passed
            log.info("batch", records=records, **counts, seconds=clock.laps)

    async def bury(
        self,
        letters: Sequence[DeadLetter],
        given_up: Callable[[], bool],
        through: Sequence[tuple[Partition, Replayed]] = (),
    ) -> bool:
        """Whether the letters were acknowledged, and that replayed records came through; tried until given up."""
        places = frozenset(letter.record.partition for letter in letters) | {place for place, _ in through}
        attempt, mine = 0, Waiting(places, time.monotonic())
        started = time.monotonic()
        try:
            while True:
                try:
                    if letters:
                        await self._burial.bury(letters)
                    if through:
                        await self._burial.resolve([(place.topic, one) for place, one in through])
                    break
                except Unburied as error:
                    if given_up():
                        return False
                    if attempt == 0:
                        self.waiting.append(mine)
                    log.error("dead letters wait", letters=len(letters) + len(through), error=str(error))
                    self._metrics.add("lineage_dead_letter_failures_total")
                    await asyncio.sleep(min(backoff(attempt), 5.0))
                    attempt += 1
        finally:
            if mine in self.waiting:
                self.waiting.remove(mine)
        self._metrics.observe("lineage_processing_seconds", time.monotonic() - started, stage="bury")
        tracing.past("lineage.bury", time.monotonic() - started, letters=len(letters))
        self._metrics.add("lineage_replayed_total", len(through), result="resolved")
        for letter in letters:
            self._metrics.add("lineage_dead_letters_total", reason=letter.reason)
            if letter.attempt > 1:
                self._metrics.add("lineage_replayed_total", result="failed")
            log.warning(
                "dead letter",
                reason=letter.reason,
                pointer=letter.pointer,
                fingerprint=letter.fingerprint,
                record=letter.record.id,
            )
        return True

    async def _read(self, records: Sequence[Record], horizon: int) -> Batch:
        batch = Batch()
        for index, record in enumerate(records):
            if record.value is not None and len(record.value) > LARGE:
                batch.add(await asyncio.to_thread(self._reader.read, record, horizon))
            else:
                batch.add(self._reader.read(record, horizon))
            if index % BREATH == BREATH - 1:
                await asyncio.sleep(0)
        return batch

    async def _write(self, good: Sequence[Good], horizon: int) -> list[DeadLetter]:
        """Write these together; if the graph refuses them, halve until the guilty stand alone."""
        if not good:
            return []
        try:
            await self._graph.write([one.facts for one in good], horizon)
        except GraphRejected as error:
            if len(good) == 1:
                # The graph's own words may quote the event; the class of the error cannot.
                message = f"The graph refused the facts of this event ({type(error).__name__})."
                return [DeadLetter(good[0].record, "rejected", message=message, disposition="rejected")]
            half = len(good) // 2
            return await self._write(good[:half], horizon) + await self._write(good[half:], horizon)
        return []


class _Clock:
    """How long each stage of a batch took."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics
        self._last = time.monotonic()
        self.laps: dict[str, float] = {}

    def lap(self, stage: str) -> None:
        now = time.monotonic()
        self._metrics.observe("lineage_processing_seconds", now - self._last, stage=stage)
        tracing.past(f"lineage.{stage}", now - self._last)
        self.laps[stage] = round(now - self._last, 3)
        self._last = now

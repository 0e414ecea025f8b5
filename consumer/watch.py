"""What goes on beside the loop: measuring the lag, and noticing that a bounded run has reached its end."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping

import structlog
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError

from consumer.accounts import labels
from consumer.errors import KafkaAway, PartitionHalted
from consumer.offsets import committed
from consumer.records import Partition
from consumer.source import Source
from consumer.tracker import Tracker
from consumer.worker import Worker

log = structlog.get_logger(__name__)

SAMPLE_SECONDS = 15.0
LAG = ("lineage_consumer_lag_records", "lineage_consumer_lag_seconds")

Progress = Callable[[int, int], None]  # records committed, records in all


class Ages:
    """How old the oldest record is that is not committed."""

    def __init__(self) -> None:
        self._behind: dict[Partition, tuple[int, float]] = {}

    def of(self, partition: Partition, tracker: Tracker, end: int) -> float:
        """In seconds; of a record that nobody has read yet only how long it has been waiting for that is known."""
        if end <= tracker.committed:
            self._behind.pop(partition, None)
            return 0.0
        if (oldest := tracker.oldest) is not None and oldest >= 0:
            return max(0.0, time.time() - oldest / 1000)
        now = time.monotonic()
        offset, since = self._behind.get(partition, (tracker.committed, now))
        if offset != tracker.committed:
            since = now
        self._behind[partition] = tracker.committed, since
        return now - since


async def sample(source: Source, worker: Worker) -> None:
    """Measure the lag of every assigned partition, again and again; and whether it is still being fetched."""
    ages = Ages()
    while True:
        await asyncio.sleep(SAMPLE_SECONDS)
        trackers = dict(worker.lease.trackers) if worker.lease else {}
        try:
            async with asyncio.timeout(SAMPLE_SECONDS):
                ends = await source.ends(trackers) if trackers else {}
        except (KafkaError, TimeoutError) as error:
            log.warning("lag unknown", error=type(error).__name__)
            continue
        source.watch(ends)
        for name in LAG:
            worker.metrics.forget(name)
        for partition, end in ends.items():
            tracker = trackers[partition]
            worker.metrics.set(LAG[0], max(0, end - tracker.committed), **labels(partition))
            worker.metrics.set(LAG[1], ages.of(partition, tracker, end), **labels(partition))


async def until(
    begins: Mapping[Partition, int],
    ends: Mapping[Partition, int],
    group: str,
    client: AIOKafkaAdminClient,
    worker: Worker,
    progress: Progress | None,
) -> None:
    """Stop the worker once the whole group has committed up to these ends, but for what our brake holds."""
    targets = {partition: end for partition, end in ends.items() if end > begins[partition]}
    total = sum(end - begins[partition] for partition, end in targets.items())
    while not worker.stopping.is_set():
        await asyncio.sleep(0.25)
        try:
            known = await committed(client, group, targets)
        except KafkaAway as error:
            log.warning("progress unknown", error=str(error))
            continue
        done, left = 0, set()
        for partition, end in targets.items():
            offset, _ = known.get(partition, (begins[partition], ""))
            done += min(max(offset, begins[partition]), end) - begins[partition]
            if offset < end:
                left.add(partition)
        if progress is not None:
            progress(done, total)
        if left <= (worker.lease.halted.keys() if worker.lease else set()):
            worker.stopping.set()


def halted(partitions: Mapping[Partition, str]) -> PartitionHalted:
    """What to say when a bounded run ends before what the brake holds."""
    names = ", ".join(f"{partition} ({why})" for partition, why in sorted(partitions.items()))
    first = min(partitions)
    return PartitionHalted(
        f"The brake holds {names}. Look at the dead letters; then `lineagegraph resume {first}`, or set "
        "LINEAGE_BRAKE_RUN=0 and LINEAGE_BRAKE_SHARE=0 to bury whatever comes."
    )

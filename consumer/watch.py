"""What goes on beside the loop: measuring the lag, and noticing that a bounded run has reached its end."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping

import structlog
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError

from consumer.errors import KafkaAway
from consumer.offsets import committed
from consumer.records import Partition
from consumer.source import Source
from consumer.worker import Worker, labels

log = structlog.get_logger(__name__)

SAMPLE_SECONDS = 15.0
LAG = ("lineage_consumer_lag_records", "lineage_consumer_lag_seconds")

Progress = Callable[[int, int], None]  # records committed, records in all


async def sample(source: Source, worker: Worker) -> None:
    """Measure the lag of every assigned partition, again and again."""
    while True:
        await asyncio.sleep(SAMPLE_SECONDS)
        trackers = dict(worker.lease.trackers) if worker.lease else {}
        try:
            async with asyncio.timeout(SAMPLE_SECONDS):
                ends = await source.ends(trackers) if trackers else {}
        except (KafkaError, TimeoutError) as error:
            log.warning("lag unknown", error=type(error).__name__)
            continue
        for name in LAG:
            worker.metrics.forget(name)
        for partition, end in ends.items():
            tracker = trackers[partition]
            oldest = tracker.oldest
            age = max(0.0, time.time() - oldest / 1000) if oldest is not None and oldest >= 0 else 0.0
            worker.metrics.set(LAG[0], max(0, end - tracker.committed), **labels(partition))
            worker.metrics.set(LAG[1], age, **labels(partition))


async def until(
    begins: Mapping[Partition, int],
    ends: Mapping[Partition, int],
    group: str,
    client: AIOKafkaAdminClient,
    reached: asyncio.Event,
    progress: Progress | None,
) -> None:
    """Set `reached` once the whole group has committed up to these ends."""
    targets = {partition: end for partition, end in ends.items() if end > begins[partition]}
    total = sum(end - begins[partition] for partition, end in targets.items())
    while not reached.is_set():
        await asyncio.sleep(0.25)
        try:
            known = await committed(client, group, targets)
        except KafkaAway as error:
            log.warning("progress unknown", error=str(error))
            continue
        done = 0
        for partition, end in targets.items():
            offset, _ = known.get(partition, (begins[partition], ""))
            done += min(max(offset, begins[partition]), end) - begins[partition]
        if progress is not None:
            progress(done, total)
        if done == total:
            reached.set()

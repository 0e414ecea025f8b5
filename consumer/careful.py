"""Taking records while a partition is under suspicion: one thing at a time, each written down before it is read."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Collection, Mapping
from typing import Protocol

import structlog

from consumer.lease import Lease
from consumer.notes import Place
from consumer.records import Partition, Slice
from consumer.settings import Settings

log = structlog.get_logger(__name__)

CAREFUL_SECONDS = 120.0  # a process that has lived for so long does not die of what it reads here

Mark = Callable[[Lease, Mapping[Partition, Place]], Awaitable[bool]]


class Source(Protocol):
    """The part of the source that is needed."""

    async def poll(self, room: int, most_bytes: int, leave: Collection[Partition], busy: bool) -> list[Slice]: ...
    async def unparsed(self, partition: Partition, message: str) -> Slice | None: ...
    def has_more(self, partition: Partition) -> bool: ...


async def take_carefully(
    source: Source, lease: Lease, closed: Collection[Partition], settings: Settings, mark: Mark
) -> list[Slice]:
    """What to read now, with nothing else in flight; the mark stands in Kafka before the first byte is parsed."""
    if time.monotonic() - lease.began > CAREFUL_SECONDS:
        lease.care.end()
        return []
    partition, most = lease.care.turn(), settings.batch_bytes
    if partition is None:
        if not await mark(lease, lease.marked(None)):
            return []
        return await source.poll(settings.batch_records, most, {*closed, *lease.care.partitions}, busy=False)
    if partition in closed or not source.has_more(partition):
        return []
    probe = lease.care.next(partition, lease.trackers[partition].position)
    if probe.guilty:
        await mark(lease, lease.marked(None))
        log.error("a record kills its readers and is buried unread", partition=str(partition), offset=probe.first)
        taken = await source.unparsed(partition, f"{probe.deaths} processes died while they read this record alone.")
        return [taken] if taken is not None else []
    if not await mark(lease, lease.marked(partition, probe)):
        return []
    return await source.poll(probe.end - probe.first, most, lease.trackers.keys() - {partition}, busy=False)

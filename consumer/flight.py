"""One batch from its records to its tickets being done, or being given up: every record ends in one account."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import structlog

from consumer.accounts import Accounts
from consumer.batch import Batch
from consumer.deadletters import DeadLetter
from consumer.delivery import Delivery
from consumer.lease import Lease
from consumer.records import Partition, Slice
from consumer.replayed import Replayed
from consumer.room import Room
from consumer.tracing import span
from consumer.tracker import Ticket
from lineagegraph.errors import GraphUnavailable

log = structlog.get_logger(__name__)


class Flight:
    """A batch on its way, under the lease that it was taken under."""

    def __init__(
        self, lease: Lease, slices: Sequence[Slice], delivery: Delivery, accounts: Accounts, room: Room
    ) -> None:
        self._lease = lease
        self._slices: Sequence[Slice] = slices
        self._delivery = delivery
        self._accounts = accounts
        self._room = room
        self._tickets = {one.partition: self._ticket(one) for one in slices}
        self._carried = accounts.received(Counter({one.partition: one.count for one in slices}))
        self._held = sum(one.size for one in slices)
        room.begin(self._held)

    def _ticket(self, one: Slice) -> Ticket:
        first = one.records[0].timestamp if one.records else -1
        return self._lease.trackers[one.partition].take(one.end, first)

    async def carry(self) -> None:
        """Deliver it. What raises out of here is a bug."""
        try:
            with span("lineage.batch", records=self._carried.total(), partitions=len(self._tickets), bytes=self._held):
                await self._carry()
        finally:
            self._accounts.landed(self._carried)
            self._room.free(self._held)

    async def _carry(self) -> None:
        try:
            batch, at = await self._delivery.write(self._slices)
        except GraphUnavailable:
            self._written(0)  # the graph has noticed; the loop will go back to what is committed
            self._give_up(self._tickets)
            return
        self._written(sum(len(letter.record.value or b"") for letter in batch.dead))
        if self._lease.over:
            self._give_up(self._tickets)
            return
        stopped = {partition for partition in self._tickets if not self._judge(partition, batch)}
        self._give_up(stopped)
        counts = batch.counts()
        letters = [letter for letter in batch.dead if letter.record.partition not in stopped]
        through = [(place, one) for place, one in batch.through() if place not in stopped]
        waiting = {letter.record.partition for letter in letters} | {place for place, _ in through}
        del batch
        self._done(self._tickets.keys() - stopped - waiting, counts, at)
        if waiting:
            await self._bury(letters, through, waiting, counts, at)

    def _written(self, kept: int) -> None:
        """What was written needs no memory while letters wait."""
        self._slices = ()
        self._room.written(self._held - kept)
        self._held = kept

    async def _bury(
        self,
        letters: list[DeadLetter],
        through: list[tuple[Partition, Replayed]],
        waiting: set[Partition],
        counts: Counter[tuple[Partition, str]],
        at: float,
    ) -> None:
        if await self._delivery.bury(letters, self._lease.is_over, through) and not self._lease.over:
            self._done(waiting, counts, at)
        else:
            self._give_up(waiting)

    def _judge(self, partition: Partition, batch: Batch) -> bool:
        """Whether the brake lets these records of the partition pass."""
        before = partition in self._lease.halted
        passes = self._lease.judge(partition, batch.invalid(partition))
        if not passes and not before:
            why = self._lease.halted[partition]
            log.error("partition halted", partition=str(partition), why=why, resume=f"lineagegraph resume {partition}")
        return passes

    def _done(self, partitions: set[Partition], counts: Counter[tuple[Partition, str]], at: float) -> None:
        for (partition, result), count in counts.items():
            if partition in partitions:
                self._accounts.ended(self._carried, partition, result, count)
        for partition in partitions:
            self._tickets[partition].done(at)

    def _give_up(self, partitions: set[Partition] | dict[Partition, Ticket]) -> None:
        for partition in partitions:
            self._accounts.ended(self._carried, partition, "given_up", self._carried[partition])

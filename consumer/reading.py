"""Reading partitions: one per call, as far as there is room; what cannot be read waits or is salvaged.

Positions are ours: aiokafka moves its own past what it could not read.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Awaitable, Callable, Collection, Iterable
from dataclasses import dataclass

import structlog
from aiokafka.errors import (
    CorruptRecordException,
    GroupAuthorizationFailedError,
    IllegalStateError,
    KafkaError,
    NoOffsetForPartitionError,
    OffsetOutOfRangeError,
    RecordTooLargeError,
    TopicAuthorizationFailedError,
)
from aiokafka.structs import ConsumerRecord, TopicPartition

from consumer.errors import KafkaUnusable
from consumer.member import Member
from consumer.metrics import Metrics
from consumer.raw_batch import Undecodable
from consumer.records import Partition, Record, Slice
from consumer.salvage import DamagedInTransit, salvage, unparsed
from consumer.starts import Starts
from consumer.yielding import Replays

log = structlog.get_logger(__name__)

ALONE_SECONDS = 5.0  # a partition that cannot be read is left alone for so long
CRC_TRIES = 3
FORBIDDEN = (TopicAuthorizationFailedError, GroupAuthorizationFailedError)


@dataclass(slots=True)
class Trouble:
    """A partition that could not be read: since when, until when it is left alone, and what was wrong."""

    since: float
    until: float
    error: str


class Reading:
    """The positions of one member, and the way on from each. For the polling task only."""

    def __init__(
        self, member: Member, starts: Starts, metrics: Metrics, is_replay: Callable[[str], bool] = lambda topic: False
    ) -> None:
        """`is_replay` tells whether a topic holds replayed records."""
        self._is_replay = is_replay
        self._replays = Replays()
        self._member = member
        self._starts = starts
        self._metrics = metrics
        self.positions: dict[Partition, int] = {}
        self.trouble: dict[Partition, Trouble] = {}
        self._turns: deque[Partition] = deque()
        self._replay_turns: deque[Partition] = deque()
        self._damaged: dict[Partition, int] = {}  # how often the checksum of what comes next did not fit
        self._record_bytes = 1024.0  # a recent mean, to bound a batch in bytes before reading it
        self._allowed = False  # whether anything was ever read

    def begin(self, partitions: Iterable[Partition]) -> None:
        """These are ours from now on."""
        for partition in sorted(partitions):
            (self._replay_turns if self._is_replay(partition.topic) else self._turns).append(partition)

    def forget(self) -> None:
        """Nothing is ours any more."""
        self.positions.clear()
        self.trouble.clear()
        self._turns.clear()
        self._replay_turns.clear()
        self._damaged.clear()

    async def drain(self, room: int, most_bytes: int, leave: Collection[Partition], busy: bool = False) -> list[Slice]:
        """What has arrived of the partitions whose turn it is, but of none in `leave`.

        Replayed records come last, and only as many as `consumer.yielding` grants.
        """
        kept = self._replays.kept(room) if self._replay_turns else 0
        slices = await self._drain(self._turns, room - kept, most_bytes, leave)
        live = sum(one.count for one in slices)
        if granted := self._replays.granted(room, live, busy, time.monotonic()) if self._replay_turns else 0:
            left = most_bytes - sum(one.size for one in slices)
            slices += await self._drain(self._replay_turns, granted, left, leave)
        return slices

    async def _drain(
        self, turns: deque[Partition], room: int, most_bytes: int, leave: Collection[Partition]
    ) -> list[Slice]:
        epoch, slices = self._member.epoch, list[Slice]()
        turns.rotate(-1)
        for partition in tuple(turns):
            count = min(room, int(most_bytes / self._record_bytes) + 1)
            if room <= 0 or most_bytes <= 0 or self._member.epoch != epoch:
                break
            if partition in leave or self._left_alone(partition):
                continue
            taken = await self._drain_one(partition, count)
            if taken is not None:
                slices.append(taken)
                room -= taken.count
                most_bytes -= self._weigh(taken)
        return slices

    def has_more(self, partition: Partition) -> bool:
        """Whether Kafka said that there is more, without looking into it."""
        position, client = self.positions.get(partition), self._member.client
        if position is None or self._left_alone(partition):
            return False
        try:
            place = TopicPartition(*partition)
            stable, end = client.last_stable_offset(place), client.highwater(place)
        except AssertionError:  # not ours any more
            return False
        reachable = end if stable is None or stable < 0 else stable
        return reachable is not None and reachable > position

    async def unparsed(self, partition: Partition, message: str) -> Slice | None:
        """The next record of the partition, condemned; None if it cannot be had now."""
        return await self._salvaged(partition, lambda at: unparsed(self._member.client, partition, at, message))

    def seek(self, partition: Partition, offset: int) -> None:
        """Read on from there."""
        try:
            self._member.client.seek(TopicPartition(*partition), offset)
            self.positions[partition] = offset
        except IllegalStateError:
            self.positions.pop(partition, None)

    async def _drain_one(self, partition: Partition, count: int) -> Slice | None:
        place = TopicPartition(*partition)
        try:
            got = await self._member.getmany(place, 0, count)
            if partition not in self.positions:
                return None
            end = await self._member.client.position(place)
        except OffsetOutOfRangeError:
            await self._out_of_range(partition)
        except (NoOffsetForPartitionError, IllegalStateError):
            pass  # not ours any more, or not yet
        except FORBIDDEN as error:
            if not self._allowed:
                raise KafkaUnusable(f"Kafka forbids reading {partition.topic!r}: grant READ on it ({error}).") from None
            self._leave_alone(partition, error)
        except (CorruptRecordException, RecordTooLargeError) as error:
            return await self._salvage(partition, error)
        except KafkaError as error:
            self._leave_alone(partition, error)
        except Exception as error:
            return await self._salvage(partition, error)
        else:
            return self._advance(Slice(partition, tuple(map(_record, got)), end))
        return None

    async def _salvage(self, partition: Partition, error: Exception) -> Slice | None:
        """Past what aiokafka cannot read: sound records go on, broken ones are condemned."""
        log.warning("batch is salvaged", partition=str(partition), error=repr(error)[:300])
        last_try = self._damaged.get(partition, 0) + 1 >= CRC_TRIES
        taken = await self._salvaged(partition, lambda at: salvage(self._member.client, partition, at, last_try))
        if taken is not None:
            self._damaged.pop(partition, None)
            self._metrics.add("lineage_salvaged_records_total", len(taken.records), result="sound")
            self._metrics.add("lineage_salvaged_records_total", len(taken.condemned), result="broken")
        return taken

    async def _salvaged(self, partition: Partition, fetch: Callable[[int], Awaitable[Slice]]) -> Slice | None:
        position, epoch = self.positions.get(partition), self._member.epoch
        if position is None:
            return None
        try:
            taken = await fetch(position)
        except DamagedInTransit as error:
            self._damaged[partition] = self._damaged.get(partition, 0) + 1
            self._leave_alone(partition, error, ALONE_SECONDS / 5)
        except (KafkaError, Undecodable, TimeoutError, OSError, ValueError) as error:
            self._leave_alone(partition, error)
        else:
            if self._member.epoch == epoch and self.positions.get(partition) == position:
                self.seek(partition, taken.end)
                self.positions[partition] = position
                return self._advance(taken)
        return None

    def _advance(self, taken: Slice) -> Slice | None:
        if taken.end <= self.positions.get(taken.partition, taken.end):
            return None
        self.positions[taken.partition] = taken.end
        self.trouble.pop(taken.partition, None)
        self._allowed = True
        return taken

    def _leave_alone(self, partition: Partition, error: Exception, seconds: float = ALONE_SECONDS) -> None:
        """A partition that cannot be read waits, and the others go on."""
        log.error("partition cannot be read", partition=str(partition), error=repr(error)[:300])
        self._metrics.add("lineage_fetch_errors_total", topic=partition.topic, partition=str(partition.number))
        now = time.monotonic()
        since = self.trouble[partition].since if partition in self.trouble else now
        self.trouble[partition] = Trouble(since, now + seconds, type(error).__name__)
        if (position := self.positions.get(partition)) is not None:
            self.seek(partition, position)  # aiokafka may have moved on past what it could not read

    async def _out_of_range(self, partition: Partition) -> None:
        if (position := self.positions.get(partition)) is not None:
            try:
                self.seek(partition, await self._starts.after_loss(self._member.client, partition, position))
            except KafkaError as error:
                self._leave_alone(partition, error)

    def _left_alone(self, partition: Partition) -> bool:
        return partition in self.trouble and self.trouble[partition].until > time.monotonic()

    def _weigh(self, taken: Slice) -> int:
        if taken.count:
            self._record_bytes += 0.2 * (max(64.0, taken.size / taken.count) - self._record_bytes)
        return taken.size


def _record(record: ConsumerRecord[bytes, bytes]) -> Record:
    place = Partition(record.topic, record.partition)
    return Record(place, record.offset, record.timestamp, record.key, record.value, tuple(record.headers))

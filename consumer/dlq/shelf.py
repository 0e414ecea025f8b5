"""Reading topics to their ends of now, and single records of them; without a group, so that nobody is disturbed."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from itertools import groupby

from aiokafka import AIOKafkaConsumer
from aiokafka.errors import KafkaError, TopicAuthorizationFailedError
from aiokafka.structs import ConsumerRecord, TopicPartition

from consumer.connection import options, stop
from consumer.errors import KafkaAway, KafkaUnusable
from consumer.raw_batch import Undecodable
from consumer.records import Partition, Record
from consumer.salvage import DamagedInTransit, salvage
from consumer.settings import Settings

Place = tuple[int, int]  # partition and offset
Progress = Callable[[int, int], None]  # records read, records in all

AT_ONCE = 500
WORTH_A_SEEK = 2_000  # so many records that nobody wants are jumped over rather than read
SILENCE = 75  # polls of 200 ms without an answer


class Shelf:
    """A reader of topics; one task at a time."""

    def __init__(self, consumer: AIOKafkaConsumer) -> None:
        self._consumer = consumer

    async def ends(self, topic: str, partitions: Iterable[int]) -> dict[int, tuple[int, int]]:
        """The first offset that is there and the next that will be, by partition. Raises KafkaUnusable."""
        places = [TopicPartition(topic, number) for number in partitions]
        async with _told(topic):
            begins = await self._consumer.beginning_offsets(places)
            ends = await self._consumer.end_offsets(places)
        return {place.partition: (begins[place], ends[place]) for place in places}

    async def everything(
        self, topic: str, partitions: int, read_to: dict[int, int] | None = None, progress: Progress | None = None
    ) -> AsyncIterator[Record]:
        """Every record that is there now, partition by partition.

        `read_to` has the offsets to begin at, by partition, and is kept up to date: the same again gives what is new.
        """
        read_to = {} if read_to is None else read_to
        ends = await self.ends(topic, range(partitions))
        stretches = [(number, max(begin, read_to.get(number, 0)), end) for number, (begin, end) in ends.items()]
        total, done = sum(max(0, end - start) for _, start, end in stretches), 0
        for number, start, end in stretches:
            if start >= end:
                continue
            async for record in self._from(TopicPartition(topic, number), start, end):
                read_to[number] = record.offset + 1
                yield record
                if progress is not None and (at := done + record.offset - start) % AT_ONCE == 0:
                    progress(at, total)
            read_to[number] = end  # behind the last record there may be marks of transactions
            done += end - start
        if progress is not None:
            progress(total, total)

    async def some(self, topic: str, wanted: Iterable[Place]) -> AsyncIterator[Record]:
        """The records at these places, as they lie; one that is not there any more is passed over."""
        for number, places in groupby(sorted(wanted), key=lambda place: place[0]):
            offsets = [offset for _, offset in places]
            begin, end = (await self.ends(topic, [number]))[number]
            for stretch in _stretches([offset for offset in offsets if begin <= offset < end]):
                left = set(stretch)
                async for record in self._from(TopicPartition(topic, number), stretch[0], stretch[-1] + 1):
                    if record.offset in left:
                        yield record

    async def _from(self, place: TopicPartition, position: int, end: int) -> AsyncIterator[Record]:
        self._consumer.assign([place])
        self._consumer.seek(place, position)
        silent = 0
        while position < end:
            try:
                got = (await self._consumer.getmany(place, timeout_ms=200, max_records=AT_ONCE)).get(place, [])
                records, position = [_record(one) for one in got], await self._consumer.position(place)
            except Exception as error:  # what aiokafka cannot read raises anything
                records, position = await self._salvaged(place, position, error)
            silent = 0 if records else silent + 1
            if silent > SILENCE:
                raise KafkaAway(f"Kafka gives nothing of {place.topic}-{place.partition} at {position}. Try again.")
            for record in records:
                if record.offset < end:
                    yield record
        self._consumer.unsubscribe()  # else it goes on asking for more, and every other question waits for that

    async def _salvaged(self, place: TopicPartition, position: int, error: Exception) -> tuple[list[Record], int]:
        """The records of a batch that cannot be read as a whole, and where to go on."""
        if isinstance(error, TopicAuthorizationFailedError):
            raise KafkaUnusable(f"Kafka forbids reading {place.topic!r}. Grant READ on it.") from None
        try:
            taken = await salvage(self._consumer, Partition(*place), position, last_try=True)
        except (KafkaError, Undecodable, DamagedInTransit, TimeoutError, OSError, ValueError):
            raise KafkaAway(f"{place.topic}-{place.partition} cannot be read at {position}: {error!r}"[:300]) from None
        self._consumer.seek(place, taken.end)
        return [*taken.records, *(one.record for one in taken.condemned)], taken.end


def _stretches(offsets: list[int]) -> list[list[int]]:
    stretches: list[list[int]] = []
    for offset in offsets:
        if stretches and offset - stretches[-1][-1] < WORTH_A_SEEK:
            stretches[-1].append(offset)
        else:
            stretches.append([offset])
    return stretches


@asynccontextmanager
async def _told(topic: str) -> AsyncIterator[None]:
    try:
        async with asyncio.timeout(30):
            yield
    except TopicAuthorizationFailedError:
        raise KafkaUnusable(f"Kafka forbids reading {topic!r}. Grant READ and DESCRIBE on it.") from None
    except (KafkaError, TimeoutError) as error:
        raise KafkaAway(f"Kafka does not tell how far {topic!r} goes ({type(error).__name__}). Try again.") from None


@asynccontextmanager
async def open_shelf(settings: Settings) -> AsyncIterator[Shelf]:
    """A reader that lasts as long as this. Raises KafkaAway."""
    consumer = AIOKafkaConsumer(
        **options(settings),
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        isolation_level="read_committed",
        max_partition_fetch_bytes=4 * 2**20,
        fetch_max_wait_ms=50,
    )
    try:
        await consumer.start()
    except KafkaError as error:
        await stop(consumer)
        raise KafkaAway(f"Kafka has become unreachable ({error}). Try again.") from None
    try:
        yield Shelf(consumer)
    finally:
        await stop(consumer)


def _record(record: ConsumerRecord[bytes, bytes]) -> Record:
    place = Partition(record.topic, record.partition)
    return Record(place, record.offset, record.timestamp, record.key, record.value, tuple(record.headers))

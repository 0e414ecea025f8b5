"""Salvage: a batch that aiokafka cannot read is fetched raw, taken apart, and what is broken in it condemned.

Also the way to a record that must not be parsed in the ordinary way: what is fetched raw is decompressed only
within bounds.
"""

from __future__ import annotations

import asyncio
from typing import Any

from aiokafka import AIOKafkaConsumer
from aiokafka.errors import KafkaError, for_code
from aiokafka.protocol.fetch import FetchRequest
from aiokafka.structs import TopicPartition

from consumer.raw_batch import Broken, Incomplete, RawBatch, Undecodable, batch_at
from consumer.records import Condemned, Partition, Record, Slice

PATIENCE = 15.0
READ_COMMITTED = 1
ENOUGH = 2**20, 256 * 2**20  # bytes to ask for: usually, and when a batch is larger


class DamagedInTransit(Exception):
    """The checksum does not fit; the next fetch, perhaps from another replica, may be sound."""


async def salvage(client: AIOKafkaConsumer, partition: Partition, position: int, last_try: bool) -> Slice:
    """The batch at this position. Raises KafkaError, TimeoutError, Undecodable, DamagedInTransit (not at the last)."""
    batch, aborted = await _fetch(client, partition, position)
    if batch.is_control or (batch.is_transactional and batch.producer_id in aborted):
        return Slice(partition, (), batch.end)
    if not batch.crc_fits and not last_try:
        raise DamagedInTransit(f"{partition} at {position}: the checksum of the batch does not fit")
    return await asyncio.to_thread(_take_apart, batch, partition, position)


async def unparsed(client: AIOKafkaConsumer, partition: Partition, position: int, message: str) -> Slice:
    """The next record, condemned for having killed its readers. Raises what `salvage` raises."""
    slice_ = await salvage(client, partition, position, last_try=True)
    every = [one.record for one in slice_.condemned] + list(slice_.records)
    if not every:
        return slice_
    record = min(every, key=lambda one: one.offset)
    alone = slice_.count == 1  # it may stand for a batch that cannot be decompressed
    end = slice_.end if alone else record.offset + 1
    return Slice(partition, (), end, (Condemned(record, "crash", message),))


async def _fetch(client: AIOKafkaConsumer, partition: Partition, position: int) -> tuple[RawBatch, set[int]]:
    """The batch and the producers whose transaction around it was aborted."""
    for most in ENOUGH:
        content, aborted = await _raw(client, partition, position, most)
        try:
            batch = batch_at(content, position)
        except Incomplete:
            continue
        return batch, {producer for producer, first in aborted if first <= batch.base_offset}
    raise Undecodable(f"{partition} at {position}: Kafka gives no whole batch")


async def _raw(
    client: AIOKafkaConsumer, partition: Partition, position: int, most: int
) -> tuple[bytes, list[tuple[int, int]]]:
    leader = client._client.cluster.leader_for_partition(TopicPartition(*partition))
    if leader is None or leader < 0:
        raise KafkaError(f"{partition} has no leader now")
    asked = [(partition.topic, [(partition.number, position, most)])]
    async with asyncio.timeout(PATIENCE):
        response: Any = await client._client.send(leader, FetchRequest(500, 1, most, READ_COMMITTED, asked))
    ((_, ((_, code, _, *rest),)),) = response.topics
    if code:
        raise for_code(code)(f"{partition} at {position}")
    # …, aborted transactions, (preferred replica from version 11 on), records
    aborted = rest[-3 if response.API_VERSION >= 11 else -2] or []
    return bytes(rest[-1] or b""), [(producer, first) for producer, first in aborted]


def _take_apart(batch: RawBatch, partition: Partition, position: int) -> Slice:
    try:
        every = list(batch.records(partition))
    except Undecodable as error:
        why = f"The batch of offsets {batch.base_offset} to {batch.end - 1} cannot be read: {error}."
        whole = Record(partition, max(position, batch.base_offset), batch.most_timestamp, None, batch.content)
        return Slice(partition, (), batch.end, (Condemned(whole, "corrupt_batch", why),))
    good: list[Record] = []
    condemned: list[Condemned] = []
    for one in every:
        if isinstance(one, Broken):  # where it stands is a guess; rather twice than not at all
            broken = Record(partition, max(one.offset, position), batch.most_timestamp, None, one.content)
            condemned.append(Condemned(broken, "corrupt_record", "The record cannot be taken apart."))
        elif one.offset < position:
            continue
        elif not batch.crc_fits:
            condemned.append(Condemned(one, "corrupt_batch", "The checksum of its batch does not fit."))
        else:
            good.append(one)
    return Slice(partition, tuple(good), batch.end, tuple(condemned))

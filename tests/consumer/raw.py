"""Record batches made by hand, whole or damaged, and the way to put them into a topic as they are."""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence
from typing import Any

import cramjam
from aiokafka.client import AIOKafkaClient
from aiokafka.protocol.produce import ProduceRequest
from aiokafka.record.util import calc_crc32c
from aiokafka.structs import TopicPartition

from consumer.settings import Settings

Header = tuple[bytes, bytes | None]
COMPRESS: dict[int, Callable[[bytes], bytes]] = {
    0: lambda content: content,
    1: lambda content: bytes(cramjam.gzip.compress(content)),
    2: lambda content: bytes(cramjam.snappy.compress_raw(content)),
    3: lambda content: bytes(cramjam.lz4.compress(content)),
    4: lambda content: bytes(cramjam.zstd.compress(content)),
}
STAMP = 1_795_000_000_000


def varint(number: int) -> bytes:
    """A zigzag number."""
    rest, made = (number << 1) ^ (number >> 63), bytearray()
    while rest > 0x7F:
        made.append(rest & 0x7F | 0x80)
        rest >>= 7
    return bytes([*made, rest])


def sized(content: bytes | None) -> bytes:
    """Bytes behind their length."""
    return varint(-1) if content is None else varint(len(content)) + content


def record(delta: int, key: bytes | None, value: bytes | None, headers: Sequence[Header] = ()) -> bytes:
    """One record of a batch; it is `delta` after the batch's first."""
    parts = b"".join(sized(name) + sized(content) for name, content in headers)
    return sized(b"\0" + varint(delta) + varint(delta) + sized(key) + sized(value) + varint(len(headers)) + parts)


def batch(
    records: Sequence[bytes], codec: int = 0, damage: bool = False, content: bytes | None = None, base: int = 0
) -> bytes:
    """A batch of these; `damage` flips a bit behind its checksum, `content` replaces what should be compressed."""
    inner = COMPRESS[codec](b"".join(records)) if content is None else content
    last = len(records) - 1
    body = struct.pack(">hiqqqhii", codec, last, STAMP, STAMP + last, -1, -1, -1, len(records)) + inner
    crc = calc_crc32c(body)
    if damage:
        body = body[:-3] + bytes([body[-3] ^ 0x40]) + body[-2:]
    return struct.pack(">qiibI", base, len(body) + 9, 0, 2, crc) + body


async def put(settings: Settings, topic: str, partition: int, content: bytes) -> int:
    """Produce these bytes as they are; the offset of the first record."""
    client = AIOKafkaClient(bootstrap_servers=list(settings.kafka_bootstrap_servers))
    await client.bootstrap()
    try:
        client.add_topic(topic)
        await client.force_metadata_update()
        leader = client.cluster.leader_for_partition(TopicPartition(topic, partition))
        await client.ready(leader)
        request = ProduceRequest(None, 1, 10_000, [(topic, [(partition, content)])])
        response: Any = await client.send(leader, request)
        ((_, ((_, code, offset, *_),)),) = response.topics
        assert code == 0, f"Kafka refused the batch: {code}"
        return int(offset)
    finally:
        await client.close()

"""Record batches read with tolerance: what aiokafka refuses as a whole is taken apart record by record here. Pure.

Only what damage can reach is written anew: the frame (message format 2), bounded decompression, and records,
each behind its own length, so that a bad one costs itself.
"""

from __future__ import annotations

import mmap
import struct
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import cramjam
from aiokafka.record.util import calc_crc32c

from consumer.records import Headers, Partition, Record

_FRAME = struct.Struct(">qii")  # base offset, length of all that follows, leader epoch
_HEADER = struct.Struct(">qiibIhiqqqhii")
_CRC_FROM = 21
_CODEC, _LOG_APPEND_TIME, _TRANSACTIONAL, _CONTROL = 0x07, 0x08, 0x10, 0x20
_XERIAL = b"\x82SNAPPY\x00"

MOST_BYTES = 128 * 2**20  # what one batch may become when decompressed


class Incomplete(Exception):
    """Fewer bytes than the batch has."""


class Undecodable(Exception):
    """The records of a batch cannot be reached; the message says why and holds no content."""


@dataclass(frozen=True, slots=True)
class Broken:
    """A record that cannot be read: the offset after the record before it, and its bytes."""

    offset: int
    content: bytes


@dataclass(frozen=True, slots=True)
class RawBatch:
    """One batch as it stands in the log."""

    content: bytes
    base_offset: int
    end: int
    crc_fits: bool
    attributes: int
    first_timestamp: int
    most_timestamp: int
    producer_id: int
    count: int

    @property
    def is_control(self) -> bool:
        """Whether it is a marker of a transaction, and no data."""
        return bool(self.attributes & _CONTROL)

    @property
    def is_transactional(self) -> bool:
        """Whether a transaction decides if it counts."""
        return bool(self.attributes & _TRANSACTIONAL)

    def records(self, partition: Partition, most_bytes: int = MOST_BYTES) -> Iterator[Record | Broken]:
        """Each record or what is left of it. Raises Undecodable."""
        codec = self.attributes & _CODEC
        decompress = _CODECS.get(codec)
        if decompress is None:
            raise Undecodable(f"codec {codec} is not known")
        try:
            content = decompress(self.content[_HEADER.size :], most_bytes)
        except Undecodable:
            raise
        except Exception as error:
            raise Undecodable(f"{_NAMES[codec]}: {type(error).__name__}") from None
        position, guess = 0, self.base_offset
        for _ in range(self.count):
            try:
                length, start = _varint(content, position)
                if length < 0 or start + length > len(content):
                    raise ValueError("record reaches beyond its batch")
            except (ValueError, IndexError):
                yield Broken(guess, content[position:])  # where the next would begin is not known either
                return
            body, position = content[start : start + length], start + length
            try:
                one: Record | Broken = self._record(partition, body)
            except (ValueError, IndexError):
                one = Broken(guess, body)
            guess = one.offset + 1
            yield one

    def _record(self, partition: Partition, body: bytes) -> Record:
        delta, at = _varint(body, 1)
        offset, at = _varint(body, at)
        key, at = _sized(body, at)
        value, at = _sized(body, at)
        count, at = _varint(body, at)
        headers = []
        for _ in range(count):
            name, at = _sized(body, at)
            content, at = _sized(body, at)
            if name is None:
                raise ValueError("header without a name")
            headers.append((_text(name), content))
        if at != len(body):
            raise ValueError("record of another length than it says")
        stamp = self.most_timestamp if self.attributes & _LOG_APPEND_TIME else self.first_timestamp + delta
        made: Headers = tuple(headers)
        return Record(partition, self.base_offset + offset, stamp, key, value, made)


def batch_at(content: bytes, offset: int) -> RawBatch:
    """The first batch that reaches beyond the offset. Raises Incomplete, Undecodable."""
    start = 0
    while True:
        if len(content) - start < _FRAME.size:
            raise Incomplete
        base, length, _ = _FRAME.unpack_from(content, start)
        stop = start + 12 + length
        if length < _HEADER.size - 12:
            raise Undecodable("the batch is shorter than its own header")
        if stop > len(content):
            raise Incomplete
        one = _batch(content[start:stop], base)
        if one.end > offset:
            return one
        start = stop


def _batch(content: bytes, base: int) -> RawBatch:
    _, _, _, magic, crc, attributes, last, first_time, most_time, producer, _, _, count = _HEADER.unpack_from(content)
    if magic != 2 or last < 0:
        raise Undecodable(f"message format {magic} cannot be taken apart")
    fits = calc_crc32c(content[_CRC_FROM:]) == crc
    return RawBatch(content, base, base + last + 1, fits, attributes, first_time, most_time, producer, count)


def _varint(content: bytes, at: int) -> tuple[int, int]:
    """A zigzag number of at most 64 bits, and where the next thing begins."""
    result, shift = 0, 0
    while shift < 70:
        byte = content[at]
        at += 1
        result |= (byte & 0x7F) << shift
        if not byte & 0x80:
            return (result >> 1) ^ -(result & 1), at
        shift += 7
    raise ValueError("number without an end")


def _sized(content: bytes, at: int) -> tuple[bytes | None, int]:
    length, at = _varint(content, at)
    if length < 0:
        return None, at
    if at + length > len(content):
        raise ValueError("content reaches beyond its record")
    return content[at : at + length], at + length


def _text(name: bytes) -> str:
    """Kafka puts no encoding on the names of headers; what is not UTF-8 is shown in hexadecimal."""
    try:
        return name.decode("utf-8")
    except UnicodeDecodeError:
        return f"hex:{name.hex()}"


def _gzip(content: bytes, most: int) -> bytes:
    machine = zlib.decompressobj(16 + zlib.MAX_WBITS)
    made = machine.decompress(content, most + 1)
    if len(made) > most:
        raise Undecodable(f"more than {most} bytes when decompressed")
    if not machine.eof:
        raise Undecodable("gzip: it ends too early")
    return made


def _into(decompress: Callable[[bytes, mmap.mmap], int]) -> Callable[[bytes, int], bytes]:
    def bounded(content: bytes, most: int) -> bytes:
        try:
            with mmap.mmap(-1, most) as room:  # pages that are not written to cost nothing
                return room[: decompress(content, room)]
        except cramjam.DecompressionError as error:
            if "whole buffer" in str(error):
                raise Undecodable(f"more than {most} bytes when decompressed") from None
            raise

    return bounded


def _snappy(content: bytes, most: int) -> bytes:
    blocks = list(_xerial(content)) if content.startswith(_XERIAL) else [content]
    if sum(cramjam.snappy.decompress_raw_len(block) for block in blocks) > most:
        raise Undecodable(f"more than {most} bytes when decompressed")
    return b"".join(bytes(cramjam.snappy.decompress_raw(block)) for block in blocks)


def _xerial(content: bytes) -> Iterator[bytes]:
    at = 16
    while at < len(content):
        (length,) = struct.unpack_from(">i", content, at)
        if length <= 0:
            raise Undecodable("snappy: a block without a length")
        yield content[at + 4 : at + 4 + length]
        at += 4 + length


_NAMES = ("none", "gzip", "snappy", "lz4", "zstd")
_CODECS: dict[int, Callable[[bytes, int], bytes]] = {
    0: lambda content, most: content,
    1: _gzip,
    2: _snappy,
    3: _into(cramjam.lz4.decompress_into),
    4: _into(cramjam.zstd.decompress_into),
}

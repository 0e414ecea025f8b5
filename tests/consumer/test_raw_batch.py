"""The tolerant reader of record batches: as aiokafka's own where all is well, and never worse than `Undecodable`."""

from __future__ import annotations

import struct
import tracemalloc
from contextlib import suppress
from typing import Any

import pytest
from aiokafka.record.memory_records import MemoryRecords
from hypothesis import given, settings
from hypothesis import strategies as st

from consumer.raw_batch import Broken, Incomplete, Undecodable, batch_at
from consumer.records import Partition, Record
from tests.consumer.raw import COMPRESS, batch, record

PLACE = Partition("t", 0)
some_bytes = st.none() | st.binary(max_size=40)
headers = st.lists(st.tuples(st.text(max_size=8).map(str.encode), some_bytes), max_size=3)
rows = st.lists(st.tuples(some_bytes, some_bytes, headers), min_size=1, max_size=6)


def made(content: bytes, most_bytes: int = 2**20) -> list[Record | Broken]:
    return list(batch_at(content, 0).records(PLACE, most_bytes))


@settings(max_examples=60, deadline=None)
@given(rows, st.sampled_from(sorted(COMPRESS)), st.integers(0, 2**40))
def test_sound_batches_are_read_as_aiokafka_reads_them(rows: list[Any], codec: int, base: int) -> None:
    content = batch([record(n, *row) for n, row in enumerate(rows)], codec, base=base)
    one = batch_at(content, base)
    assert one.crc_fits
    theirs = list(MemoryRecords(content).next_batch())
    assert [(r.offset, r.timestamp, r.key, r.value, tuple(r.headers)) for r in theirs] == [
        (r.offset, r.timestamp, r.key, r.value, r.headers) for r in one.records(PLACE) if isinstance(r, Record)
    ]


@settings(deadline=None)
@given(st.binary(min_size=1, max_size=300), st.integers(0, 250), st.sampled_from(sorted(COMPRESS)))
def test_whatever_is_damaged_nothing_else_is_raised(noise: bytes, at: int, codec: int) -> None:
    content = bytearray(batch([record(n, b"key", b"value" * 5, [(b"h", b"x")]) for n in range(5)], codec))
    content[61 + at : 61 + at + len(noise)] = noise[: max(0, len(content) - 61 - at)]
    with suppress(Undecodable, Incomplete):
        assert len(made(bytes(content))) <= 5


@given(st.binary(max_size=200))
def test_noise_instead_of_a_batch_is_undecodable_or_incomplete(noise: bytes) -> None:
    with suppress(Undecodable, Incomplete):
        batch_at(noise, 0)


def test_the_batch_is_found_that_reaches_beyond_the_offset() -> None:
    two = batch([record(0, b"k", b"a")], base=7) + batch([record(0, b"k", b"b")], base=8)
    assert (batch_at(two, 7).base_offset, batch_at(two, 8).base_offset) == (7, 8)
    with pytest.raises(Incomplete):
        batch_at(two[:-1], 8)


@pytest.mark.parametrize("codec", [1, 2, 3, 4])
def test_a_bomb_is_refused_before_it_unfolds(codec: int) -> None:
    bomb = batch([record(0, None, b"\0" * 32 * 2**20)], codec)
    assert len(bomb) < 2 * 2**20
    tracemalloc.start()
    try:
        with pytest.raises(Undecodable, match="more than 1048576 bytes"):
            made(bomb)
        assert tracemalloc.get_traced_memory()[1] < 8 * 2**20
    finally:
        tracemalloc.stop()


def test_a_snappy_block_without_a_length_does_not_hang_us() -> None:
    content = b"\x82SNAPPY\x00" + struct.pack(">ii", 1, 1) + struct.pack(">i", -4) + b"xxxx"
    with pytest.raises(Undecodable, match="block without a length"):
        made(batch([record(0, None, b"x")], 2, content=content))


def test_a_record_that_reaches_too_far_takes_the_rest_with_it() -> None:
    good = record(0, b"k", b"v")
    one, rest = made(batch([good, b"\xff\x7f" + b"rest"]))
    assert isinstance(one, Record)
    assert rest == Broken(1, b"\xff\x7frest")


def test_the_offsets_of_a_compacted_batch_have_holes() -> None:
    content = batch([record(0, b"k", b"v"), record(6, b"k", b"v")])
    assert [one.offset for one in made(content)] == [0, 6]

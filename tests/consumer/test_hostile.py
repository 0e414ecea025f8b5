"""Hostile input, row by row: each ends as a dead letter with its reason, a skip, or an event that lost only a facet.

None of it stalls the event loop, on which the heartbeats of the group live, and none takes memory without bound.
"""

from __future__ import annotations

import asyncio
import gzip
import json
import threading
import tracemalloc
from dataclasses import dataclass, field

import cramjam
import pytest

from consumer.batch import LARGE, Good, Reader, Skip
from consumer.deadletters import DeadLetter
from consumer.records import Partition, Record
from lineagegraph.naming import Naming
from tests.consumer.fakes import event, record, rig, runs

P0 = Partition("t", 0)
READER = Reader(Naming.load(None))
FRAME = b"\x00\x00\x00\x00\x2a"
GOOD = event(1)
DEEP = b'{"a":' * 5_000 + b"1" + b"}" * 5_000
BOMB = gzip.compress(b"\0" * 64 * 2**20)


def with_raw(member: bytes) -> bytes:
    """A good event with one more member, which may be no JSON at all."""
    return GOOD[:-1] + b"," + member + b"}"


def in_facet(member: bytes) -> bytes:
    """A good event with this text as the value of a run facet that nobody knows."""
    return GOOD.replace(b'"runId": "run-1"', b'"runId": "run-1", "facets": {"odd": ' + member + b"}")


def read(value: bytes | None, reader: Reader = READER) -> Good | DeadLetter | Skip:
    return reader.read(record(P0, 7, value))


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        pytest.param(b"x" * (4 * 2**20 + 1), "too_large", id="more than 4 MiB"),
        pytest.param(b"", "empty_value", id="nothing"),
        pytest.param(b"null", "not_object", id="null"),
        pytest.param(b"[" + GOOD + b"]", "not_object", id="a list of events"),
        pytest.param(DEEP, "json_depth", id="nested 5,000 deep"),
        pytest.param(b"[" * 100_000, "json_depth", id="nested 100,000 deep, unclosed"),
        pytest.param(in_facet(DEEP), "json_depth", id="nested deep in a facet"),
        pytest.param(GOOD.decode().encode("utf-16"), "encoding", id="UTF-16"),
        pytest.param(b"\xef\xbb\xbf" + GOOD, "encoding", id="a byte order mark"),
        pytest.param(GOOD.replace(b"table", b"t\xffble"), "encoding", id="a byte that is not UTF-8"),
        pytest.param(in_facet(b'"\\ud800"'), "encoding", id="a lone surrogate"),
        pytest.param(in_facet(b"NaN"), "json_syntax", id="NaN"),
        pytest.param(in_facet(b"Infinity"), "json_syntax", id="Infinity"),
        pytest.param(in_facet(b"1e999"), "json_syntax", id="a number beyond all doubles"),
        pytest.param(in_facet(b"9" * 100_000), "json_syntax", id="an integer of 100,000 digits"),
        pytest.param(GOOD.replace(b"table", b"ta\\u0000ble"), "names", id="NUL in a name"),
        pytest.param(GOOD.replace(b"table", b"ta\\u001fble"), "names", id="a control character in a name"),
        pytest.param(GOOD.replace(b'"table"', b'"  "'), "names", id="a blank name"),
        pytest.param(GOOD.replace(b"table", b"t" * 3_000), "limits", id="a name of 3,000 bytes"),
        pytest.param(FRAME + b"\x02avro", "framed", id="an Avro value behind a registry's frame"),
        pytest.param(BOMB, "encoding", id="a gzip bomb in the value"),
        pytest.param(bytes(cramjam.zstd.compress(GOOD)), "encoding", id="a zstd value"),
        pytest.param(event(1, eventType="EXPLODE"), "event_type", id="an unknown event type"),
        pytest.param(event(1, eventTime="0001-01-01T00:00:00Z"), "event_time", id="a time long ago"),
        pytest.param(event(1, eventTime="9999-12-31T23:59:59Z"), "event_time", id="a time far ahead"),
        pytest.param(event(1, run="x"), "envelope", id="a run that is a text"),
        pytest.param(event(1, job=None), "envelope", id="a run without a job"),
        pytest.param(
            event(1, inputs=[{"namespace": "n", "name": f"t{n}"} for n in range(10_001)]), "limits", id="10,001 inputs"
        ),
        pytest.param(
            event(
                1, outputs=[{"namespace": "n", "name": "t", "facets": {"schema": {"fields": [{"name": "c"}] * 50_001}}}]
            ),
            "limits",
            id="50,001 columns",
        ),
    ],
)
def test_is_a_dead_letter_with_its_reason(value: bytes, reason: str) -> None:
    result = read(value)
    assert isinstance(result, DeadLetter)
    assert (result.reason, result.disposition) == (reason, "malformed")
    assert len(result.message) < 500


@pytest.mark.parametrize(
    "value",
    [
        pytest.param(with_raw(b'"producer": "https://example.org/second"'), id="a duplicate key: the last one counts"),
        pytest.param(with_raw(b'"strange": {"deep": [1, 2, 3]}'), id="members that nobody knows"),
        pytest.param(in_facet(b"18446744073709551616"), id="an integer beyond 64 bits"),
        pytest.param(in_facet(b"9007199254740993"), id="an integer beyond the doubles"),
        pytest.param(in_facet(b'"\\u0000"'), id="NUL in a facet"),
        pytest.param(in_facet(b"[" + b"[]," * 300_000 + b"[]]"), id="300,000 empty lists in a facet"),
        pytest.param(FRAME + GOOD, id="JSON behind a registry's frame"),
        pytest.param(b" \n\t" + GOOD + b"\n ", id="white space around"),
        pytest.param(json.dumps(json.loads(GOOD), ensure_ascii=True).replace("table", "t\\u00e4ble").encode(), id="ä"),
    ],
)
def test_is_an_event_all_the_same(value: bytes) -> None:
    result = read(value)
    assert isinstance(result, Good)
    assert runs(result.facts) == {"run-1"}


def test_a_record_without_a_key_and_headers_without_values_are_accepted() -> None:
    bare = Record(P0, 7, -1, None, GOOD, (("h", None), ("h", b"\xff")))
    assert isinstance(READER.read(bare), Good)


def test_a_tombstone_is_a_counted_skip() -> None:
    assert read(None) == Skip(record(P0, 7, None), "tombstone")


def test_a_bomb_in_a_value_is_never_unfolded() -> None:
    tracemalloc.start()
    try:
        assert isinstance(read(BOMB), DeadLetter)
        assert tracemalloc.get_traced_memory()[1] < 2 * 2**20
    finally:
        tracemalloc.stop()


@dataclass(frozen=True, slots=True)
class Waiting(Reader):
    """Reads a large record only once the event loop has shown that it still turns."""

    turned: threading.Event = field(default_factory=threading.Event)
    on_the_loop: list[bool] = field(default_factory=list)

    def read(self, record: Record, horizon: int = 0) -> Good | DeadLetter | Skip:
        large = len(record.value or b"") > LARGE
        if large:
            assert self.turned.wait(20), "the event loop stands still while a large event is read"
        self.on_the_loop.append(threading.current_thread() is threading.main_thread())
        return Reader.read(self, record)


def test_an_event_of_4_mib_is_read_beside_the_event_loop() -> None:
    huge = in_facet(b'"' + b"x" * (4 * 2**20 - 1000) + b'"')
    one = rig({0: [event(0), huge]})
    waiting = Waiting(Naming.load(None))
    one.worker.delivery._reader = waiting

    async def scenario() -> None:
        running = asyncio.create_task(one.run_until(one.finished, seconds=30))
        await asyncio.sleep(0.1)
        asyncio.get_running_loop().call_later(0.05, waiting.turned.set)
        await running

    asyncio.run(scenario())
    assert waiting.on_the_loop == [True, False]
    assert one.store.durable() == {"run-0", "run-1"}


def test_all_of_it_together_is_accounted_for() -> None:
    values = [
        GOOD,
        None,
        b"",
        DEEP,
        BOMB,
        in_facet(b"NaN"),
        FRAME + GOOD,
        GOOD.replace(b"table", b"t\xffble"),
        event(2),
    ]
    one = rig({0: values})
    asyncio.run(one.run_until(one.finished))
    assert one.accounts() == {"received": 9, "written": 3, "dead": 5, "skipped": 1, "given_up": 0}

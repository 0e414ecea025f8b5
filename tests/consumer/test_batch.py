"""One record to facts, dead letter or skip."""

from __future__ import annotations

from dataclasses import replace

import pytest

from consumer.batch import Good, Reader, Skip
from consumer.deadletters import DeadLetter
from consumer.records import Partition, Record
from lineagegraph.naming import Naming
from tests.consumer.fakes import TIME, event, record, runs

PLACE = Partition("t", 0)
READER = Reader(Naming.load(None), max_event_bytes=100_000)
FRAME = b"\x00\x00\x00\x00\x2a"


def read(value: bytes | None, reader: Reader = READER) -> Good | DeadLetter | Skip:
    return reader.read(record(PLACE, 7, value))


def test_a_good_event_becomes_facts() -> None:
    result = read(event(3))
    assert isinstance(result, Good)
    assert runs(result.facts) == {"run-3"}


@pytest.mark.parametrize(
    ("value", "reason", "pointer"),
    [
        (b"", "empty_value", ""),
        (b"{", "json_syntax", ""),
        (b"[1]", "not_object", ""),
        (b"\xff\xfe{}", "encoding", ""),
        (b"{}", "envelope", "/eventTime"),
        (event(1, eventTime="yesterday"), "event_time", "/eventTime"),
        (event(1, eventTime="1999-12-31T00:00:00Z"), "event_time", "/eventTime"),
        (event(1, eventTime="2026-11-30T00:00:00Z"), "event_time", "/eventTime"),
        (b"x" * 100_001, "too_large", ""),
        (FRAME + b"not json", "framed", ""),
        (FRAME + b"{}", "envelope", "/eventTime"),
    ],
)
def test_what_is_no_event_is_a_dead_letter(value: bytes, reason: str, pointer: str) -> None:
    result = read(value)
    assert isinstance(result, DeadLetter)
    assert (result.reason, result.pointer, result.disposition) == (reason, pointer, "malformed")


def test_an_event_may_be_dated_up_to_a_day_after_its_record() -> None:
    day = Record(PLACE, 0, TIME, None, event(1, eventTime="2026-11-18T23:00:00Z"))
    assert isinstance(READER.read(day), Good)
    assert isinstance(READER.read(replace(day, timestamp=TIME - 48 * 3_600_000)), DeadLetter)
    assert isinstance(READER.read(replace(day, timestamp=-1)), Good), "a record without a time says nothing"


def test_a_schema_registry_frame_is_stripped() -> None:
    result = read(FRAME + event(5))
    assert isinstance(result, Good)
    assert runs(result.facts) == {"run-5"}


def test_a_tombstone_is_a_skip_or_a_dead_letter() -> None:
    assert read(None) == Skip(record(PLACE, 7, None), "tombstone")
    buried = read(None, replace(READER, on_tombstone="dead_letter"))
    assert isinstance(buried, DeadLetter)
    assert buried.reason == "tombstone"


def test_a_bad_facet_costs_only_itself() -> None:
    result = read(event(1, run={"runId": "run-1", "facets": {"parent": {"run": 5}}}))
    assert isinstance(result, Good)
    assert [bad.facet for bad in result.bad_facets] == ["parent"]

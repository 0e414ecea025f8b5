"""Reading dead letters back: ours, and those of other frameworks as their sources document them."""

from __future__ import annotations

import struct
from dataclasses import replace

import pytest

from consumer.dlq.edit_note import EditNote, shortened
from consumer.dlq.letters import as_it_came, letter
from consumer.records import Headers, Partition, Record
from tests.consumer.dlq.made import LETTERS, buried, source
from tests.consumer.fakes import TIME, event

TRACE: Headers = (("trace", b"\xff"),)


def test_our_own_letter_tells_everything() -> None:
    record = source(5, headers=TRACE)
    told = letter(buried(record, 9, "names", pointer="/job/name", message="is empty", producer="https://p"))
    assert (told.id, told.source, told.offset) == ("events-2-5", Partition("events", 2), 5)
    assert (told.place, told.at, told.dialect) == (Partition(LETTERS, 2), 9, "lineagegraph")
    assert (told.reason, told.pointer, told.message, told.producer) == ("names", "/job/name", "is empty", "https://p")
    assert (told.namespace, told.job, told.event_type, told.key) == ("test", "job-5", "COMPLETE", "k")
    assert (told.attempts, told.stated_at, told.failed_at, told.kept) == (1, TIME, TIME + 1000, "present")
    assert (told.group, told.worker_version, told.edits) == ("lineagegraph", "1.2.3", 0)
    assert as_it_came(buried(record, 9)) == TRACE


OTHERS: dict[str, Headers] = {
    "spring": (
        ("kafka_dlt-original-topic", b"orders"),
        ("kafka_dlt-original-partition", struct.pack(">i", 3)),
        ("kafka_dlt-original-offset", struct.pack(">q", 42)),
        ("kafka_dlt-original-timestamp", struct.pack(">q", TIME)),
        ("kafka_dlt-original-consumer-group", b"billing"),
        ("kafka_dlt-exception-fqcn", b"org.springframework.kafka.listener.ListenerExecutionFailedException"),
        ("kafka_dlt-exception-cause-fqcn", b"org.acme.BadOrder"),
        ("kafka_dlt-exception-message", b"no price"),
        ("retry_topic-attempts", struct.pack(">i", 4)),
    ),
    "streams": (
        ("__streams.errors.topic", b"orders"),
        ("__streams.errors.partition", b"3"),
        ("__streams.errors.offset", b"42"),
        ("__streams.errors.exception", b"org.acme.BadOrder"),
        ("__streams.errors.message", b"no price"),
        ("__streams.errors.stacktrace", b"at org.acme"),
    ),
    "share": (
        ("__dlq.errors.topic", b"orders"),
        ("__dlq.errors.partition", b"3"),
        ("__dlq.errors.offset", b"42"),
        ("__dlq.errors.group", b"billing"),
        ("__dlq.errors.delivery.count", b"4"),
        ("__dlq.errors.message", b"no price"),
    ),
    "connect": (
        ("__connect.errors.topic", b"orders"),
        ("__connect.errors.partition", b"3"),
        ("__connect.errors.offset", b"42"),
        ("__connect.errors.exception.class.name", b"org.acme.BadOrder"),
        ("__connect.errors.exception.message", b"no price"),
        ("__connect.errors.stage", b"VALUE_CONVERTER"),
    ),
}


@pytest.mark.parametrize("dialect", OTHERS)
def test_letters_of_other_frameworks_are_understood(dialect: str) -> None:
    record = Record(Partition("dead", 1), 7, TIME + 5, b"k", event(1), TRACE + OTHERS[dialect])
    told = letter(record)
    assert told.dialect == dialect
    assert (told.id, told.source, told.offset) == ("orders-3-42", Partition("orders", 3), 42)
    assert told.message == "no price"
    assert told.reason == ("unknown" if dialect == "share" else "BadOrder")
    assert told.attempts == (4 if dialect in ("spring", "share") else 1)
    assert told.group == ("billing" if dialect in ("spring", "share") else "")
    assert told.stated_at == (TIME if dialect == "spring" else -1)
    assert (told.failed_at, told.job) == (TIME + 5, "job-1")
    assert as_it_came(record) == TRACE


def test_causes_are_told_apart_in_every_dialect() -> None:
    record = Record(Partition("dead", 1), 7, TIME, b"k", b"x", OTHERS["streams"])
    other = replace(record, headers=(*OTHERS["streams"], ("__streams.errors.message", b"no name")))
    assert letter(record).fingerprint == letter(replace(record, offset=8)).fingerprint != letter(other).fingerprint


def test_of_a_record_that_died_twice_in_two_systems_the_later_death_counts() -> None:
    record = buried(source(5, headers=OTHERS["connect"]), 9)
    assert letter(record).dialect == "lineagegraph"
    assert as_it_came(record) == OTHERS["connect"]


def test_a_record_without_any_reason_is_named_by_where_it_lies() -> None:
    told = letter(Record(Partition("dead", 1), 7, TIME, None, None, (("__connect.errors.topic", b"orders"),)))
    assert (told.id, told.reason, told.kept) == ("dead-1-7", "unknown", "null")
    assert letter(Record(Partition("dead", 1), 8, TIME, None, b"[", ())).dialect == "unknown"


def test_secrets_in_the_words_of_others_are_not_shown() -> None:
    headers = (*OTHERS["connect"], ("__connect.errors.exception.message", b"password=hush is wrong"))
    value = event(1, producer="https://me:hush@host/")
    told = letter(Record(Partition("dead", 1), 7, TIME, b"k", value, headers))
    assert "hush" not in told.message + told.producer


@pytest.mark.parametrize("value", [None, b"", b"\x00", b"[1]", b"nan", b'{"job": 3}', b'{"job": {"name": 3}}', b"\xff"])
def test_whose_event_it_is_may_be_unknown(value: bytes | None) -> None:
    told = letter(buried(replace(source(5), value=value), 9))
    assert (told.namespace, told.job) == ("", "")


def test_the_note_of_an_edit_comes_back_and_stays_small() -> None:
    note = EditNote(2, "me", TIME, "typo", "1@7", "ab", '[{"op": "remove", "path": "/x"}]')
    assert EditNote.parse(note.text()) == note
    assert [EditNote.parse(text) for text in ("", "[]", '{"n": "x"}', "{")] == [None] * 4
    assert shortened("x" * 4000) == "x" * 4000
    assert shortened("x" * 4001).startswith("sha256:")

"""The dead letter as a record: it carries what came, tells why, and gives nothing away."""

from __future__ import annotations

import hashlib
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consumer.deadletters import CONNECT, OURS, DeadLetter, Parcel, Sender, describe, parcel
from consumer.records import Partition, Record
from consumer.replayed import bare, replayed, stated_at

SENDER = Sender("lineagegraph", "1.2.3")
RECORD = Record(
    Partition("events", 5), 42, 1_795_000_000_000, b"key", b'{"password": "hush"', (("trace", b"\xff\x00"),)
)
LETTER = DeadLetter(RECORD, "json_syntax", "/run/facets/3", "The value is not JSON at line 1 column 19.", "https://p")


def made(letter: DeadLetter = LETTER, partitions: int = 3, most: int = 10**6) -> Parcel:
    return parcel(letter, SENDER, partitions, 1_795_000_001_000, most)


def test_what_came_is_kept_and_ours_is_added_behind_it() -> None:
    sent = made()
    assert (sent.key, sent.value, sent.partition) == (b"key", RECORD.value, 5 % 3)
    assert sent.headers[0] == ("trace", b"\xff\x00")
    assert describe(sent.headers) | {f"{CONNECT}task.id": "…"} == {
        f"{CONNECT}topic": "events",
        f"{CONNECT}partition": "5",
        f"{CONNECT}offset": "42",
        f"{CONNECT}connector.name": "lineagegraph",
        f"{CONNECT}task.id": "…",
        f"{CONNECT}stage": "VALUE_CONVERTER",
        f"{CONNECT}class.name": "mappers",
        f"{CONNECT}exception.class.name": "json_syntax",
        f"{CONNECT}exception.message": "The value is not JSON at line 1 column 19.",
        f"{OURS}v": "1",
        f"{OURS}id": "events-5-42",
        f"{OURS}class": "json_syntax",
        f"{OURS}disposition": "malformed",
        f"{OURS}fingerprint": LETTER.fingerprint,
        f"{OURS}attempt": "1",
        f"{OURS}pointer": "/run/facets/3",
        f"{OURS}producer": "https://p",
        f"{OURS}first_failed_at": "1795000001000",
        f"{OURS}failed_at": "1795000001000",
        f"{OURS}original_timestamp": "1795000000000",
        f"{OURS}group": "lineagegraph",
        f"{OURS}worker_version": "1.2.3",
        f"{OURS}payload_sha256": hashlib.sha256(RECORD.value or b"").hexdigest(),
        f"{OURS}payload_bytes": "19",
        f"{OURS}value": "present",
    }


def test_no_content_of_the_event_is_in_our_headers() -> None:
    letter = replace(LETTER, producer="https://me:hush@host", message="password=hush is wrong")
    assert b"hush" not in b"".join(value or b"" for name, value in made(letter).headers if name != "trace")


def test_letters_with_one_cause_share_a_fingerprint_whatever_their_numbers() -> None:
    assert replace(LETTER, pointer="/run/facets/9").fingerprint == LETTER.fingerprint
    assert replace(LETTER, reason="envelope").fingerprint != LETTER.fingerprint


def test_a_replayed_letter_keeps_its_identity_and_counts_its_attempts() -> None:
    again = Record(Partition("retry", 0), 7, 1_795_000_000_500, b"key", RECORD.value, made().headers)
    headers = describe(made(replace(LETTER, record=again)).headers)
    assert headers[f"{OURS}id"] == "events-5-42"
    assert headers[f"{OURS}attempt"] == "2"
    assert headers[f"{OURS}first_failed_at"] == "1795000001000"
    assert headers[f"{CONNECT}topic"] == "events", "where it came from, not where it was sent again"
    assert len(made(replace(LETTER, record=again)).headers) == len(made().headers) + 2, "headers do not pile up"
    assert made(replace(LETTER, record=again)).partition == 5 % 3, "its place follows the source too"


def test_headers_of_other_dead_letter_queues_are_kept_as_they_came() -> None:
    theirs = ((f"{CONNECT}topic", b"before"), (f"{OURS}v", b"0"), ("trace", b"x"))
    sent = made(replace(LETTER, record=replace(RECORD, headers=theirs)))
    assert describe(sent.headers)[f"{CONNECT}topic"] == "events", "of several headers with one name the last counts"
    assert bare(sent.headers) == theirs


def test_a_replayed_event_is_judged_by_the_time_it_first_came() -> None:
    again = Record(Partition("retry", 0), 7, 1_795_900_000_000, b"key", b"{}", made().headers)
    assert stated_at(again) == RECORD.timestamp
    assert stated_at(RECORD) == RECORD.timestamp


@pytest.mark.parametrize("name", ["", "no coordinates", "a-b-c", "t-1-2-", "é-1-2", "t-1-" + "9" * 30])
def test_a_record_with_an_id_that_we_did_not_write_is_a_record_like_any_other(name: str) -> None:
    assert replayed(replace(RECORD, headers=((f"{OURS}id", name.encode()),))) is None


def test_a_record_with_neither_key_nor_value_can_be_sent() -> None:
    sent = made(replace(LETTER, record=replace(RECORD, key=None, value=None)))
    assert sent.value == b""
    assert describe(sent.headers)[f"{OURS}value"] == "null"


def test_a_tombstone_stays_one() -> None:
    sent = made(replace(LETTER, record=replace(RECORD, value=None)))
    assert sent.value is None
    assert describe(sent.headers)[f"{OURS}value"] == "null"


def test_what_is_too_large_for_the_topic_becomes_a_pointer() -> None:
    sent = made(replace(LETTER, record=replace(RECORD, value=b"x" * 5000)), most=4000)
    headers = describe(sent.headers)
    assert sent.value == b""
    assert headers[f"{OURS}value"] == "omitted"
    assert headers[f"{OURS}payload_bytes"] == "5000"
    assert headers[f"{OURS}payload_sha256"] == hashlib.sha256(b"x" * 5000).hexdigest()


@given(
    st.binary(max_size=50) | st.none(),
    st.binary(max_size=50) | st.none(),
    st.lists(st.tuples(st.text(max_size=30), st.binary(max_size=30)), max_size=5),
    st.text(max_size=50),
    st.text(max_size=700),
)
def test_any_record_can_be_a_dead_letter(
    key: bytes | None, value: bytes | None, headers: list[tuple[str, bytes]], pointer: str, message: str
) -> None:
    sent = made(DeadLetter(replace(RECORD, key=key, value=value, headers=tuple(headers)), "names", pointer, message))
    assert sent.headers[: len(headers)] == tuple(headers)
    assert (sent.key, sent.value) != (None, None)
    assert describe(sent.headers)[f"{OURS}class"] == "names"
    assert len(describe(sent.headers)[f"{CONNECT}exception.message"]) <= 500

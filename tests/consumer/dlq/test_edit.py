"""Editing: what a patch does to a value, and what the new letter says of the old one."""

from __future__ import annotations

import json
from dataclasses import replace

import orjson
import pytest

from consumer.dlq import captured
from consumer.dlq.cases import Cases
from consumer.dlq.edit import Edit, edited
from consumer.dlq.letters import as_it_came, letter
from consumer.dlq.patch import DoesNotFit, Patch
from consumer.errors import BadFilter
from consumer.records import Partition, Record
from tests.consumer.dlq.made import LETTERS, a_case, buried, source
from tests.consumer.fakes import TIME, event

FIX = '[{"op": "replace", "path": "/eventType", "value": "COMPLETE"}]'


def test_a_patch_changes_what_it_names_and_keeps_every_integer() -> None:
    value = b'{"eventType": "X", "snapshot": 5974101018787936586, "big": 1180591620717411303424}'
    changed = Patch.parse(FIX).apply(value)
    assert json.loads(changed) == {**json.loads(value), "eventType": "COMPLETE"}
    assert b"1180591620717411303424" in changed
    assert Patch.parse(FIX).apply(b"\0\0\0\0\7" + value) == b"\0\0\0\0\7" + changed, "the frame of a registry stays"


def test_a_list_of_one_event_can_be_made_that_event() -> None:
    assert Patch.parse('[{"op": "move", "from": "/0", "path": ""}]').apply(b'[{"a": 1}]') == b'{"a":1}'


@pytest.mark.parametrize("text", ["", "{}", "[3]", '[{"op": "paint"}]', '[{"op": "add", "path": "b", "value": 1}]'])
def test_what_is_no_patch_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(BadFilter, match="An example"):
        Patch.parse(text)


@pytest.mark.parametrize(
    ("patch", "value"),
    [
        (FIX, b"{no json"),
        (FIX, None),
        (FIX, b"[" * 100_000),
        (FIX, b'{"other": 1}'),
        ('[{"op": "test", "path": "/a", "value": 1}]', b'{"a": 2}'),
        ('[{"op": "add", "path": "/a/b", "value": 1}]', b'{"a": 2}'),
    ],
)
def test_a_patch_that_does_not_fit_says_so(patch: str, value: bytes | None) -> None:
    with pytest.raises(DoesNotFit):
        Patch.parse(patch).apply(value)


def test_the_new_letter_counts_and_tells_who_changed_what_of_which() -> None:
    old = buried(
        source(5, event(5, eventType="X"), headers=(("trace", b"\xff"),)), 9, "event_type", pointer="/eventType"
    )
    before = letter(old)
    how = Edit("me", TIME + 5, "password=hush typo", Patch.parse(FIX))
    parcel = edited(before, old, how.apply(old.value), how)
    new = Record(Partition(LETTERS, parcel.partition), 20, TIME + 5, parcel.key, parcel.value, parcel.headers)
    after = letter(new)
    assert (after.id, after.attempts, after.reason, after.pointer) == ("events-2-5", 1, "event_type", "/eventType")
    assert (after.event_type, after.edits, as_it_came(new)) == ("COMPLETE", 1, (("trace", b"\xff"),))
    assert after.edit is not None
    assert (after.edit.by, after.edit.of, after.edit.original_sha256) == ("me", "2@9", before.sha256)
    assert json.loads(after.edit.patch) == json.loads(FIX)
    assert "hush" not in after.edit.reason
    cases = Cases()
    for one in (before, after, replace(before, at=30)):
        cases.add(one)
    assert cases["events-2-5"].letter == after, "also over a copy of the original that comes later"


def test_a_second_edit_remembers_the_first_original() -> None:
    old = buried(source(5, event(5, eventType="X")), 9)
    how = Edit("me", TIME, "", Patch.parse(FIX))
    once = edited(letter(old), old, b"{}", how)
    record = Record(Partition(LETTERS, 2), 20, TIME, once.key, once.value, once.headers)
    twice = edited(letter(record), record, b"[]", how)
    note = letter(Record(Partition(LETTERS, 2), 21, TIME, twice.key, twice.value, twice.headers)).edit
    assert note is not None
    assert (note.number, note.of, note.original_sha256) == (2, "2@20", letter(old).sha256)


def test_an_edit_is_a_patch_a_value_or_a_return_to_the_original() -> None:
    assert Edit("me", 1, "", value=b"new").apply(b"old") == b"new"
    restored = Edit("me", 1, "")
    assert (restored.restores, restored.apply(b"old"), restored.text) == (True, b"old", "restored")


@pytest.mark.parametrize(
    ("value", "kept"),
    [
        (b'{"a": 5974101018787936586}', {"a": 5974101018787936586}),
        (b'{"a": 1, "a": 2}', '{"a": 1, "a": 2}'),
        (b'{"a": 36893488147419103232}', '{"a": 36893488147419103232}'),
        (b"[1]", "[1]"),
        (b"{no", "{no"),
        (b"", ""),
    ],
)
def test_an_exported_value_is_what_came(value: bytes, kept: object) -> None:
    told = json.loads(captured.line(a_case(1), replace(buried(source(1), 1), value=value)))
    assert told["value"] == kept
    assert {"topic", "offset", "value", "dead_letter"} <= told.keys()
    if isinstance(kept, dict):
        assert orjson.loads(value) == kept


def test_an_exported_value_that_is_no_text_is_base64_and_secrets_in_headers_are_not_exported() -> None:
    record = buried(source(1, headers=(("authorization", b"Bearer abcdefghijk"), ("trace", b"x"))), 1)
    told = json.loads(captured.line(a_case(1), replace(record, value=b"\xff")))
    assert (told["value"], told["value_base64"]) == (None, "/w==")
    assert told["headers"] == [["authorization", "***"], ["trace", "x"]]

"""The ledger and the cases: the same is known on every machine, in whatever order writers got through."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest

from consumer.dlq.cases import Cases, in_order
from consumer.dlq.ledger import Decided, Entry, Ledger, ReplayNote, State, Step, Tried, decode, encode
from consumer.dlq.letters import letter
from consumer.records import Partition, Record
from tests.consumer.dlq.made import SOURCE, a_letter, buried, source
from tests.consumer.fakes import TIME

ID = f"{SOURCE}-0-0"


def tried(state: Step, replay: str = "r1", at: int = 1) -> Tried:
    return Tried(ID, replay, state, at)


def fold(*entries: Entry) -> Ledger:
    ledger = Ledger()
    for entry in entries:
        ledger.add(*encode(entry))
    return ledger


RUNNING = ReplayNote("r1", "running", 1, total=3, options={"rate": 10.0})


@pytest.mark.parametrize(
    ("entries", "state"),
    [
        ((), "open"),
        ((RUNNING, tried("planned")), "planned"),
        ((replace(RUNNING, state="cancelled"), tried("planned")), "open"),
        ((tried("planned"),), "open"),
        ((RUNNING, tried("planned"), tried("sent")), "sent"),
        ((replace(RUNNING, state="cancelled"), tried("sent")), "sent"),
        ((RUNNING, tried("sent"), tried("failed")), "open"),
        ((RUNNING, tried("sent"), tried("resolved")), "resolved"),
        ((tried("resolved"), tried("failed", "r2")), "resolved"),
        ((tried("failed", "r2"), tried("resolved")), "resolved"),
        ((Decided(ID, "parked", 1),), "parked"),
        ((Decided(ID, "parked", 1), Decided(ID, "open", 2)), "open"),
        ((Decided(ID, "discarded", 1), tried("failed")), "discarded"),
        ((Decided(ID, "parked", 1), tried("resolved")), "resolved"),
        ((tried("left"),), "open"),
    ],
)
def test_the_state_of_a_letter(entries: tuple[Entry, ...], state: State) -> None:
    assert fold(*entries).state(ID) == state


def test_a_late_failure_of_an_earlier_replay_cannot_reopen_what_is_in_the_graph() -> None:
    entries: list[Entry] = [tried("failed", "r1"), tried("resolved", "r2"), tried("sent", "r3"), tried("failed", "r3")]
    states = set()
    for seed in range(20):
        random.Random(seed).shuffle(entries)
        states.add(fold(*entries).state(ID))
    assert states == {"resolved"}


@pytest.mark.parametrize(
    "entry",
    [
        Decided("t-1-2", "parked", 5, "me", "why"),
        Tried("t-1-2", "r1", "planned", 5, 2, "1@7", "ab", "note"),
        ReplayNote("r1", "running", 5, 10, "me", "class=x", "note", {"rate": 5}),
    ],
)
def test_entries_come_back_as_they_were_written(entry: Entry) -> None:
    assert decode(*encode(entry)) == entry


@pytest.mark.parametrize(
    ("key", "value"),
    [
        (None, b"{}"),
        (b"t-1-2", None),
        (b"t-1-2", b"no json"),
        (b"t-1-2", b"[]"),
        (b"t-1-2", b'{"state": "odd", "at": 1}'),
        (b"t-1-2|r", b'{"state": "sent"}'),
        (b"\xff", b'{"state": "open", "at": 1}'),
    ],
)
def test_what_is_no_entry_is_passed_over(key: bytes | None, value: bytes | None) -> None:
    assert decode(key, value) is None
    assert Ledger().add(key, value) is None


def test_entries_of_a_later_version_are_understood_as_far_as_they_go() -> None:
    assert decode(b"t-1-2", b'{"state": "parked", "at": 1, "colour": "red"}') == Decided("t-1-2", "parked", 1)


def test_tombstones_remove_what_they_name() -> None:
    ledger = fold(Decided(ID, "discarded", 1), tried("failed"), RUNNING)
    for key in [*ledger.keys(ID), b"|r1"]:
        ledger.add(key, None)
    assert ledger == Ledger(tried={ID: {}})


def test_the_same_record_buried_twice_is_one_case_with_two_places() -> None:
    cases = Cases()
    for at in (3, 9):
        cases.add(a_letter(0, at))
    (case,) = cases
    assert case.letter.at == 9
    assert case.places == ((0, 3), (0, 9))


def test_the_letter_that_got_furthest_counts_whatever_came_after_it() -> None:
    first = buried(source(0), 1)
    failed_again = Record(Partition("retry", 0), 5, TIME, b"k", first.value, first.headers)
    second = letter(buried(failed_again, 2))
    assert (second.id, second.attempts) == (ID, 2)
    cases = Cases()
    for one in (second, letter(replace(first, offset=7))):
        cases.add(one)
    assert cases[ID].letter == second
    assert cases.get("t-0-0") is None


def test_cases_are_worked_on_as_they_lie() -> None:
    cases = Cases()
    for number, at in ((3, 5), (0, 2), (1, 1)):
        cases.add(a_letter(number, at))
    assert [case.letter.offset for case in in_order(cases)] == [0, 3, 1]

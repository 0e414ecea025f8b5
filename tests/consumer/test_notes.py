"""Notes with offsets, and what follows from them: who is suspected, what is read by itself, who is guilty."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consumer.care import Care
from consumer.notes import Note, Probe, graph_of, parse
from consumer.records import Partition

P, Q = Partition("t", 0), Partition("t", 1)
probes = st.builds(lambda a, n, d: Probe(a, a + n, d), st.integers(0, 2**50), st.integers(1, 999), st.integers(0, 9))
notes = st.one_of(
    st.builds(Note, st.integers(0, 99), st.none(), st.none(), st.sampled_from(["on", "halted", "released"])),
    st.builds(Note, st.integers(0, 99), probes, st.none() | probes, st.sampled_from(["on", "halted", "released"])),
)


@given(notes)
def test_what_is_written_down_is_read_again(note: Note) -> None:
    text = note.text("graph-1")
    assert (parse(text), graph_of(text)) == (note, "graph-1")
    assert len(text) < 4096, "Kafka's limit for the metadata of a commit"


def test_where_nothing_is_wrong_only_the_graph_is_noted() -> None:
    assert json.loads(Note().text("graph-1")) == {"graph": "graph-1"}


@pytest.mark.parametrize(
    "text", ["", "x", "7", "null", "[]", '{"suspect": 1}', '{"suspect": [9, 2, 0]}', '{"starts": []}', '{"brake": "?"}']
)
def test_what_others_wrote_says_nothing(text: str) -> None:
    assert parse(text) == Note()


def test_two_deaths_may_be_chance_and_the_third_start_is_careful() -> None:
    note = Note()
    for careful in (False, False, True):
        note = note.taken_over()
        assert note.suspicious is careful


def test_only_who_dies_while_it_is_being_read_counts() -> None:
    died = Note(3).reads(Probe(7, 8)).taken_over()
    assert died.suspect == Probe(7, 8, deaths=1)
    assert died.taken_over().suspect == Probe(7, 8, deaths=1), "the second one died of something else"
    assert died.reads(Probe(7, 8)).taken_over().suspect == Probe(7, 8, deaths=2)
    assert died.reads(Probe(3, 4)).taken_over().suspect == Probe(3, 4, deaths=1)


def test_a_suspect_is_remembered_until_it_is_passed() -> None:
    died = Note(3, Probe(7, 8, 1))
    assert died.reads(Probe(0, 7)).reads(None).suspect == Probe(7, 8, 1)
    assert died.reads(Probe(8, 9)).suspect is None
    assert died.got_to(7).suspect == Probe(7, 8, 1)
    assert died.got_to(8) == Note()


def test_one_record_is_guilty_after_two_deaths_and_a_span_never() -> None:
    assert not Probe(7, 8, 1).guilty
    assert Probe(7, 8, 2).guilty
    assert not Probe(7, 9, 5).guilty


def test_a_suspected_partition_is_read_in_spans() -> None:
    care = Care({P: Note(starts=3), Q: Note()}, span=100)
    assert care.partitions == {P}
    assert care.next(P, 40) == Probe(40, 140)


def test_the_span_in_which_a_process_died_is_read_record_by_record_and_what_stands_before_it_is_not() -> None:
    care = Care({P: Note(3, Probe(200, 300, 1))}, span=150)
    assert care.next(P, 0) == Probe(0, 150)
    assert care.next(P, 150) == Probe(150, 200)
    assert care.next(P, 200) == Probe(200, 201)
    assert care.next(P, 299) == Probe(299, 300)
    assert care.next(P, 300) == Probe(300, 450)


def test_a_record_that_killed_is_read_again_with_its_deaths() -> None:
    care = Care({P: Note(3, Probe(200, 201, 1))}, span=150)
    assert care.next(P, 200) == Probe(200, 201, 1)


def test_suspects_take_turns_with_each_other_and_with_all_the_rest() -> None:
    care = Care({P: Note(3), Q: Note(3)}, span=1)
    assert sorted(str(care.turn()) for _ in range(6)) == ["None", "None", "t-0", "t-0", "t-1", "t-1"]
    care.end()
    assert not care.partitions

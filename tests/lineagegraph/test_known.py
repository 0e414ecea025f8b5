"""Suppressing what was acknowledged never loses a fact: all that was ever sent says all that was ever stated."""

from __future__ import annotations

import random
from contextlib import suppress
from unittest.mock import patch

from hypothesis import given
from hypothesis import strategies as st

from lineagegraph.canonical import lines
from lineagegraph.errors import GraphUnavailable
from lineagegraph.facts import Edge, Facts, Vertex, fold, identity
from lineagegraph.implied import implied
from lineagegraph.known import Known
from lineagegraph.settings import GraphSettings
from lineagegraph.store import GraphStore
from lineagegraph.view import View
from tests.lineagegraph.random_facts import DAYS, events

EVENTS = [events(seed, 40, size=4) for seed in range(5)]
STEPS = st.lists(
    st.tuples(st.integers(0, 39), st.sampled_from(["acknowledged", "acknowledged", "lost", "forgotten"])), max_size=60
)


def as_stored(facts: Facts) -> Facts:
    """With what follows from each vertex's identity."""
    whole = Facts()
    for vertex, properties in facts.vertices.items():
        whole.vertex(vertex, {**identity(vertex), **properties})
    whole.add(facts)
    return whole


def sharing(facts: Facts, part: Facts) -> Facts:
    """Facts that include others by reference, as events do with what many of them state alike."""
    whole = Facts()
    whole.add(facts)
    whole.include(part)
    return whole


@given(st.sampled_from(EVENTS), STEPS, st.sampled_from([1, 5, 30, 10_000]))
def test_what_is_sent_says_all_that_was_stated_whatever_gets_lost(
    many: list[Facts], steps: list[tuple[int, str]], most: int
) -> None:
    known, sent, stated = Known(most), Facts(), Facts()
    shared = [sharing(facts, many[number - 1]) for number, facts in enumerate(many)]
    for number, fate in steps:
        event, parts = shared[number], dict(shared[number].parts)
        stated.add(event)
        news = known.unknown(event)
        if fate == "lost":  # it never arrived: the consumer will come again with the same event
            known.add(Facts())
            news = known.unknown(event)
        sent.add(news)
        known.add(news, parts)
        if fate == "forgotten":
            known = Known(most)
    assert sorted(lines(as_stored(sent))) == sorted(lines(as_stored(stated)))
    assert sent == as_stored(sent), "a vertex that is new to the graph comes with its identity"


@given(st.sampled_from(EVENTS), st.integers(0, 39))
def test_what_was_acknowledged_is_not_sent_again_until_it_is_forgotten(many: list[Facts], number: int) -> None:
    known, whole = Known(10_000), fold(many)
    known.add(known.unknown(whole))
    assert not known.unknown(whole)
    assert not known.unknown(many[number])
    assert sorted(lines(Known(10_000).unknown(whole))) == sorted(lines(as_stored(whole)))


@given(st.sampled_from(EVENTS), st.integers(1, 200), st.integers(0, 10**9))
def test_it_remembers_no_more_than_it_may(many: list[Facts], most: int, seed: int) -> None:
    known = Known(most)
    for facts in random.Random(seed).sample(many, len(many)):
        known.add(known.unknown(facts))
        assert len(known._young) + len(known._old) <= max(2, most)


@given(st.sampled_from(EVENTS), st.integers(0, 39))
def test_only_what_says_more_is_sent(many: list[Facts], number: int) -> None:
    known, rest = Known(10_000), [facts for index, facts in enumerate(many) if index != number]
    known.add(known.unknown(fold(rest)))
    news = known.unknown(many[number])
    before, after = as_stored(fold(rest)), as_stored(fold(many))
    for vertex, properties in news.vertices.items():
        for name, value in properties.items():
            assert after.vertices[vertex][name] == value != before.vertices.get(vertex, {}).get(name)
    for edge, day in news.edges.items():
        assert edge not in before.edges or before.edges[edge] != day == after.edges[edge]


@given(st.lists(st.sampled_from(DAYS), min_size=1, max_size=8))
def test_an_edge_is_sent_again_for_a_newer_day_only(days: list[str]) -> None:
    known = Known(100)
    sent: list[str] = []
    edge = Edge("CONSUMES", Vertex("Pipeline", ("a", "p")), Vertex("Dataset", ("a", "d")))
    for day in days:
        facts = Facts()
        facts.edge(*edge, day)
        news = known.unknown(facts)
        known.add(news)
        sent += [day for day in news.edges.values() if day is not None]
    assert sent == sorted(set(sent)), "each newer than the one before"
    assert sent[-1] == max(days)


TOUCHED = [
    Edge(label, Vertex("Run", (run,)), Vertex(*to))
    for run in ("1", "2")
    for label, to in [
        *((label, ("Dataset", ("db", name))) for label in ("READ", "WROTE") for name in "ab"),
        *(
            (label, ("DatasetVersion", ("db", name, version)))
            for label in ("READ_SCANNED", "READ_AT_START", "READ_LATER", "WROTE_NAMED", "WROTE_REPORTED")
            for name, version in ("a1", "a2", "b1")
        ),
    ]
]
READS_AND_WRITES = st.lists(st.sampled_from(TOUCHED), min_size=1, max_size=5)


def edges(some: list[Edge]) -> Facts:
    facts = Facts()
    for edge in some:
        facts.edge(*edge)
    return facts


@given(st.lists(READS_AND_WRITES, min_size=1, max_size=8), st.integers(1, 3), st.randoms(use_true_random=False))
def test_what_the_graph_shows_does_not_know_in_which_order_implied_edges_came(
    events_: list[list[Edge]], writers: int, chance: random.Random
) -> None:
    many, stored = [edges(some) for some in events_], Facts()
    memories = [Known(chance.choice((1, 6, 10_000))) for _ in range(writers)]
    batches = [many, *([chance.choice(many) for _ in range(chance.randrange(1, 4))] for _ in range(4))]
    for batch in batches:
        chance.shuffle(batch)
        parts = [batch] if chance.random() < 0.5 else [[facts] for facts in batch]
        for part in parts:
            known = chance.choice(memories)
            news = known.unknown(fold(part))
            known.add(news)
            stored.add(news)
    whole = as_stored(fold(many))
    assert sorted(lines(stored)) == sorted(lines(whole))
    seen, all_seen = View(stored), View(whole)
    for edge in TOUCHED:
        if edge.target.label == "Dataset":
            assert (edge.target in seen.out(edge.label, edge.source)) == (
                edge.target in all_seen.out(edge.label, edge.source)
            )


@given(st.lists(READS_AND_WRITES, min_size=1, max_size=4))
def test_what_another_edge_implies_is_neither_sent_beside_it_nor_after_it(events_: list[list[Edge]]) -> None:
    known, sent = Known(10_000), set[Edge]()
    for facts in map(edges, events_):
        news = known.unknown(facts)
        known.add(news)
        assert not set(implied(news.edges)) & news.edges.keys()
        assert not set(implied(sent)) & news.edges.keys()
        sent |= news.edges.keys()


class Answers:
    """Stands for the connections: keeps what arrives, and fails when told."""

    def __init__(self) -> None:
        self.arrived: list[str] = []
        self.failing = False

    def ask(self, name: str, key: str, body: str) -> dict[str, object]:
        if self.failing:
            raise GraphUnavailable("away")
        self.arrived.append(body)
        return {"g": "", "h": 0}


@given(st.sampled_from(EVENTS), st.integers(0, 39))
def test_a_write_that_was_not_acknowledged_is_sent_whole_the_next_time(many: list[Facts], number: int) -> None:
    answers = Answers()
    with patch("lineagegraph.store.Connections", lambda settings: answers):
        store = GraphStore(GraphSettings())
    answers.failing = True
    with suppress(GraphUnavailable):
        store.write(many[number])
    answers.failing = False
    assert store.write(many[number]).elements_sent == len(many[number])
    assert store.write(many[number]).elements_sent == 0
    store.forget()
    assert store.write(many[number]).elements_sent == len(many[number])
    assert len(answers.arrived) == 2

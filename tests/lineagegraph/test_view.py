"""A view that grows says what a view of all its facts says, and nothing that it said before stays said."""

from __future__ import annotations

import random

import pytest

from lineagegraph.answers import answers_of
from lineagegraph.decisions import decisions
from lineagegraph.facts import Facts
from lineagegraph.view import View
from tests.lineagegraph.made import made_at_random

FACTS = [made_at_random(seed, 20) for seed in range(3)]


@pytest.mark.parametrize("seed", range(24))
def test_a_view_that_grows_bit_by_bit_answers_like_one_of_all_facts(seed: int) -> None:
    chance = random.Random(seed)
    facts = chance.choice(FACTS)
    grown = View(Facts())
    for bit in disordered(facts, chance, chance.randint(1, 4)):
        grown.add(bit.vertices.items(), [(label, [(a, b, day)]) for (label, a, b), day in bit.edges.items()])
        list(answers_of(grown))  # what it says now must not be remembered
    at_once = View(facts)
    assert list(answers_of(grown)) == list(answers_of(at_once))
    assert list(decisions(grown)) == list(decisions(at_once))
    assert grown.facts == facts
    assert len(grown) == len(facts.vertices)


def disordered(facts: Facts, chance: random.Random, bits: int) -> list[Facts]:
    """The same facts in so many pieces; some are in several, and vertices may come after their edges."""
    pieces = [Facts() for _ in range(bits)]
    for vertex, stored in facts.vertices.items():
        for piece in chance.sample(pieces, chance.randint(1, min(2, bits))):
            piece.vertex(vertex, stored)
    for (label, source, target), day in facts.edges.items():
        for piece in chance.sample(pieces, chance.randint(1, min(2, bits))):
            piece.edge(label, source, target, day)
    return pieces


def test_the_newest_day_of_an_edge_counts_in_both_directions() -> None:
    facts = FACTS[0]
    (label, source, target), day = next((edge, day) for edge, day in sorted(facts.edges.items()) if day)
    view = View(facts)
    view.add((), [(label, [(source, target, "2000-01-01")])])
    assert (target, day) in view.dated_out(label, source)
    view.add((), [(label, [(source, target, "2099-01-01")])])
    assert (target, "2099-01-01") in view.dated_out(label, source)
    assert (source, "2099-01-01") in view.dated_into(label, target)


def test_asking_for_what_nobody_fetched_is_an_error() -> None:
    view = View(FACTS[0], absent={"sql"})
    pipeline = view.all("Pipeline")[0]
    with pytest.raises(LookupError, match="sql"):
        view.text(pipeline, "sql")
    assert view.text(pipeline, "version") is None

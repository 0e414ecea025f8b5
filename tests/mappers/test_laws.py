"""Laws: whatever the events are, facts merge without regard to order, grouping and repetition, and fit the schema."""

from __future__ import annotations

import random
from collections.abc import Sequence
from itertools import islice
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lineagegraph.answers import answers
from lineagegraph.facts import Facts, fold
from mappers import Malformed, Mapped, decode, map_event
from tests.mappers.events import DEFAULTS, Json, corpus, dataset, run_event
from tests.mappers.laws import assert_bad_facets_cost_only_themselves, outcome
from tests.mappers.mutate import judge, mutants
from tests.mappers.test_facets import FITS, UNFIT, Case

REAL = [found for value in corpus() if isinstance(found := outcome(value), Mapped)]
TIMES = ("2026-11-22T10:00:00Z", "2026-11-22T10:00:00.001Z", "2026-11-22T23:59:59.999Z", "2026-12-31T00:00:00Z")


def _facets(where: str) -> st.SearchStrategy[Json]:
    cases: list[Case] = [case for case in (*FITS, *UNFIT) if case.where == where]
    return st.lists(st.sampled_from(cases), max_size=5).map(
        lambda chosen: {key: value for case in chosen for key, value in {**case.beside, case.key: case.facet}.items()}
    )


def _datasets(role: str) -> st.SearchStrategy[list[Json]]:
    one = st.builds(
        lambda name, facets, own: {**dataset(name, facets), f"{role}Facets": own},
        st.sampled_from(["t", "a", "x/dt=1", "_temporary/0"]),
        _facets("dataset"),
        _facets(role),
    )
    return st.lists(one, max_size=3)


@st.composite
def run_events(draw: st.DrawFn) -> Json:
    """Events of a small world: few runs, jobs, datasets and moments, and every facet of the cases."""
    event = run_event(
        draw(st.sampled_from(["START", "RUNNING", "COMPLETE", "FAIL", "ABORT", "OTHER", None])),
        run=draw(_facets("run")),
        job=draw(_facets("job")),
        inputs=draw(_datasets("input")),
        outputs=draw(_datasets("output")),
        eventTime=draw(st.sampled_from(TIMES)),
    )
    event["run"]["runId"] = draw(st.sampled_from(["1", "2", "p"]))
    event["job"]["name"] = draw(st.sampled_from(["job", "dag"]))
    if draw(st.integers(0, 5)) == 0:
        del event["run"]
    return event


def _facts(event: Json) -> Facts:
    found = outcome(orjson.dumps(event))
    assert isinstance(found, Mapped)
    return found.facts


def _shuffled(many: Sequence[Facts], draw: random.Random) -> Facts:
    """The same facts in another order, some of them again, in batches of batches."""
    again = [*many, *draw.choices(many, k=len(many) // 2)] if many else []
    draw.shuffle(again)
    batches = []
    while again:
        size = draw.randint(1, len(again))
        batches.append(fold(again[:size]))
        again = again[size:]
    draw.shuffle(batches)
    return fold(batches)


@settings(deadline=None, max_examples=60)
@given(
    st.lists(run_events(), max_size=8).map(lambda events: [_facts(e) for e in events]),
    st.randoms(use_true_random=False),
)
def test_order_repetition_and_batches_of_generated_events_do_not_matter(many: list[Facts], draw: random.Random) -> None:
    together, other = fold(many), _shuffled(many, draw)
    assert other == together
    assert list(answers(other)) == list(answers(together))


@settings(deadline=None, max_examples=20)
@given(st.lists(st.sampled_from(REAL), max_size=60), st.randoms(use_true_random=False))
def test_order_repetition_and_batches_of_real_events_do_not_matter(many: list[Mapped], draw: random.Random) -> None:
    facts = [one.facts for one in many]
    together, other = fold(facts), _shuffled(facts, draw)
    assert other == together
    assert list(answers(other)) == list(answers(together))


def test_the_whole_corpus_shuffled_states_the_same() -> None:
    facts = [one.facts for one in REAL]
    assert len(REAL) > 400
    together = fold(facts)
    for seed in range(3):
        assert _shuffled(facts, random.Random(seed)) == together


@settings(deadline=None, max_examples=120)
@given(run_events())
def test_what_generated_events_state_fits_the_schema(event: Json) -> None:
    value = orjson.dumps(event)
    found = outcome(value)
    assert isinstance(found, Mapped)
    if found.bad_facets:
        assert_bad_facets_cost_only_themselves(value, found)


def test_mapping_twice_gives_equal_facts_and_changes_nothing_that_was_given_out() -> None:
    for value in corpus("real-0*.ndjson"):
        event = decode(value)
        first = map_event(event, DEFAULTS)
        kept = fold([first.facts])
        fold([map_event(event, DEFAULTS).facts, first.facts]).add(kept)
        assert map_event(decode(value), DEFAULTS) == first
        assert first.facts == kept


json_values: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4),
    max_leaves=20,
)


@settings(deadline=None, max_examples=150)
@given(json_values)
def test_any_json_is_an_event_or_malformed(value: Any) -> None:
    outcome(orjson.dumps(value))


@settings(deadline=None, max_examples=150)
@given(st.binary(max_size=200))
def test_any_bytes_are_an_event_or_malformed(value: bytes) -> None:
    assert isinstance(outcome(value), Malformed)


@settings(deadline=None, max_examples=150)
@given(st.sampled_from(sorted({(case.where, case.key, case.role) for case in FITS})), json_values)
def test_any_content_of_a_facet_costs_at_most_that_facet(which: tuple[str, str, str], content: Any) -> None:
    where, key, role = which
    value = orjson.dumps(Case(where, key, {}, role=role).event(content))
    found = outcome(value)
    assert isinstance(found, Mapped)
    assert {(bad.where, bad.facet) for bad in found.bad_facets} <= {(where, key)}
    if found.bad_facets:
        assert_bad_facets_cost_only_themselves(value, found)


@pytest.mark.parametrize("seed", range(4))
def test_mutants_of_real_events_end_in_facts_or_a_classified_dead_letter(seed: int) -> None:
    """`python -m tests.mappers.mutate 100000` is the long form."""
    ends = {judge(value) for value in islice(mutants(seed), 1_000)}
    assert {"facts", "facts, but for a facet", "dead letter: envelope", "dead letter: names"} <= ends

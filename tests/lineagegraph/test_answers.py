"""The answers as they are printed, and the laws that they keep whatever happens to events on their way."""

from __future__ import annotations

import random
from functools import cache
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from consumer.event_files import read_events
from lineagegraph.answers import answers
from lineagegraph.decisions import decisions
from lineagegraph.facts import Facts, fold
from lineagegraph.naming import Naming
from lineagegraph.view import View
from mappers import Malformed, decode, map_event
from tests.lineagegraph.build import DAY, Event, ds, event, facts, mapped, ran
from tests.product import EVENTS


def test_the_lines_are_those_of_the_documented_format() -> None:
    model = ds("churn", namespace="mlflow://host", version="5", kind="MODEL")
    events = ran(0, [ds("a", version="5974101018787936586")], [model], run="r-A")
    assert list(answers(facts(events))) == [
        {
            "run": "r-a",
            "state": "COMPLETE",
            "pipeline": {"namespace": "made", "name": "job"},
            "read": [
                {
                    "namespace": "s3://lake",
                    "name": "a",
                    "version": "5974101018787936586",
                    "certainty": "likely",
                    "evidence": "READ_AT_START",
                }
            ],
            "wrote": [
                {
                    "namespace": "mlflow://host",
                    "name": "churn",
                    "version": None,
                    "certainty": "unknown",
                    "evidence": None,
                }
            ],
        },
        {
            "output": {"namespace": "mlflow://host", "name": "churn"},
            "sources": [{"namespace": "s3://lake", "name": "a", "basis": "inferred"}],
        },
        {
            "model": {"namespace": "mlflow://host", "name": "churn", "version": "5"},
            "reproducible": "unknown",
            "trained_on": [
                {
                    "namespace": "s3://lake",
                    "name": "a",
                    "version": "5974101018787936586",
                    "certainty": "likely",
                    "reason": "the snapshot is only likely",
                }
            ],
        },
    ]


def test_runs_that_are_only_named_by_others_have_no_line() -> None:
    assert [a.get("run") for a in answers(facts(event("START", 0, parent="never-spoke")))] == ["r1"]


@cache
def corpus() -> list[Facts]:
    """What each event of the corpus states."""
    found = []
    for one in read_events(map(str, EVENTS)):
        try:
            found.append(map_event(decode(one.value), Naming()).facts)
        except Malformed:
            continue
    return found


def said(together: Facts) -> list[Any]:
    """All that the rules say of these facts."""
    return [*answers(together), *decisions(View(together))]


def disordered(stated: list[Facts], chance: random.Random) -> Facts:
    """The same statements shuffled, some of them repeated, in batches of any size."""
    again = [*stated, *(one for one in stated if chance.random() < 0.3)]
    chance.shuffle(again)
    batches = []
    while again:
        size = chance.randint(1, len(again))
        batches.append(fold(again[:size]))
        again = again[size:]
    chance.shuffle(batches)
    return fold(batches)


@settings(max_examples=25, deadline=None)
@given(st.randoms(use_true_random=False), st.integers(1, 150))
def test_answers_of_real_events_do_not_depend_on_order_repetition_or_batches(chance: random.Random, count: int) -> None:
    start = chance.randrange(len(corpus()))
    stated = corpus()[start : start + count]
    assert said(disordered(stated, chance)) == said(fold(stated))


names = st.sampled_from("abc")
versions = st.sampled_from([None, "3595939024204564728", "5974101018787936586", "7"])
doubles = st.sampled_from([None, 3595939024204564728.0, 5974101018787936586.0, 7.0])
inputs = st.builds(ds, names, version=versions, scanned=doubles, called=st.sampled_from([None, "x", "y"]))
outputs = st.builds(
    ds,
    names,
    version=versions,
    reported=doubles,
    rows=st.sampled_from([None, 1]),
    of=st.sampled_from([None, ["a"], ["b", "c"]]),
    change=st.sampled_from([None, None, "CREATE", "DROP", "OVERWRITE"]),
    called=st.sampled_from([None, "x", "y"]),
    columns=st.sampled_from([None, ["id"], ["id", "n"]]),
    kind=st.sampled_from([None, None, None, "MODEL"]),
)
generated = st.builds(
    event,
    st.sampled_from(["START", "RUNNING", "COMPLETE", "FAIL", "ABORT", "OTHER", None]),
    st.integers(0, 2 * DAY).map(lambda at: at // 180 * 180),  # few moments, so that there are ties
    st.lists(inputs, max_size=2),
    st.lists(outputs, max_size=2),
    run=st.sampled_from(["r1", "r2", "r3", "r4"]),
    job=st.sampled_from(["j1", "j2"]),
    parent=st.sampled_from([None, "app"]),
    processing=st.sampled_from(["BATCH", "STREAMING", None]),
)


@settings(max_examples=80, deadline=None)
@given(st.lists(generated, min_size=1, max_size=12), st.randoms(use_true_random=False))
def test_answers_of_any_events_do_not_depend_on_order_repetition_or_batches(
    events: list[Event], chance: random.Random
) -> None:
    stated = [mapped(one) for one in events]
    assert said(disordered(stated, chance)) == said(fold(stated))

"""Nothing is called exact that is not true, no edge is a phantom, and what events can tell is told.

`python -m tests.truth` prints the table.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from functools import cache
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from consumer.event_files import read_events
from lineagegraph.facts import Facts, fold
from lineagegraph.naming import Naming
from lineagegraph.rules.snapshots import EXACT, Snapshot
from mappers import decode, map_event
from tests.truth.score import SCENARIOS, Score, paths, score, table, untrue


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_a_scenario_alone_is_told_truly(scenario: str) -> None:
    assert score([scenario]).complaints() == []


def test_all_scenarios_folded_together_are_told_truly(capsys: pytest.CaptureFixture[str]) -> None:
    together = score(SCENARIOS)
    with capsys.disabled():
        print("\n" + table({"folded together": together}))
    assert together.complaints() + together.recall_complaints() == []


def test_the_scenarios_one_by_one_tell_as_much(capsys: pytest.CaptureFixture[str]) -> None:
    alone = {name: score([name]) for name in SCENARIOS}
    total = sum(alone.values(), Score())
    with capsys.disabled():
        print("\n" + table({**alone, "sum": total}))
    assert total.recall_complaints() == []


@cache
def _stated() -> list[tuple[int, str, Facts]]:
    """(time, scenario, facts) of every event."""
    found = []
    for name in SCENARIOS:
        for one in read_events(map(str, paths([name]))):
            decoded = decode(one.value)
            found.append((decoded.time, name, map_event(decoded, Naming()).facts))
    return sorted(found, key=lambda row: row[0])


@settings(max_examples=25, deadline=None)
@given(st.sets(st.sampled_from(SCENARIOS), min_size=1))
def test_nothing_false_is_called_exact_whichever_scenarios_are_given(chosen: set[str]) -> None:
    assert untrue(fold(facts for _, name, facts in _stated() if name in chosen)) == []


@settings(max_examples=25, deadline=None)
@given(st.floats(0, 1))
def test_nothing_false_is_called_exact_however_far_the_topic_was_read(share: float) -> None:
    read = _stated()[: int(len(_stated()) * share) + 1]
    assert untrue(fold(facts for _, _, facts in read)) == []


def _called_exact(view: Any, dataset: Any, version: Any, certainty: Any, evidence: str) -> Snapshot:
    return Snapshot(dataset, version.key[2], EXACT, evidence)


BROKEN: dict[str, list[tuple[str, str, Callable[..., Any]]]] = {
    "a version on an output is what was written": [("written", "_counted", lambda *_: True)],
    "damaged numbers are taken for exact ones": [("snapshots", "settled", _called_exact)],
    "the runs of one statement do not share evidence": [("snapshots", "one_statement", lambda _, run: [run])],
    "a run that was killed made its outputs": [
        ("lineage", "came_true", lambda *_: True),
        ("lineage", "current_since", lambda *_: ""),
    ],
    "stated lineage is not looked at": [("lineage", "_stated", lambda *_: {})],
    "nothing is ever written exactly": [("written", "_is_new", lambda *_: False)],
}


@pytest.mark.parametrize("rules", BROKEN.values(), ids=BROKEN)
def test_a_broken_rule_is_noticed(
    rules: list[tuple[str, str, Callable[..., Any]]], monkeypatch: pytest.MonkeyPatch
) -> None:
    for module, name, broken in rules:
        monkeypatch.setattr(importlib.import_module(f"lineagegraph.rules.{module}"), name, broken)
    alone = [score([name]) for name in SCENARIOS]
    assert [text for one in alone for text in one.complaints()] + sum(alone, Score()).recall_complaints()

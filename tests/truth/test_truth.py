"""Nothing is called exact that is not true, no edge is a phantom, and what events can tell is told.

`python -m tests.truth` prints the table.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any

import pytest

from lineagegraph.rules.snapshots import EXACT, Snapshot
from tests.truth.score import SCENARIOS, Score, score, table


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

"""What was exported can be imported: the same lines come out again."""

from __future__ import annotations

import random

import orjson
import pytest
from click.testing import CliRunner

from lineagegraph import upkeep
from lineagegraph.canonical import lines
from lineagegraph.errors import LineageError
from lineagegraph.facts import Facts, fold
from lineagegraph.load import add, load
from lineagegraph.settings import GraphSettings
from tests.lineagegraph.past import history, stated
from tests.lineagegraph.random_facts import events


def loaded(texts: list[str]) -> Facts:
    facts = Facts()
    for text in texts:
        add(facts, orjson.loads(text))
    return facts


@pytest.mark.parametrize("facts", [fold(events(3, 150)), stated(history(2, 40))], ids=["random", "history"])
def test_every_line_in_any_order_comes_out_again(facts: Facts) -> None:
    texts = sorted(lines(facts))
    shuffled = [*texts, *texts[:50]]
    random.Random(1).shuffle(shuffled)
    assert sorted(lines(loaded(shuffled))) == texts


@pytest.mark.parametrize(
    "line",
    [
        "not json",
        "[]",
        "{}",
        '{"vertex":"Nothing","key":{},"properties":{}}',
        '{"vertex":"Run","key":{},"properties":{}}',
        '{"vertex":"Run","key":{"run_id":7},"properties":{}}',
        '{"vertex":"Run","key":{"run_id":"r"},"properties":{"unknown":1}}',
        '{"edge":"READ","from":["Run",{"run_id":"r"}],"to":["Run",{"run_id":"r"}],"properties":{}}',
        '{"vertex":"?","key":{"id":"x","label":"y"},"properties":{}}',
    ],
)
def test_what_is_no_line_is_named_and_nothing_after_it_is_written(line: str, monkeypatch: pytest.MonkeyPatch) -> None:
    written: list[Facts] = []
    monkeypatch.setattr("lineagegraph.store.GraphStore.open", lambda self, naming: "graph")
    monkeypatch.setattr("lineagegraph.store.GraphStore.write", lambda self, facts: written.append(facts))
    good = '{"vertex":"Run","key":{"run_id":"r"},"properties":{}}'
    with pytest.raises(LineageError, match="Line 3 is no line of an export"):
        load(GraphSettings(), [good, "\n", line, good])
    assert written == []
    assert load(GraphSettings(), [good, good]) == 2
    assert len(written[0]) == 1


def test_the_command_reads_files_and_standard_input(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lineagegraph.load.load", lambda settings, texts, progress: len(list(texts)))
    done = CliRunner().invoke(upkeep.import_, ["-"], input="a\nb\n", obj=GraphSettings)
    assert done.output == "2 lines imported.\n"

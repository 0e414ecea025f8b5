"""How two graphs differ, told line by line."""

from __future__ import annotations

import json
import random
from pathlib import Path

import pytest
from click.testing import CliRunner

from lineagegraph.canonical import lines
from lineagegraph.diff import Difference, differences
from lineagegraph.errors import LineageError
from lineagegraph.facts import Facts, Vertex
from lineagegraph.settings import GraphSettings
from lineagegraph.upkeep import diff


def graph(*names: str, kind: str = "S3", day: str = "2026-11-22") -> list[str]:
    facts = Facts()
    pipeline = facts.vertex(Vertex("Pipeline", ("spark", "daily")))
    for name in names:
        table = facts.vertex(Vertex("Dataset", ("s3://lake", name)), {"layer": kind})
        facts.edge("CONSUMES", pipeline, table, day)
    return sorted(lines(facts))


def told(a: list[str], b: list[str]) -> list[tuple[str, str]]:
    return [(one.kind, (one.first or one.second)[:12]) for one in differences(iter(a), iter(b))]


def test_equal_graphs_do_not_differ() -> None:
    assert told(graph("a", "b"), graph("b", "a")) == []
    assert told([], []) == []


def test_what_only_one_has_and_what_has_other_properties_is_told_apart() -> None:
    assert told(graph("a", "ab", "c"), graph("a", "c")) == [
        ("only_first", '{"edge":"CON'),
        ("only_first", '{"vertex":"D'),
    ]
    assert told(graph("a"), graph("a", "b")) == [("only_second", '{"edge":"CON'), ("only_second", '{"vertex":"D')]
    found = list(differences(iter(graph("a", "b")), iter(graph("a", "b", kind="gold", day="2026-11-23"))))
    assert [one.kind for one in found] == ["changed"] * 4
    assert isinstance(found[0], Difference)
    assert json.loads(found[0].second)["properties"] == {"last_seen_at": "2026-11-23"}


def test_files_are_compared_whatever_their_order(tmp_path: Path) -> None:
    a, b = tmp_path / "a", tmp_path / "b"
    whole = graph(*"abcdef")
    a.write_text("\n".join(whole) + "\n", encoding="utf-8")
    shuffled = random.Random(1).sample(whole[1:], len(whole) - 1)
    b.write_text("\n".join(shuffled) + "\n", encoding="utf-8")
    done = CliRunner().invoke(diff, [str(a), str(b)], obj=GraphSettings)
    assert done.exit_code == 3, done.output
    assert done.output.splitlines() == [f"- {whole[0]}", "1 only in A, 0 only in B, 0 changed."]
    done = CliRunner().invoke(diff, [str(a), str(a), "--json"], obj=GraphSettings)
    assert (done.exit_code, json.loads(done.output)["equal"]) == (0, True)
    done = CliRunner().invoke(diff, [str(b), str(a), "--json"], obj=GraphSettings)
    told_, numbers = map(json.loads, done.output.splitlines())
    assert (told_["difference"], told_["second"]) == ("only_second", json.loads(whole[0]))
    assert numbers == {"equal": False, "only_first": 0, "only_second": 1, "changed": 0}


@pytest.mark.parametrize("content", ["no line", '{"run":"1"}'])
def test_what_is_no_export_is_refused(content: str, tmp_path: Path) -> None:
    (tmp_path / "a").write_text(content, encoding="utf-8")
    for place in (tmp_path / "a", tmp_path / "missing"):
        done = CliRunner().invoke(diff, [str(place), str(place)], obj=GraphSettings)
        assert isinstance(done.exception, LineageError), done.output

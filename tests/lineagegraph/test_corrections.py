"""The operator's alias and ignore file: applied on read, and every mistake in it told with its line."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from lineagegraph.answers import answers
from lineagegraph.corrections import NONE, Corrections
from lineagegraph.errors import LineageError
from tests.lineagegraph.build import dataset, ds, event, facts, failed, ran

OLD = "3595939024204564728"


@pytest.fixture
def corrected(tmp_path: Path) -> Any:
    """Corrections from the text of a file."""

    def load(text: str) -> Corrections:
        path = tmp_path / "aliases.toml"
        path.write_text(text, encoding="utf-8")
        return Corrections.load(path)

    return load


TWICE = """
[[alias]]
namespace = "a"
name = "b"
also = [{ namespace = "c", name = "d" }]
[[alias]]
namespace = "x"
name = "y"
also = [{ namespace = "c", name = "d" }]
"""

ALIAS = """
[[alias]]
namespace = "s3://lake"
name = "silver/t"
also = [{ namespace = "trino", name = "lake.silver.t" }, { namespace = "old", name = "t" }]
"""


def told(events: Any, corrections: Corrections = NONE) -> dict[str, Any]:
    """Outputs with their sources, runs with what they read, by name."""
    found: dict[str, Any] = {}
    for answer in answers(facts(events), corrections):
        if "output" in answer:
            found[answer["output"]["name"]] = [source["name"] for source in answer["sources"]]
        elif "run" in answer:
            found[answer["run"]] = [(row["name"], row["version"], row["certainty"]) for row in answer["read"]]
        else:
            found[f"model {answer['model']['name']}"] = answer["reproducible"]
    return found


def test_aliases_are_one_dataset(corrected: Any) -> None:
    events = [
        ran(0, [ds("a")], [ds("silver/t")]),
        ran(5, [ds("lake.silver.t", namespace="trino", scanned=float(OLD))], [ds("out")], run="r2", job="j2"),
        event("START", 9, [ds("t", namespace="old", version=OLD)], run="r3", job="j3"),
    ]
    assert told(events)["out"] == ["lake.silver.t"]
    found = told(events, corrected(ALIAS))
    assert found["out"] == ["silver/t"]
    assert found["silver/t"] == ["a"]
    assert found["r2"] == [("silver/t", OLD, "exact")]


def test_an_alias_goes_before_what_symlinks_claim(corrected: Any) -> None:
    claimed = ds("elsewhere", called="x")
    claimed["facets"]["symlinks"]["identifiers"][0] |= {"namespace": "old", "name": "t"}
    events = [ran(0, [claimed], []), ran(5, [ds("t", namespace="old")], [ds("out")], run="r2", job="j2")]
    assert told(events)["out"] == ["elsewhere"]
    assert told(events, corrected(ALIAS))["out"] == ["silver/t"]


def test_aliases_lead_through_other_aliases(corrected: Any) -> None:
    rules = corrected(
        ALIAS + '\n[[alias]]\nnamespace = "new"\nname = "t"\nalso = [{namespace="s3://lake", name="silver/t"}]\n'
    )
    assert rules.dataset(dataset("t", "old")) == dataset("t", "new")
    assert set(rules.names(dataset("t", "new"))) == {
        dataset("t", "new"),
        dataset("silver/t"),
        dataset("lake.silver.t", "trino"),
        dataset("t", "old"),
    }


def test_names_in_registers_follow_the_aliases(corrected: Any) -> None:
    # The statistics of a run name the dataset; without them nothing would show that it wrote.
    events = ran(0, [], [ds("t", namespace="old", version=OLD, rows=1)])
    (run,) = [a for a in answers(facts(events), corrected(ALIAS)) if "run" in a]
    assert [(row["name"], row["certainty"]) for row in run["wrote"]] == [("silver/t", "exact")]


@pytest.mark.parametrize(
    ("ignored", "gone", "kept"),
    [
        ('dataset = { namespace = "s3://lake", name = "a" }', {"r1": [], "out": []}, {}),
        ('dataset = { name = "a*" }', {"r1": [], "out": []}, {}),
        ('dataset = { namespace = "s3://other", name = "a" }', {}, {"out": ["a"]}),
        ('pipeline = { name = "job" }', {"out": None, "r1": None}, {"r2": [("out", None, "unknown")]}),
        ('run = "R1"', {"r1": None, "out": []}, {}),
        ('model = { name = "churn", version = "5" }', {"model churn": None}, {"out": ["a"]}),
        ('model = { name = "churn", version = "6" }', {}, {"model churn": "no"}),
        (
            'output = { namespace = "s3://lake", name = "out" }\nsource = { namespace = "s3://lake", name = "a" }',
            {"out": []},
            {"r1": [("a", None, "unknown")]},
        ),
    ],
)
def test_what_is_ignored_leaves_every_answer(
    corrected: Any, ignored: str, gone: dict[str, Any], kept: dict[str, Any]
) -> None:
    model = ds("churn", namespace="mlflow://host", version="5", kind="MODEL")
    events = [ran(0, [ds("a")], [ds("out")]), ran(5, [ds("out")], [model], run="r2", job="train")]
    before = told(events)
    found = told(events, corrected(f'[[ignore]]\n{ignored}\nreason = "wrong"\n'))
    assert {key: found.get(key) for key in gone} == gone
    assert all(before.get(key) != gone[key] for key in gone)
    assert {key: found.get(key) for key in kept} == kept


def test_a_derivation_is_retracted_under_any_name_and_also_where_it_is_stated(corrected: Any) -> None:
    rules = corrected(
        '[[ignore]]\noutput = { namespace = "catalog", name = "db.out" }\n'
        'source = { namespace = "s3://lake", name = "a" }\n'
    )
    events = ran(0, [ds("a"), ds("b")], [ds("out", of=["a", "b"], called="db.out")])
    assert told(events, rules)["out"] == ["b"]


def test_a_run_that_is_ignored_bears_nothing_out(corrected: Any) -> None:
    events = [ran(0, [ds("a")], [ds("out")]), ran(5, [ds("test")], [ds("out")], run="r2")]
    assert told(events, corrected('[[ignore]]\nrun = "r2"\n'))["out"] == ["a"]
    assert told(failed(0, [ds("a")], [ds("out")]), corrected('[[ignore]]\nrun = "r1"\n'))["out"] == []


def test_facts_are_never_changed(corrected: Any) -> None:
    before = facts(ran(0, [ds("t", namespace="old")], [ds("out")]))
    list(answers(before, corrected(ALIAS + '\n[[ignore]]\nrun = "r1"\n')))
    assert before == facts(ran(0, [ds("t", namespace="old")], [ds("out")]))


@pytest.mark.parametrize(
    ("text", "line", "says"),
    [
        ('\n[[alias]]\nnamespace = "a"\nname = "b"\n', 2, "Field required"),
        ('[[alias]]\nnamespace = "a"\nname = "b"\nalso = []\n', 4, "at least 1"),
        ('[[ignore]]\nrun = "a"\n\n[[ignore]]\nrum = "b"\n', 5, "Extra inputs"),
        ('[[ignore]]\nrun = "a"\n\n[[ignore]]\nrun = 5\n', 5, "valid string"),
        ('[[ignore]]\nrun = "a"\n\n[[ignore]]\nreason = "b"\n', 4, "exactly one of"),
        ('[[ignore]]\nrun = "a"\nmodel = { name = "b" }\n', 1, "exactly one of"),
        ('[[ignore]]\noutput = { namespace = "a", name = "b" }\n', 1, "both output and source"),
        ("# comment\naliases = 5\n", 2, "Extra inputs"),
        ("[[alias]\n", 1, "is not TOML"),
        ('[[alias]]\nnamespace = "a"\nname = "b"\nalso = [{ namespace = "a", name = "b" }]\n', 1, "an alias of itself"),
        (TWICE, 9, "an alias of two datasets"),
    ],
)
def test_a_mistake_is_told_with_its_line(corrected: Any, text: str, line: int, says: str) -> None:
    with pytest.raises(LineageError, match=says) as told:
        corrected(text)
    assert f"line {line}" in str(told.value)


def test_a_file_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    with pytest.raises(LineageError, match="cannot be read: No such file"):
        Corrections.load(tmp_path / "none.toml")
    (tmp_path / "latin.toml").write_bytes(b"# \xe4\n")
    with pytest.raises(LineageError, match="not UTF-8"):
        Corrections.load(tmp_path / "latin.toml")

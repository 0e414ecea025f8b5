"""Whether a training can be repeated, with a reason where it cannot, the SQL that fetches its data, and the report."""

from __future__ import annotations

from typing import Any

import pytest

from lineagegraph import audit, training
from lineagegraph.errors import NotFound
from lineagegraph.facts import Facts, Vertex, fold
from lineagegraph.naming import Naming
from lineagegraph.reader import Reader
from lineagegraph.rules import Snapshot
from lineagegraph.statements import Statement
from lineagegraph.view import View
from tests.lineagegraph.api.asking import asking
from tests.lineagegraph.build import Events, ds, event, facts, failed, ran
from tests.lineagegraph.fake_graph import FakeGraph

OLD, NEW = "3595939024204564728", "5974101018787936586"
CHURN = ds("churn", namespace="mlflow://host", version="5", kind="MODEL")


def training_run(*inputs: dict[str, Any], code: str | None = None) -> Events:
    """A run that trained the model on these; `code`: the version of its code, as Git has it."""
    events = ran(0, inputs, [CHURN], job="train")
    if code is not None:
        for one in events:
            place = {"type": "git", "url": "https://git/x", "version": code}
            one["job"]["facets"]["sourceCodeLocation"] = place
    return events


def asked(*events: Events) -> training.ModelLineage:
    return training.model_lineage(Reader(FakeGraph(facts(*events)).ask), "churn", 5)


def exact() -> dict[str, Any]:
    return ds("t", scanned=float(OLD), version=OLD)


REASONS: list[tuple[str, Events, str, list[str | None]]] = [
    ("nothing is missing", training_run(exact()), "yes", [None]),
    ("no snapshot", training_run(exact(), ds("u")), "no", [None, "no snapshot recorded"]),
    ("only likely", training_run(ds("t", version=OLD)), "unknown", ["the snapshot is only likely"]),
    (
        "only approximate",
        training_run(ds("t", scanned=float(OLD))),
        "unknown",
        ["the snapshot's number is only approximate"],
    ),
    (
        "dropped",
        [training_run(exact()), ran(9, [], [ds("t", change="DROP")], run="r9", job="drop")],
        "no",
        ["the dataset was dropped"],
    ),
]


@pytest.mark.parametrize(("events", "answer", "reasons"), [row[1:] for row in REASONS], ids=[row[0] for row in REASONS])
def test_each_training_dataset_has_the_reason_why_it_cannot_be_relied_on(
    events: Events, answer: str, reasons: list[str | None]
) -> None:
    found = asked(events)
    assert (found.reproducible, [row.reason for row in found.trained_on]) == (answer, reasons)


def test_a_missing_code_version_is_remarked_on_the_run() -> None:
    assert [run.remarks for run in asked(training_run(exact())).runs] == [("code version missing",)]
    (run,) = asked(training_run(exact(), code="4f2a9c1")).runs
    assert (run.code_version, run.remarks) == ("4f2a9c1", ())


def test_a_model_all_of_whose_runs_failed_was_never_made() -> None:
    with pytest.raises(NotFound, match="every run that names it failed"):
        asked(failed(0, [exact()], [CHURN]))
    with asking(facts(failed(0, [exact()], [CHURN]))) as api:
        answer = api.post('{ modelLineage(modelName: "churn", modelVersion: 5) { isReproducible } }').json()
    assert answer["errors"][0]["extensions"]["code"] == "NOT_FOUND"
    assert "failed" in answer["errors"][0]["message"]


@pytest.mark.parametrize(
    ("namespace", "name", "called", "version", "expected"),
    [
        ("file", "/lake/t", None, OLD, f"SELECT * FROM iceberg.`/lake/t` VERSION AS OF {OLD}"),
        ("file", "/lake/t", "db.t", OLD, f"SELECT * FROM `db`.`t` VERSION AS OF {OLD}"),
        ("s3://lake", "gold/t", None, OLD, f"SELECT * FROM iceberg.`s3://lake/gold/t` VERSION AS OF {OLD}"),
        ("hive", "db.t", None, "audit's", "SELECT * FROM `db`.`t` VERSION AS OF 'audit''s'"),
        ("hive", "db.`t", None, "1", "SELECT * FROM `db`.```t` VERSION AS OF 1"),
        ("hive", "db.t", None, "1; DROP TABLE x", "SELECT * FROM `db`.`t` VERSION AS OF '1; DROP TABLE x'"),
        ("hive", "db.t", None, "\\' OR 1", "SELECT * FROM `db`.`t` VERSION AS OF '\\\\'' OR 1'"),
    ],
)
def test_the_sql_fetches_exactly_that_snapshot_and_nothing_else(
    namespace: str, name: str, called: str | None, version: str, expected: str
) -> None:
    view = View(facts(ran(0, [], [ds(name, namespace=namespace, called=called)])))
    snapshot = Snapshot(Vertex("Dataset", (namespace, name)), version, "exact", None)
    assert training.time_travel(view, snapshot) == expected


@pytest.mark.parametrize(("version", "certainty"), [(None, "unknown"), ("5.9e+18", "approximate")])
def test_there_is_no_sql_for_a_snapshot_that_is_not_known(version: str | None, certainty: Any) -> None:
    view = View(facts(ran(0, [], [ds("t")])))
    assert training.time_travel(view, Snapshot(Vertex("Dataset", ("s3://lake", "t")), version, certainty, None)) is None


def both() -> Facts:
    said = Statement(Naming(), 1_790_000_000_000)
    said.trained(said.model("churn", 5, "sklearn", namespace="mlflow://host"), said.dataset("gold/|odd|"), None)
    named = event("START", 9, [ds("t", version=OLD)], run="r9")
    return fold([facts(training_run(ds("t", scanned=float(OLD)), code="4f2a9c1"), named), said.facts])


def report() -> audit.Audit:
    return audit.audit(Reader(FakeGraph(both()).ask), 1_795_000_000_000, "churn", 5)


def test_the_report_says_what_was_used_whether_it_can_be_had_again_and_who_made_it() -> None:
    told = audit.as_json(report())
    assert told["model"] == {
        "namespace": "mlflow://host",
        "name": "churn",
        "version": "5",
        "framework": "sklearn",
    }
    assert (told["reported_at"], told["reproducible"], told["cut"]) == ("2026-11-18T11:06:40.000Z", "no", False)
    rows = {row["dataset_id"]: row for row in told["training_datasets"]}
    assert (rows["t"]["version"], rows["t"]["retrievable"], rows["t"]["reason"]) == (OLD, True, None)
    assert rows["t"]["sql"].endswith(f"VERSION AS OF {OLD}")
    assert (rows["gold/|odd|"]["retrievable"], rows["gold/|odd|"]["reason"]) == (False, "no snapshot recorded")
    (run,) = told["training_runs"]
    assert (run["run"], run["pipeline"]["name"], run["code_version"], run["remarks"]) == ("r1", "train", "4f2a9c1", [])
    assert run["completed_at"] == "2026-11-01T00:01:00.000Z"


def test_the_report_for_people_is_a_table_that_no_name_can_break() -> None:
    lines = audit.as_markdown(report()).splitlines()
    assert lines[0] == "# Training data of churn, version 5"
    rows = [line for line in lines if line.startswith("| ")]
    assert "| gold/\\|odd\\| | none | unknown | no | no snapshot recorded |" in rows
    assert f"| t | {OLD} | exact | yes |  |" in rows
    assert "| r1 | train | 2026-11-01T00:01:00.000Z | 4f2a9c1 |" in rows
    assert sum(line.endswith(f"VERSION AS OF {OLD};") for line in lines) == 1

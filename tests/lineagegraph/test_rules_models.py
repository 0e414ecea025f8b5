"""Which models count, and what they were trained on."""

from __future__ import annotations

from typing import Any

from lineagegraph import rules
from lineagegraph.facts import Facts, Vertex
from lineagegraph.view import View
from tests.lineagegraph.build import dataset, ds, event, failed, ran, view

OLD, NEW = "3595939024204564728", "5974101018787936586"
MODEL = Vertex("Model", ("mlflow://host", "churn", "5"))


def churn() -> dict[str, Any]:
    return ds("churn", namespace="mlflow://host", version="5", kind="MODEL")


Told = tuple[str, list[tuple[str, str | None, str, str | None]]]


def told(*events: Any) -> Told | None:
    found = rules.training(view(*events), MODEL)
    if found is None:
        return None
    rows: Any = [
        (t.snapshot.dataset.key[1], t.snapshot.version, t.snapshot.certainty, t.reason) for t in found.trained_on
    ]
    return found.reproducible, rows


def test_a_model_was_trained_on_the_snapshots_that_its_run_scanned() -> None:
    named = event("START", 9, [ds("t", version=OLD)], run="r9")
    assert told(ran(0, [ds("t", scanned=float(OLD))], [churn()]), named) == ("yes", [("t", OLD, "exact", None)])


def test_it_cannot_be_reproduced_without_a_snapshot() -> None:
    run = ran(0, [ds("t", scanned=float(OLD)), ds("u")], [churn()])
    assert told(run, event("START", 9, [ds("t", version=OLD)], run="r9")) == (
        "no",
        [("t", OLD, "exact", None), ("u", None, "unknown", "no snapshot recorded")],
    )


def test_whether_it_can_be_reproduced_is_unknown_if_a_snapshot_is_only_likely_or_approximate() -> None:
    likely = told(ran(0, [ds("t", version=OLD)], [churn()]))
    assert likely == ("unknown", [("t", OLD, "likely", "the snapshot is only likely")])
    assert (told(ran(0, [ds("t", scanned=float(OLD))], [churn()])) or ("", []))[0] == "unknown"
    assert told(ran(0, [], [churn()])) == ("unknown", [])


def test_it_cannot_be_reproduced_from_a_dataset_that_is_gone() -> None:
    run = ran(0, [ds("t", scanned=float(OLD), version=OLD)], [churn()])
    dropped = ran(9, [], [ds("t", change="DROP")], run="r9", job="drop")
    assert told(run, dropped) == ("no", [("t", OLD, "exact", "the dataset was dropped")])


def test_two_snapshots_of_one_table_are_two_rows() -> None:
    run = ran(0, [ds("t", scanned=float(OLD), version=OLD), ds("t", scanned=float(NEW), version=NEW)], [churn()])
    assert [row[1] for row in (told(run) or ("", []))[1]] == [OLD, NEW]


def test_a_model_of_a_run_that_failed_does_not_count() -> None:
    assert told(failed(0, [ds("t", version=OLD)], [churn()])) is None
    assert told(event("START", 0, [ds("t", version=OLD)], [churn()])) is None
    spark = [*failed(0, [ds("t", version=OLD)], [churn()]), event("COMPLETE", 3, [ds("t")], [churn()])]
    assert told(spark) is None


def test_it_counts_if_any_run_that_wrote_it_succeeded_and_only_its_data_counts() -> None:
    bad, good = failed(0, [ds("t", version=OLD)], [churn()]), ran(5, [ds("u", version=NEW)], [churn()], run="r2")
    assert told(bad, good) == ("unknown", [("u", NEW, "likely", "the snapshot is only likely")])


def stated(*ends: Vertex) -> Facts:
    client = Facts()
    for end in ends:
        client.edge("TRAINED_ON", MODEL, end)
    return client


def test_what_a_client_states_counts_without_any_run() -> None:
    version = Vertex("DatasetVersion", ("s3://lake", "t", OLD))
    found = rules.training(View(stated(dataset("t"), version)), MODEL)
    assert found
    assert (found.reproducible, [row.snapshot.version for row in found.trained_on]) == ("yes", [OLD])
    bare = rules.training(View(stated(dataset("t"))), MODEL)
    assert bare
    assert (bare.reproducible, bare.runs) == ("no", ())


def test_models_are_found_by_what_they_were_trained_on() -> None:
    seen = view(
        ran(0, [ds("t", version=OLD)], [churn()]),
        failed(5, [ds("t")], [ds("bad", namespace="mlflow://host", version="1", kind="MODEL")], run="r2"),
    )
    assert [t.model for t in rules.trained_models(seen, dataset("t"))] == [MODEL]
    assert rules.trained_models(seen, dataset("u")) == []

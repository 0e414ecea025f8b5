"""Features and models: Feast's facets, and our convention for models."""

from __future__ import annotations

import pytest

from tests.mappers.events import Json, dataset, mapped, run_event, told

VERSION: Json = {"version": {"datasetVersion": "5"}}
MODEL: Json = {"datasetType": {"datasetType": "MODEL", "subType": "sklearn"}, **VERSION}
SCAN: Json = {"icebergScanReport": {"snapshotId": 5974101018787936586}}


def about_models(event: Json) -> set[str]:
    return {line for line in told(event) if line.startswith("model:")}


def test_a_model_is_trained_on_what_the_completed_run_read_with_its_snapshots() -> None:
    event = run_event(
        inputs=[dataset("a", inputFacets=SCAN), dataset("b", {"version": {"datasetVersion": "7"}}), dataset("c")],
        outputs=[dataset("churn", MODEL)],
    )
    assert about_models(event) == {
        'model:churn@5 model_name="churn"',
        'model:churn@5 framework="sklearn"',
        "model:churn@5 TRAINED_BY run:1",
        "model:churn@5 TRAINED_ON a",
        "model:churn@5 TRAINED_ON a@5974101018787936586",
        "model:churn@5 TRAINED_ON b",
        "model:churn@5 TRAINED_ON b@7",
        "model:churn@5 TRAINED_ON c",
    } - {'model:churn@5 model_name="churn"'}


@pytest.mark.parametrize("kind", ["START", "RUNNING", "FAIL", "ABORT", "OTHER", None])
def test_only_a_completed_run_trains(kind: str | None) -> None:
    event = run_event(
        kind, inputs=[dataset("a")], outputs=[dataset("churn", {**MODEL, "datasetType": {"datasetType": "model"}})]
    )
    assert about_models(event) == {"model:churn@5 TRAINED_BY run:1"}


@pytest.mark.parametrize("namespace", ["mlflow://host:5000", "models:/"])
def test_a_dataset_of_a_model_registry_is_a_model(namespace: str) -> None:
    event = run_event(outputs=[dataset("churn", VERSION, namespace=namespace)])
    assert about_models(event) == {"model:churn@5 TRAINED_BY run:1"}


NO_MODELS = [
    ("without a version", run_event(outputs=[dataset("churn", {"datasetType": {"datasetType": "MODEL"}})])),
    ("that is read", run_event(inputs=[dataset("churn", MODEL)])),
    ("of dbt", run_event(job={"jobType": {"integration": "DBT", "jobType": "MODEL"}}, outputs=[dataset("t", VERSION)])),
    ("that is a table", run_event(outputs=[dataset("models", {"datasetType": {"datasetType": "TABLE"}, **VERSION})])),
]


@pytest.mark.parametrize(("what", "event"), NO_MODELS, ids=[row[0] for row in NO_MODELS])
def test_these_make_no_model(what: str, event: Json) -> None:
    assert about_models(event) == set()


def test_a_model_that_a_client_declares_without_a_run_is_a_dataset_only() -> None:
    event = run_event(outputs=[dataset("churn", MODEL)])
    del event["run"]
    assert about_models(event) == set()


VIEW = {"feast_featureView": {"name": "driver_stats", "features": ["rate"], "entities": ["driver"]}}


def about_features(event: Json) -> set[str]:
    return {line for line in told(event) if "feature:" in line and "=" not in line}


@pytest.mark.parametrize("kind", ["definition", "transform"])
def test_a_feature_is_produced_by_the_job_whose_output_it_is(kind: str) -> None:
    event = run_event(job={"feast_jobKind": {"kind": kind}}, outputs=[dataset("driver_stats", VIEW)])
    assert "job:job PRODUCES feature:driver_stats" in about_features(event)


def test_a_definition_is_topology_and_no_run() -> None:
    parts: Json = {"inputs": [dataset("source")], "outputs": [dataset("driver_stats", VIEW)]}
    event = run_event(job={"feast_jobKind": {"kind": "definition"}}, run={"parent": {"run": {"runId": "p"}}}, **parts)
    assert not any("run:" in line for line in told(event))
    assert about_features(event) == {"job:job PRODUCES feature:driver_stats"}
    assert {"job:job CONSUMES source", "job:job GENERATED_BY driver_stats"} <= told(event)
    assert mapped(event).bad_facets == ()


def test_a_materialisation_reads_the_feature() -> None:
    event = run_event("START", inputs=[dataset("driver_stats", VIEW)], outputs=[dataset("online_store_driver_stats")])
    assert about_features(event) == {"run:1 READ feature:driver_stats"}


def test_a_feature_view_without_features_has_those_of_its_schema() -> None:
    facets = {"feast_featureView": {"name": "fv"}, "schema": {"fields": [{"name": "b"}, {"name": "a"}]}}
    assert 'feature:fv feature_names=["a","b"]' in told(run_event(outputs=[dataset("fv", facets)]))
    broken = {**facets, "schema": {"fields": [{"name": "b"}, {}]}}
    assert "feature:fv feature_names=[]" in told(run_event(outputs=[dataset("fv", broken)]))


@pytest.mark.parametrize(
    ("job", "run", "dialect", "meant"),
    [
        ("DBT", "Spark", "duckdb", "dbt"),
        (None, "Spark", "duckdb", "spark"),
        (None, None, "duckdb", "duckdb"),
        (5, "Spark", None, "spark"),
        (None, None, "postgres", None),
    ],
)
def test_a_pipelines_type_is_its_integration_else_its_engine_else_duckdb(
    job: object, run: str | None, dialect: str | None, meant: str | None
) -> None:
    job_facets = {"jobType": {"integration": job} if job else None, "sql": {"query": "q", "dialect": dialect}}
    event = run_event(job=job_facets, run={"processing_engine": {"name": run}})
    types = {line for line in told(event) if "pipeline_type" in line}
    assert types == ({f'job:job pipeline_type="{meant}"'} if meant else set())

"""Every sample of the Data Lineage Tracking Guide that uses `JanusGraphClient` runs as it stands there.

Only the import path is ours; what a sample takes from elsewhere (its catalogue, MLflow) is given to it.
"""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any
from unittest.mock import MagicMock

import pytest

from lineagegraph.facts import Facts, Vertex
from tests.lineagegraph.api.asking import Graph

RECORD_PIPELINE_EXECUTION = """
from lineagegraph import JanusGraphClient

client = JanusGraphClient()
client.connect()

# Record that pipeline generated a dataset
client.add_pipeline_generates_dataset(
    pipeline_id="spark_aggregate_sales",
    pipeline_version=5,
    dataset_id="silver/sales_aggregated",
    dataset_version="snapshot_abc123"  # Iceberg snapshot
)
"""
RECORD_MODEL_TRAINING = """
# Record datasets used for model training
client.add_model_trained_on_dataset(
    model_name="churn_predictor",
    model_version=3,
    dataset_id="gold/customers",
    dataset_version="snapshot_def456"  # For reproducibility!
)
"""
UPSTREAM = """
# Get all datasets that led to this one
upstream = client.get_upstream_datasets("gold/sales_aggregated", max_depth=10)

for dataset in upstream:
    print(f"- {dataset['dataset_id']} (layer: {dataset['layer']})")
"""
MODEL_LINEAGE = """
lineage = client.get_model_training_lineage("churn_predictor", version=3)

print(f"Model: {lineage['model']['model_name']}")
print("Training datasets:")
for ds in lineage['training_datasets']:
    print(f"  - {ds['dataset_id']} @ {ds.get('version', 'no snapshot')}")
"""
IMPACT = """
consumers = client.get_dataset_consumers("silver/customers")

print(f"Models using this dataset: {len(consumers['models'])}")
for model in consumers['models']:
    print(f"  - {model['model_name']} v{model['version']}")

print(f"Pipelines using this dataset: {len(consumers['pipelines'])}")
"""
ICEBERG = """
iceberg = IcebergCatalog()
snapshot_id = iceberg.get_snapshot_id("gold", "customers")

# Use snapshot in lineage for reproducibility
client.add_dataset(
    dataset_id="gold/customers",
    layer="gold",
    version=snapshot_id  # Critical for time-travel!
)
"""
MLFLOW = """
# Train model
with mlflow.start_run():
    model.fit(X_train, y_train)
    mlflow.sklearn.log_model(model, "model")

    # Log lineage metadata
    mlflow.log_param("training_dataset", "gold/customers")
    mlflow.log_param("dataset_snapshot", snapshot_id)

# Record in graph
client.add_model_trained_on_dataset(
    model_name="churn_predictor",
    model_version=run.info.run_id,
    dataset_id="gold/customers",
    dataset_version=snapshot_id
)
"""
DEGRADATION = """
# 1. Find which dataset was used for training
lineage = client.get_model_training_lineage("churn_predictor", version=5)
dataset_snapshot = lineage['training_datasets'][0]['version']

# 2. Compare with current data
iceberg = IcebergCatalog()
historical_data = iceberg.time_travel("gold", "customers", dataset_snapshot)
current_data = iceberg.time_travel("gold", "customers", "latest")

# 3. Identify schema drift
compare_schemas(historical_data, current_data)
"""
AUDIT = """
lineage = client.get_model_training_lineage("credit_risk_model", version=3)

audit_report = {
    "model": "credit_risk_model v3",
    "training_date": "2026-01-15",
    "datasets": [
        {
            "id": ds['dataset_id'],
            "snapshot": ds['version'],
            "retrievable": True  # Can time-travel to exact data
        }
        for ds in lineage['training_datasets']
    ]
}
"""
DEPTH = """
# Good: Limited depth
upstream = client.get_upstream_datasets("gold/customers", max_depth=5)

# Bad: Unbounded traversal
upstream = client.get_upstream_datasets("gold/customers", max_depth=100)
"""
TROUBLE = """
# Test connection
client = JanusGraphClient()
client.connect()  # Should not throw error

# Manually add test node
client.add_dataset("test/dataset", "bronze")
"""


class Served(Graph):
    """The graph that a client without a URL finds."""

    def open(self, naming_hash: str) -> None:
        """It is ours."""

    def close(self) -> None:
        """Others may go on asking."""


class Console:
    """One console in which samples run one after another."""

    def __init__(self, graph: Served) -> None:
        self.graph = graph
        self.time_travels: list[tuple[str, ...]] = []
        self.known: dict[str, Any] = {
            "IcebergCatalog": lambda: SimpleNamespace(
                get_snapshot_id=lambda *_: 5974101018787936586,
                time_travel=lambda *asked: self.time_travels.append(asked),
            ),
            "mlflow": MagicMock(),
            "model": MagicMock(),
            "X_train": [],
            "y_train": [],
            "run": SimpleNamespace(info=SimpleNamespace(run_id="0a1b2c")),
            "compare_schemas": lambda *_: None,
        }

    def run(self, *samples: str) -> None:
        for sample in samples:
            exec(sample, self.known)  # noqa: S102  (the guide's own text)


@pytest.fixture
def console(monkeypatch: pytest.MonkeyPatch) -> Console:
    graph = Served(Facts())
    monkeypatch.setattr("lineagegraph.client.GraphStore", lambda settings: graph)
    monkeypatch.setattr("lineagegraph.client.Connections", lambda settings: graph)
    made = Console(graph)
    made.run(RECORD_PIPELINE_EXECUTION)
    client = made.known["client"]
    for source in ("bronze/sales", "bronze/products"):
        client.add_pipeline_consumes_dataset("spark_aggregate_sales", 5, source)
    client.record_dataset_promotion("silver/sales_aggregated", "gold/sales_aggregated")
    client.record_dataset_promotion("silver/customers", "gold/customers", "DQ validation + PII masking")
    return made


def test_upstream_lineage_prints_what_the_guide_says(console: Console, capsys: pytest.CaptureFixture[str]) -> None:
    console.run(UPSTREAM)
    first, *others = capsys.readouterr().out.splitlines()
    assert first == "- silver/sales_aggregated (layer: silver)"
    assert set(others) == {"- bronze/sales (layer: bronze)", "- bronze/products (layer: bronze)"}


def test_model_training_lineage_prints_what_the_guide_says(
    console: Console, capsys: pytest.CaptureFixture[str]
) -> None:
    console.run(RECORD_MODEL_TRAINING)
    console.known["client"].add_model_trained_on_dataset("churn_predictor", 3, "gold/transactions", "snapshot_ghi789")
    console.run(MODEL_LINEAGE)
    assert capsys.readouterr().out.splitlines() == [
        "Model: churn_predictor",
        "Training datasets:",
        "  - gold/customers @ snapshot_def456",
        "  - gold/transactions @ snapshot_ghi789",
    ]


def test_a_dataset_without_a_snapshot_is_printed_as_the_guide_does(
    console: Console, capsys: pytest.CaptureFixture[str]
) -> None:
    console.known["client"].add_model_trained_on_dataset("churn_predictor", 3, "gold/customers")
    console.run(MODEL_LINEAGE)
    assert capsys.readouterr().out.splitlines()[-1] == "  - gold/customers @ no snapshot"


def test_impact_analysis_counts_models_and_pipelines(console: Console, capsys: pytest.CaptureFixture[str]) -> None:
    console.known["client"].add_model_trained_on_dataset("ltv_model", 2, "silver/customers", "snapshot_1")
    console.run(IMPACT)
    assert capsys.readouterr().out.splitlines() == [
        "Models using this dataset: 1",
        "  - ltv_model v2",
        "Pipelines using this dataset: 1",
    ]


def test_snapshots_of_iceberg_and_runs_of_mlflow_come_back_as_text(console: Console) -> None:
    console.run(ICEBERG, MLFLOW)
    found = console.known["client"].get_model_training_lineage("churn_predictor", version="0a1b2c")
    assert [ds["version"] for ds in found["training_datasets"]] == ["5974101018787936586"]
    assert found.reproducible == "yes"


def test_a_model_that_got_worse_is_traced_to_its_snapshot(console: Console) -> None:
    console.known["client"].add_model_trained_on_dataset("churn_predictor", 5, "gold/customers", "snapshot_def456")
    console.run(DEGRADATION)
    assert console.time_travels == [("gold", "customers", "snapshot_def456"), ("gold", "customers", "latest")]


def test_the_compliance_report_names_every_snapshot(console: Console) -> None:
    console.known["client"].add_model_trained_on_dataset("credit_risk_model", 3, "gold/customers", 3415980659974692448)
    console.run(AUDIT)
    assert console.known["audit_report"]["datasets"] == [
        {"id": "gold/customers", "snapshot": "3415980659974692448", "retrievable": True}
    ]


def test_depth_and_trouble_samples_run(console: Console) -> None:
    console.run(DEPTH)
    assert [ds["dataset_id"] for ds in console.known["upstream"]] == ["silver/customers"]
    console.run(TROUBLE)
    assert Vertex("Dataset", ("lineagegraph", "test/dataset")) in console.graph.facts.vertices

"""The Python samples of the Data Lineage Tracking Guide, as they stand there but for the import path."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Any

import pytest

from deploy.local import JanusGraph
from lineagegraph import JanusGraphClient
from lineagegraph.errors import GraphUnavailable, LineageError, NotFound
from lineagegraph.gremlin import Connections
from lineagegraph.install import install
from lineagegraph.naming import Naming
from lineagegraph.settings import GraphSettings

pytestmark = pytest.mark.real


@pytest.fixture(scope="module")
def client(fresh_graph: Callable[[str], JanusGraph]) -> Iterator[JanusGraphClient]:
    url = fresh_graph("inmemory").url
    with closing(Connections(GraphSettings(urls=(url,)))) as connections:
        install(connections, Naming().hash)
    with JanusGraphClient(url) as made:
        fill(made)
        yield made


def fill(client: JanusGraphClient) -> None:
    client.add_pipeline_generates_dataset(
        pipeline_id="spark_aggregate_sales",
        pipeline_version=5,
        dataset_id="silver/sales_aggregated",
        dataset_version="snapshot_abc123",
    )
    for source in ("bronze/sales", "bronze/products"):
        client.add_pipeline_consumes_dataset("spark_aggregate_sales", 5, source)
    client.add_dataset_derived_from("gold/sales_aggregated", "silver/sales_aggregated")
    client.add_model_trained_on_dataset(
        model_name="churn_predictor",
        model_version=3,
        dataset_id="gold/customers",
        dataset_version="snapshot_def456",
    )
    client.add_model_trained_on_dataset("churn_predictor", 3, "gold/transactions", "snapshot_ghi789")
    client.add_model_trained_on_dataset("churn_predictor", 3, "silver/customers")
    client.record_dataset_promotion("silver/customers", "gold/customers", "DQ validation + PII masking")
    client.add_pipeline_produces_feature("materialize", 1, "customer_features", ["age", "country"])


def test_upstream_lineage_is_the_guides(client: JanusGraphClient) -> None:
    upstream = client.get_upstream_datasets("gold/sales_aggregated", max_depth=10)
    lines = [f"- {dataset['dataset_id']} (layer: {dataset['layer']})" for dataset in upstream]
    assert lines[0] == "- silver/sales_aggregated (layer: silver)"
    assert sorted(lines[1:]) == ["- bronze/products (layer: bronze)", "- bronze/sales (layer: bronze)"]
    assert [row.dataset_id for row in client.get_upstream_datasets("gold/sales_aggregated", max_depth=1)] == [
        "silver/sales_aggregated"
    ]


def test_downstream_is_the_other_way(client: JanusGraphClient) -> None:
    found = client.get_downstream_datasets("bronze/sales")
    assert [(row.dataset_id, row.depth) for row in found] == [
        ("silver/sales_aggregated", 1),
        ("gold/sales_aggregated", 2),
    ]


@pytest.mark.parametrize("how", [{"version": 3}, {"version": "3"}, {"model_version": 3}, {}])
def test_training_lineage_is_the_guides(client: JanusGraphClient, how: dict[str, Any]) -> None:
    lineage = client.get_model_training_lineage("churn_predictor", **how)
    assert lineage["model"]["model_name"] == "churn_predictor"
    assert sorted(
        f"{ds['dataset_id']} @ {ds.get('version', 'no snapshot')}" for ds in lineage["training_datasets"]
    ) == [
        "gold/customers @ snapshot_def456",
        "gold/transactions @ snapshot_ghi789",
        "silver/customers @ no snapshot",
    ]
    assert lineage.reproducible == "no"


def test_consumers_are_the_guides(client: JanusGraphClient) -> None:
    consumers = client.get_dataset_consumers("silver/customers")
    assert [f"{model['model_name']} v{model['version']}" for model in consumers["models"]] == ["churn_predictor v3"]
    assert [row.pipeline_id for row in consumers["pipelines"]] == ["promote silver/customers to gold/customers"]


def test_a_snapshot_as_a_number_comes_back_as_text(client: JanusGraphClient) -> None:
    client.add_dataset(dataset_id="gold/orders", layer="gold", version=5974101018787936586)
    client.add_model_trained_on_dataset("ltv_model", "run-1", "gold/orders", 5974101018787936586)
    (row,) = client.get_model_training_lineage("ltv_model", version="run-1")["training_datasets"]
    assert (row["version"], row["certainty"]) == ("5974101018787936586", "exact")


def test_a_layer_that_the_name_does_not_tell_is_kept(client: JanusGraphClient) -> None:
    client.add_dataset("test/dataset", "bronze")
    client.add_dataset_derived_from("gold/made_of_test", "test/dataset")
    (row,) = client.get_upstream_datasets("gold/made_of_test")
    assert row["layer"] == "bronze"


def test_the_full_graph_has_nodes_for_all_its_edges(client: JanusGraphClient) -> None:
    graph = client.get_full_lineage_graph("gold/customers", "Dataset", depth=3)
    ids = {row["id"] for row in graph["nodes"]}
    assert {end for line in graph["edges"] for end in (line["source"], line["target"])} <= ids
    assert {row.label for row in graph.nodes} == {"Dataset", "Model", "Pipeline"}
    assert {line.label for line in graph.edges} >= {"DERIVED_FROM", "TRAINED_ON", "CONSUMES", "GENERATED_BY"}


def test_an_execution_that_reads_other_inputs_replaces_the_ones_before(client: JanusGraphClient) -> None:
    client.record_pipeline_execution("daily", 1, ["bronze/a"], ["silver/out"], run_id="r1")
    client.record_pipeline_execution("daily", 1, ["bronze/a"], ["silver/out"], run_id="r1")
    assert [row.dataset_id for row in client.get_upstream_datasets("silver/out")] == ["bronze/a"]
    assert [row.dataset_id for row in client.get_pipeline_outputs("daily")] == ["silver/out"]


def test_a_statement_about_a_bare_id_joins_the_only_dataset_of_that_id(client: JanusGraphClient) -> None:
    from lineagegraph.statements import Statement

    said = Statement(Naming(), 1_790_000_000_000)
    said.dataset("warehouse/gold/joined", namespace="s3://lake")
    client._write(said)
    client.add_dataset_derived_from("gold/joined", "bronze/sales")
    (found,) = client.get_downstream_datasets("bronze/sales", max_depth=1)[-1:]
    assert [
        row.namespace for row in client.get_downstream_datasets("bronze/sales", 1) if row.dataset_id == "gold/joined"
    ] == ["s3://lake"]
    assert found
    assert "bronze/sales" in [row.dataset_id for row in client.get_upstream_datasets("gold/joined")]


def test_what_is_not_there_or_not_connected_is_said(client: JanusGraphClient) -> None:
    with pytest.raises(NotFound, match="No dataset is called"):
        client.get_upstream_datasets("no/such")
    with pytest.raises(LineageError, match="not connected"):
        JanusGraphClient().add_dataset("a/b")
    with pytest.raises(GraphUnavailable, match="No graph answers"):
        JanusGraphClient("ws://127.0.0.1:9/gremlin").connect()
    with pytest.raises(LineageError, match="may not start with ~"):
        client.add_dataset("a/b", version="~1")

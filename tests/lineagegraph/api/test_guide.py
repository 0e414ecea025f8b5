"""The GraphQL of the Data Lineage Tracking Guide, as it stands there."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from lineagegraph.api.__main__ import TEXT
from lineagegraph.api.schema import SCHEMA
from tests.lineagegraph.api.asking import Api, asking

EXECUTION = """
mutation {
  recordPipelineExecution(
    pipelineId: "spark_aggregate_sales",
    pipelineVersion: 5,
    inputDatasets: ["bronze/sales", "bronze/products"],
    outputDatasets: ["silver/sales_aggregated"]
  )
}
"""
PROMOTION = """
mutation {
  recordDatasetPromotion(
    sourceDataset: "silver/customers",
    targetDataset: "gold/customers",
    transformation: "DQ validation + PII masking"
  )
}
"""
TRAINING = """
mutation {
  recordModelTraining(
    modelName: "churn_predictor", modelVersion: 5,
    trainingDatasets: ["gold/customers", "gold/transactions"],
    datasetVersions: ["5974101018787936586", "snapshot_ghi789"]
  )
}
"""


@pytest.fixture(scope="module")
def api() -> Iterator[Api]:
    with asking() as made:
        assert made.data(EXECUTION) == {"recordPipelineExecution": True}
        assert made.data(PROMOTION) == {"recordDatasetPromotion": True}
        assert made.data(TRAINING) == {"recordModelTraining": True}
        yield made


def test_dataset_lineage(api: Api) -> None:
    found = api.data("""
    query {
      datasetLineage(datasetId: "gold/customers", depth: 5) {
        datasetId
        layer
        upstreamCount

        upstreamDatasets {
          name
          properties
        }

        consumingModels {
          name
          properties
        }
      }
    }""")["datasetLineage"]
    assert (found["datasetId"], found["layer"], found["upstreamCount"]) == ("gold/customers", "gold", 1)
    assert [row["name"] for row in found["upstreamDatasets"]] == ["silver/customers"]
    assert found["upstreamDatasets"][0]["properties"]["layer"] == "silver"
    assert [(row["name"], row["properties"]["version"]) for row in found["consumingModels"]] == [
        ("churn_predictor", "5")
    ]


@pytest.mark.parametrize("version", ["5", '"5"'])
def test_model_reproducibility_check(api: Api, version: str) -> None:
    found = api.data(f"""
    query {{
      modelLineage(modelName: "churn_predictor", modelVersion: {version}) {{
        modelName
        modelVersion
        isReproducible  # if has Iceberg snapshots

        trainingDatasets {{
          name
          properties
        }}

        datasetSnapshots  # Iceberg snapshot IDs
      }}
    }}""")["modelLineage"]
    assert (found["modelName"], found["modelVersion"], found["isReproducible"]) == ("churn_predictor", "5", True)
    assert [row["name"] for row in found["trainingDatasets"]] == ["gold/customers", "gold/transactions"]
    assert found["datasetSnapshots"] == ["5974101018787936586", "snapshot_ghi789"], "text: no double holds 63 bits"


def test_full_lineage_graph(api: Api) -> None:
    found = api.data("""
    query {
      lineageGraph(
        nodeId: "gold/customers",
        nodeType: "Dataset",
        depth: 3
      ) {
        nodeCount
        edgeCount
        nodes { id label name }
        edges { label source target }
      }
    }""")["lineageGraph"]
    assert (found["nodeCount"], found["edgeCount"]) == (len(found["nodes"]), len(found["edges"])) == (4, 4)
    ids = {row["id"] for row in found["nodes"]}
    assert {end for row in found["edges"] for end in (row["source"], row["target"])} == ids
    assert {row["label"] for row in found["edges"]} == {"DERIVED_FROM", "TRAINED_ON", "CONSUMES", "GENERATED_BY"}


def test_impact_analysis(api: Api) -> None:
    found = api.data("""
    query {
      impactAnalysis(datasetId: "silver/customers", changeType: "schema") {
        totalAffected
        severity
        affectedModels { name }
        affectedPipelines { name }
        targetNode { name }
      }
    }""")["impactAnalysis"]
    assert found["severity"] == "LOW"
    assert found["totalAffected"] == 3
    assert found["affectedModels"] == [{"name": "churn_predictor"}]
    assert found["affectedPipelines"] == [{"name": "promote silver/customers to gold/customers"}]
    assert found["targetNode"] == {"name": "silver/customers"}


def test_pipeline_lineage(api: Api) -> None:
    found = api.data("""{ pipelineLineage(pipelineId: "spark_aggregate_sales", pipelineVersion: 5) {
        pipelineVersion inputDatasets { name } outputDatasets { name nodeType } } }""")["pipelineLineage"]
    assert found["pipelineVersion"] == "5"
    assert sorted(row["name"] for row in found["inputDatasets"]) == ["bronze/products", "bronze/sales"]
    assert found["outputDatasets"] == [{"name": "silver/sales_aggregated", "nodeType": "Dataset"}]


def test_lists_come_in_pages(api: Api) -> None:
    ask = """{ datasetLineage(datasetId: "silver/sales_aggregated") {
        upstreamCount upstreamDatasets(first: 1, offset: %d) { name } } }"""
    pages = [api.data(ask % at)["datasetLineage"] for at in range(3)]
    assert [page["upstreamCount"] for page in pages] == [2, 2, 2]
    assert [row["name"] for page in pages for row in page["upstreamDatasets"]] == ["bronze/products", "bronze/sales"]


def test_the_schemas_text_is_up_to_date() -> None:
    assert TEXT.read_text(encoding="utf-8") == SCHEMA.as_str() + "\n", "run `python -m lineagegraph.api`"

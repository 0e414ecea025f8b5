"""`lineagegraph serve` as its users run it."""

from __future__ import annotations

import json
import re
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from click.testing import CliRunner

from consumer.cli import cli
from lineagegraph.errors import LineageError
from tests.product import Product, eventually

EVENT: Any = {
    "eventType": "COMPLETE",
    "eventTime": "2026-11-18T00:00:00Z",
    "run": {"runId": "01939b2e-0000-7000-8000-000000000000"},
    "job": {"namespace": "air", "name": "task"},
    "inputs": [{"namespace": "s3://lake", "name": "bronze/orders"}],
    "outputs": [{"namespace": "s3://lake", "name": "silver/orders"}],
}


STATED = """mutation {
  promoted: recordDatasetPromotion(sourceDataset: "silver/orders", targetDataset: "gold/orders")
  trained: recordModelTraining(modelName: "churn", modelVersion: 5, trainingDatasets: ["gold/orders"]
                               datasetVersions: [5974101018787936586])
  ran: recordPipelineExecution(pipelineId: "publish", pipelineVersion: 1, inputDatasets: ["gold/orders"]
                               outputDatasets: ["mart/orders"], runId: "by-hand")
}"""
JOINED = """{
  datasetLineage(datasetId: "gold/orders") {
    upstreamDatasets { name } downstreamDatasets { name } consumingModels { name }
  }
  modelLineage(modelName: "churn", modelVersion: 5) { isReproducible datasetSnapshots }
  pipelineRuns(pipelineId: "publish")
}"""


def test_without_tokens_only_loopback_is_served() -> None:
    result = CliRunner().invoke(cli, ["serve", "--host", "192.0.2.1"], standalone_mode=False)
    assert isinstance(result.exception, LineageError)
    assert "--tokens" in str(result.exception)


def test_a_new_token_is_shown_once_and_only_its_hash_is_for_the_file() -> None:
    result = CliRunner().invoke(cli, ["token", "new", "grafana", "--namespace", "s3://lake*"])
    (made,) = re.findall(r"lg_\S+", result.stderr)
    assert made not in result.stdout
    assert 'namespaces = ["s3://lake*"]' in result.stdout


@contextmanager
def serving(product: Product, *more: str) -> Iterator[str]:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    process = product.start("serve", "--port", str(port), *more)
    try:
        eventually(lambda: _lives(port))
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(30)


def _asked(url: str, headers: dict[str, str], query: str) -> Any:
    """The data of an answer; of rows of runs only what does not tell the time."""
    answer: Any = httpx.post(f"{url}/graphql", json={"query": query}, headers=headers, timeout=60).json()
    assert "errors" not in answer, answer
    return {name: {"rows": _timeless(v["rows"])} if name == "pipelineRuns" else v for name, v in answer["data"].items()}


def _timeless(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{"run": row["run"], "state": row["state"]} for row in rows]


def _lives(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
    except OSError:
        return False
    return True


@pytest.mark.real
def test_an_event_over_http_goes_through_kafka_into_the_graph_and_is_answered(
    product: Callable[[str], Product], tmp_path: Path
) -> None:
    mine = product("inmemory")
    mine.run("schema", "install")
    (tmp_path / "empty.json").write_text(json.dumps(EVENT), encoding="utf-8")
    mine.publish(tmp_path / "empty.json", partitions=1)
    made = CliRunner().invoke(cli, ["token", "new", "all", "--scope", "read", "--scope", "write"])
    (tmp_path / "tokens.toml").write_text(made.stdout, encoding="utf-8")
    (secret,) = re.findall(r"lg_\S+", made.stderr)
    with serving(mine, "--tokens", str(tmp_path / "tokens.toml"), "--seconds", "60") as url:
        headers = {"Authorization": f"Bearer {secret}"}
        sent = httpx.post(f"{url}/api/v1/lineage", json=EVENT, headers=headers, timeout=30)
        assert (sent.status_code, sent.json()["received"]) == (201, 1)
        assert httpx.post(f"{url}/api/v1/lineage", json=EVENT, timeout=30).status_code == 401
        assert mine.consume()["written"] == 2
        query = (
            '{ datasetLineage(datasetId: "silver/orders") { upstreamDatasets { name } generatingPipelines { name } } }'
        )
        asked: Any = httpx.post(f"{url}/graphql", json={"query": query}, headers=headers, timeout=30).json()
        assert "errors" not in asked, asked
        assert asked["data"]["datasetLineage"] == {
            "upstreamDatasets": [{"name": "bronze/orders"}],
            "generatingPipelines": [{"name": "task"}],
        }
        assert _asked(url, headers, STATED) == {"promoted": True, "trained": True, "ran": True}
        assert _asked(url, headers, JOINED) == {
            "datasetLineage": {
                "upstreamDatasets": [{"name": "silver/orders"}, {"name": "bronze/orders"}],
                "downstreamDatasets": [{"name": "mart/orders"}],
                "consumingModels": [{"name": "churn"}],
            },
            "modelLineage": {"isReproducible": True, "datasetSnapshots": ["5974101018787936586"]},
            "pipelineRuns": {"rows": [{"run": {"label": "Run", "run_id": "by-hand"}, "state": "COMPLETE"}]},
        }
        assert httpx.get(f"{url}/api/v1/openapi.json", timeout=30).json()["openapi"].startswith("3.")
        told = httpx.get(f"{url}/metrics", timeout=30).text
        assert re.search(r'^janusgraph_queries_total\{result="done",script="around"\} [1-9]', told, re.MULTILINE)
    assert secret not in mine.log.read_text(encoding="utf-8")

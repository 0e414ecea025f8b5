"""Metrics: one table, and the page about it is made from it."""

from __future__ import annotations

import re
from contextlib import closing, suppress
from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from consumer.measured import NAMES, MeasuredConnections, route
from consumer.metrics import METRICS, Metrics, as_markdown
from consumer.producers import MOST, Producers
from lineagegraph.errors import GraphRejected, GraphUnavailable, LineageError
from lineagegraph.gremlin import Connection
from lineagegraph.settings import GraphSettings

ROOT = Path(__file__).parents[2]


def test_the_page_is_made_from_the_table() -> None:
    assert (ROOT / "docs/metrics.md").read_text(encoding="utf-8") == as_markdown() + "\n"


def test_every_metric_of_the_table_is_used_and_none_besides() -> None:
    source = "".join(
        path.read_text(encoding="utf-8") for path in (ROOT / "consumer").rglob("*.py") if path.name != "metrics.py"
    )
    used = set(re.findall(r"\b(?:lineage|janusgraph)_[a-z_]*[a-z]\b", source))
    assert used == METRICS.keys()


def test_names_follow_the_convention() -> None:
    for row in METRICS.values():
        assert row.name.startswith(("lineage_", "janusgraph_"))
        assert row.name.endswith("_total") == (row.kind == "counter"), row.name


def test_an_unknown_metric_or_label_is_a_bug() -> None:
    metrics = Metrics()
    with pytest.raises(KeyError):
        metrics.add("lineage_nonsense_total")
    with pytest.raises(ValueError, match="label"):
        metrics.add("lineage_skipped_total", nonsense="x")


def test_a_namespace_is_as_old_as_its_newest_record_and_no_more_than_so_many_are_kept() -> None:
    metrics = Metrics()
    producers = Producers(metrics)
    name = "lineage_producer_last_event_timestamp_seconds"
    for timestamp in (2_000, 5_000, 3_000, -1):
        producers.heard("spark", timestamp)
    producers.heard("", 9_000)
    assert metrics.total(name) == metrics.total(name, namespace="spark") == 5.0
    for number in range(MOST + 5):
        producers.heard(f"team-{number}", 1_000)
    assert metrics.text().count(f"{name}{{".encode()) == MOST


@pytest.mark.parametrize(
    ("error", "result"),
    [(None, "done"), (GraphRejected("no"), "rejected"), (GraphUnavailable("away"), "unavailable")],
)
def test_questions_to_the_graph_are_counted_and_timed_however_they_end(
    error: Exception | None, result: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def answer(*_: object) -> dict[str, object]:
        if error is not None:
            raise error
        return {}

    monkeypatch.setattr(Connection, "ask", answer)
    metrics = Metrics("1", NAMES)
    with suppress(LineageError), closing(MeasuredConnections(GraphSettings(), metrics)) as connections:
        connections.ask("around", "k", "{}")
    assert metrics.total("janusgraph_queries_total") == 1
    assert metrics.total("janusgraph_queries_total", script="around", result=result) == 1
    assert b'janusgraph_query_duration_ms_count{script="around"} 1.0' in metrics.text()
    told = TestClient(Starlette(routes=[route(metrics)])).get("/metrics")
    assert told.text == metrics.text().decode()
    assert "lineage_records_total" not in told.text

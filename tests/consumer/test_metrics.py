"""Metrics: one table, and the page about it is made from it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from consumer.metrics import METRICS, Metrics, as_markdown

ROOT = Path(__file__).parents[2]


def test_the_page_is_made_from_the_table() -> None:
    assert (ROOT / "docs/metrics.md").read_text(encoding="utf-8") == as_markdown() + "\n"


def test_every_metric_of_the_table_is_used_and_none_besides() -> None:
    source = "".join(
        path.read_text(encoding="utf-8") for path in (ROOT / "consumer").rglob("*.py") if path.name != "metrics.py"
    )
    used = set(re.findall(r"\blineage_[a-z_]*[a-z]\b", source))
    assert used == METRICS.keys() - {"lineage_build_info"}


def test_names_follow_the_convention() -> None:
    for row in METRICS.values():
        assert row.name.startswith("lineage_")
        assert row.name.endswith("_total") == (row.kind == "counter"), row.name


def test_an_unknown_metric_or_label_is_a_bug() -> None:
    metrics = Metrics()
    with pytest.raises(KeyError):
        metrics.add("lineage_nonsense_total")
    with pytest.raises(ValueError, match="label"):
        metrics.add("lineage_skipped_total", nonsense="x")

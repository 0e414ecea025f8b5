"""Retention while consumers run and replay everything from the beginning: in the end only what had to stay is there."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from lineagegraph.canonical import digest, lines
from lineagegraph.facts import fold
from tests.lineagegraph.build import mapped
from tests.lineagegraph.past import DAY_MS, FIRST, Prunable, history
from tests.product import Product, eventually, logged
from tests.servers import Store

pytestmark = pytest.mark.real
RUNS = 1_500


def test_runs_are_removed_while_they_are_replayed_and_none_comes_back(
    product: Callable[[Store], Product], tmp_path: Path
) -> None:
    events = history(4, RUNS)
    file = tmp_path / "history.ndjson"
    file.write_text("".join(json.dumps(one) + "\n" for one in events), encoding="utf-8")
    left, plan = Prunable(fold(map(mapped, events))).pruned(FIRST + 12 * DAY_MS)
    made = product("inmemory")
    made.environment["LINEAGE_BATCH_RECORDS"] = "100"  # so that no write takes as long as we let consumers learn
    made.run("schema", "install")
    sent = made.publish(file)
    assert made.consume()["written"] == sent == len(events)
    replaying = made.start("consume", "--replay-from-earliest")
    try:
        eventually(lambda: bool(logged(made.log, "batch")), 60)
        said = json.loads(made.run("prune", "--before", "2026-11-13", "--delete", "--settle", "20", "--json"))
        assert said["going"] == plan.going > 100
        again = json.loads(made.run("check", "--json"))["findings"]
        assert any("runs before 2026-11-13 were removed" in one["says"] for one in again)
    finally:
        replaying.terminate()
        replaying.wait(60)
    counts = made.consume("--replay-from-earliest")
    assert counts["skipped"] == sum(one["eventTime"] < "2026-11-13" for one in events) > 500
    assert counts["dead"] == 0
    assert made.graph_hash() == digest(sorted(lines(left)))

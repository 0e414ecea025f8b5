"""`lineagegraph check` against servers that are there: before and after everything is as it must be."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from tests.product import EVENTS, Product
from tests.servers import Store

pytestmark = pytest.mark.real


def told(product: Product, code: int) -> dict[str, tuple[str, str]]:
    found = json.loads(product.run("check", "--json", code=code))["findings"]
    return {one["name"].partition(" 127")[0]: (one["state"], one["says"]) for one in found}


def test_what_is_missing_is_named_and_then_all_is_well(product: Callable[[Store], Product]) -> None:
    made = product("inmemory")
    before = told(made, 1)
    assert before["graph"][0] == "ok"
    assert before["schema at"] == ("wrong", "The graph has no schema.")
    assert before["topics"][0] == "wrong"
    made.run("schema", "install")
    made.publish(EVENTS[0])
    running = made.start("consume")
    try:
        made.consume()
        after = told(made, 0)
    finally:
        running.terminate()
        running.wait(60)
    assert after["lag"] == ("ok", "0 records behind")
    assert "member" in after["group"][1]
    assert {name: state for name, (state, _) in after.items() if name != "arrivals"} == dict.fromkeys(
        ("graph", "clock of", "schema at", "write and read at", "Kafka", "topics", "own topics", "group", "lag"), "ok"
    )

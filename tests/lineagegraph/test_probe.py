"""The graph's part of `lineagegraph check`, before servers that say what they should not."""

from __future__ import annotations

import re
import time
from typing import Any

import orjson
import pytest

from lineagegraph import probe
from lineagegraph.errors import SchemaMismatch
from lineagegraph.probe import Finding
from lineagegraph.settings import GraphSettings

TWO = GraphSettings(urls=("ws://a:1/g", "ws://b:2/g"))


class Servers:
    """Connections to servers; each has a graph, a clock, and what it reads of the last heartbeat."""

    graphs = {"ws://a:1/g": "one", "ws://b:2/g": "one"}  # noqa: RUF012  (tests replace it)
    ahead = 0.0
    stale = False
    beat = 0

    def __init__(self, settings: GraphSettings) -> None:
        self.url = settings.urls[0]

    def ask(self, name: str, key: str, body: str, seconds: float | None = None) -> dict[str, Any]:
        if name == "upsert" and not self.stale:
            Servers.beat = orjson.loads(body)["v"][0][2]["beat"]
        return {"now": (time.time() + self.ahead) * 1000, "g": self.graphs[self.url], "h": 0}

    def close(self) -> None:
        pass


@pytest.fixture(autouse=True)
def servers(monkeypatch: pytest.MonkeyPatch) -> type[Servers]:
    made = type("Made", (Servers,), {})
    for place in ("lineagegraph.probe", "lineagegraph.store"):
        monkeypatch.setattr(f"{place}.Connections", made)
        monkeypatch.setattr(f"{place}.check", lambda connections, naming: connections.graphs[connections.url])
        monkeypatch.setattr(f"{place}.meta", lambda connections: {"horizon": 0, "beat": Servers.beat})
    return made


def told(settings: GraphSettings = TWO) -> dict[str, Finding]:
    return {one.name: one for one in probe.probe(settings, {})}


def test_two_servers_of_one_graph_are_well() -> None:
    found = told()
    assert {one.state for one in found.values()} == {"ok"}
    assert found.keys() >= {"graph a:1", "clock of b:2", "schema at a:1", "write and read at b:2"}


def test_servers_of_different_graphs_are_found(monkeypatch: pytest.MonkeyPatch, servers: type[Servers]) -> None:
    monkeypatch.setattr(servers, "graphs", {"ws://a:1/g": "one", "ws://b:2/g": "two"})
    assert told()["one graph"].state == "wrong"
    assert "a:1 has one, b:2 has two" in told()["one graph"].says


def test_a_clock_that_is_wrong_is_found(monkeypatch: pytest.MonkeyPatch, servers: type[Servers]) -> None:
    monkeypatch.setattr(servers, "ahead", 90.0)
    assert told()["clock of a:1"].state == "wrong"
    assert re.fullmatch(r"is (89|90)\.\d s ahead of ours", told()["clock of a:1"].says)


def test_a_server_that_reads_what_was_there_before_is_found(
    monkeypatch: pytest.MonkeyPatch, servers: type[Servers]
) -> None:
    monkeypatch.setattr(servers, "stale", True)
    monkeypatch.setattr(Servers, "beat", 1)
    assert told()["write and read at a:1"].state == "wrong"
    assert "cache" in told()["write and read at a:1"].remedy


def test_a_graph_without_our_schema_is_told_with_the_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(connections: object, naming: str) -> str:
        raise SchemaMismatch("The graph has no schema. Run `lineagegraph schema install`.")

    monkeypatch.setattr("lineagegraph.probe.check", missing)
    found = told()
    assert (found["schema at a:1"].says, found["schema at a:1"].remedy) == (
        "The graph has no schema.",
        "Run `lineagegraph schema install`.",
    )
    assert "write and read at a:1" not in found

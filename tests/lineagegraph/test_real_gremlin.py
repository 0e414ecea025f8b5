"""The Gremlin text of docs/gremlin.md runs, and finds what it says."""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import closing
from typing import Any

import pytest

from deploy.local import JanusGraph
from lineagegraph import inventory
from lineagegraph.facts import Facts
from lineagegraph.gremlin import Connections
from lineagegraph.install import install
from lineagegraph.naming import Naming
from lineagegraph.reader import Reader
from lineagegraph.scan import scan
from lineagegraph.settings import GraphSettings
from lineagegraph.store import GraphStore
from tests.docs import DOCS
from tests.lineagegraph.build import dataset, ds, facts, ran
from tests.lineagegraph.servers import gremlin

pytestmark = pytest.mark.real


def made() -> Facts:
    churn = ds("churn", namespace="mlflow://host", version="5", kind="MODEL")
    return facts(
        ran(0, [ds("bronze/a")], [ds("silver/b", of=["bronze/a"])], job="clean"),
        ran(5, [ds("silver/b")], [churn], run="r2", job="train"),
        ran(7, [ds("silver/b", version="1")], run="r4", job="train"),
        ran(9, [ds("landing/x")], [ds("bronze/lone")], run="r3", job="load"),
    )


@pytest.fixture(scope="module")
def server(fresh_graph: Callable[[str], JanusGraph]) -> JanusGraph:
    graph = fresh_graph("inmemory")
    settings = GraphSettings(urls=(graph.url,))
    with closing(Connections(settings)) as connections:
        install(connections, Naming().hash)
    with closing(GraphStore(settings)) as store:
        store.open(Naming().hash)
        store.write(made())
    return graph


def answer(server: JanusGraph, query: str) -> Any:
    text = f"groovy.json.JsonOutput.toJson(({query.strip()}).toList().collect {{ it.toString() }})"
    return gremlin(server, text)


def test_the_queries_of_the_page_find_what_they_say(server: JanusGraph) -> None:
    page = (DOCS / "gremlin.md").read_text(encoding="utf-8")
    paths, orphans, models, readers = re.findall(r"```groovy\n(.*?)```", page, re.S)
    assert "path[bronze/a, silver/b, churn]" in answer(server, paths)
    assert answer(server, orphans) == ["bronze/lone"]
    assert answer(server, models) == ["churn"]
    assert sorted(answer(server, readers)) == ["r2", "r4"]


def test_the_commands_questions_find_the_same(server: JanusGraph) -> None:
    settings = GraphSettings(urls=(server.url,))
    with closing(Connections(settings)) as connections:
        found = inventory.paths_to_models(Reader(connections.ask))
        assert [[v.key[1] for v in path.things] for path in found.paths] == [["bronze/a", "silver/b", "churn"]]
        assert inventory.orphans(Reader(connections.ask), (), layer="bronze").things == (dataset("bronze/lone"),)
        bare = inventory.without_snapshots(Reader(connections.ask), inventory.in_order(scan(settings, ["Model"])))
        assert [model.key[1] for model in bare.things] == ["churn"]
        assert {d.key[1] for d in scan(settings, ["Dataset"])} >= {"bronze/a", "silver/b", "bronze/lone"}

"""The page's GraphQL and the guide's on a real graph."""

from __future__ import annotations

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import pytest
from starlette.testclient import TestClient

from deploy.local import JanusGraph
from lineagegraph.api.app import Serving, application
from lineagegraph.api.question import Backend
from lineagegraph.gremlin import Connections
from lineagegraph.install import install
from lineagegraph.naming import Naming
from lineagegraph.settings import GraphSettings
from lineagegraph.store import GraphStore
from tests.lineagegraph.api.test_page import examples

pytestmark = pytest.mark.real


def test_the_graphql_of_the_page_gives_the_same_on_a_real_graph(fresh_graph: Callable[[str], JanusGraph]) -> None:
    settings = GraphSettings(urls=(fresh_graph("inmemory").url,))
    with (
        closing(Connections(settings)) as connections,
        closing(GraphStore(settings)) as store,
        ThreadPoolExecutor(4) as threads,
    ):
        install(connections, Naming().hash)
        store.open(Naming().hash)
        backend = Backend(connections, store, Naming(), threads, 60.0)
        with TestClient(application(backend, Serving())) as http:
            statement, question, _ = examples("graphql")
            stated = http.post("/graphql", json={"query": statement}).json()
            assert "errors" not in stated, stated
            assert http.post("/graphql", json={"query": question}).json() == {"data": json.loads(examples("json")[0])}

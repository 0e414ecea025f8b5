"""A graph that its server knows by another name, and servers that do not take what we send."""

from __future__ import annotations

import urllib.request
from contextlib import closing
from json import dumps

import pytest
from gremlin_python.driver.protocol import GremlinServerError

from lineagegraph.errors import GraphUnavailable
from lineagegraph.export import export
from lineagegraph.facts import Facts, Vertex
from lineagegraph.gremlin import Connections, _consequence
from lineagegraph.install import check, install
from lineagegraph.naming import Naming
from lineagegraph.settings import GraphSettings
from lineagegraph.store import GraphStore
from tests.servers import Graph

NAMED = """
org.janusgraph.graphdb.management.JanusGraphManager.getInstance().putTraversalSource('lineage_traversal', g)
'named'
"""


@pytest.mark.real
def test_a_graph_is_reached_by_the_name_of_its_traversal_source(fresh_inmemory: Graph) -> None:
    request = urllib.request.Request(fresh_inmemory.url.replace("ws", "http", 1), dumps({"gremlin": NAMED}).encode())
    with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=60):
        settings = GraphSettings(urls=(fresh_inmemory.url,), traversal_source="lineage_traversal")
    naming, facts = Naming.load(None).hash, Facts()
    facts.vertex(Vertex("Run", ("one",)))
    with closing(Connections(settings)) as connections:
        install(connections, naming)
    with closing(GraphStore(settings)) as store:
        store.open(naming)
        store.write(facts)
    assert [line for line in export(settings) if "one" in line]


@pytest.mark.real
def test_a_traversal_source_that_the_server_does_not_have_is_told_with_the_remedy(inmemory: Graph) -> None:
    settings = GraphSettings(urls=(inmemory.url,), traversal_source="nobody")
    with (
        closing(Connections(settings)) as connections,
        pytest.raises(GraphUnavailable, match="takes no scripts for a traversal source 'nobody'"),
    ):
        check(connections, None)


@pytest.mark.parametrize(
    ("code", "message"), [(499, "refused"), (500, "gremlin-groovy is not an available GremlinScriptEngine")]
)
def test_a_server_that_evaluates_no_scripts_is_told_with_the_remedy(code: int, message: str) -> None:
    error = GremlinServerError({"code": code, "message": message, "attributes": {}})
    found = _consequence(error, "janus:8182")
    assert isinstance(found, GraphUnavailable)
    assert "let it evaluate gremlin-groovy scripts" in str(found)

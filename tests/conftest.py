"""The servers of the tests: started when first needed, shared by the whole session, wiped at its end.

They are processes of the local stack or, where a Docker engine has the published images, containers.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from deploy.local import Stack
from deploy.local.home import default_home
from tests import containers
from tests.product import Product
from tests.servers import Broker, Graph, Node, Servers, Store, fresh, session_name

settings.register_profile("unhurried", deadline=None)  # machines are shared: a slow moment proves nothing
settings.load_profile("unhurried")

FreshGraph = Callable[[Store], Graph]


@pytest.fixture(scope="session")
def local_stack() -> Iterator[Stack]:
    """The local stack of this run of the tests, also where the other tests use containers."""
    with session_name(default_home() / "run", lambda name: Stack(name).down(wipe=True)) as name:
        yield Stack(name)


@pytest.fixture(scope="session")
def stack(request: pytest.FixtureRequest) -> Iterator[Servers]:
    """Handles to the servers of this run of the tests; making one starts nothing."""
    if containers.why_not() is None:
        with session_name(default_home() / "run" / "containers", containers.sweep) as name:
            yield containers.Containers(name, default_home() / "run" / "containers" / name)
    else:
        local: Stack = request.getfixturevalue("local_stack")
        yield local


@pytest.fixture(scope="session")
def kafka(stack: Servers) -> Broker:
    """A broker that keeps its topics for the session; tests use topics of their own."""
    server = stack.kafka()
    server.start()
    return server


@pytest.fixture(scope="session")
def cassandra(stack: Servers) -> Node:
    """The node under `cassandra_graph`."""
    node = stack.cassandra()
    node.start()
    return node


@pytest.fixture(scope="session")
def inmemory(stack: Servers) -> Graph:
    """A graph in memory that the session's tests share: what is in it may be anybody's."""
    server = stack.janusgraph("inmemory")
    server.start()
    return server


@pytest.fixture(scope="session")
def cassandra_graph(stack: Servers, cassandra: Node) -> Graph:
    """A graph on Cassandra that the session's tests share."""
    server = stack.janusgraph("cassandra")
    server.start()
    return server


@pytest.fixture(scope="session")
def fresh_graph(stack: Servers) -> FreshGraph:
    """Makes the graph of a store empty; there is one graph for each store, so the one given before is gone."""
    return lambda store: fresh(stack, store)


@pytest.fixture
def fresh_inmemory(fresh_graph: FreshGraph) -> Graph:
    """An empty graph in memory."""
    return fresh_graph("inmemory")


@pytest.fixture
def fresh_cassandra(fresh_graph: FreshGraph) -> Graph:
    """An empty graph on Cassandra."""
    return fresh_graph("cassandra")


@pytest.fixture
def product(kafka: Broker, fresh_graph: FreshGraph, tmp_path: Path) -> Callable[[Store], Product]:
    """The product on a topic of its own and an empty graph."""

    def make(store: Store) -> Product:
        return Product(kafka.bootstrap, fresh_graph(store).url, tmp_path / f"{uuid.uuid4().hex[:8]}.log")

    return make

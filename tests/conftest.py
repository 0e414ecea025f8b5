"""The servers of the tests: one stack for the whole session, started when first needed, wiped at its end."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Literal

import pytest

from deploy.local import JanusGraph, Stack
from deploy.local.kafka import Kafka
from tests.product import Product

Store = Literal["inmemory", "cassandra"]


@pytest.fixture(scope="session")
def stack() -> Iterator[Stack]:
    """The stack of this session; making it starts nothing."""
    made = Stack("tests")
    made.down(wipe=True)  # what a killed session left behind
    yield made
    made.down(wipe=True)


@pytest.fixture(scope="session")
def kafka(stack: Stack) -> Kafka:
    """A broker that keeps its topics for the session; tests use topics of their own."""
    server = stack.kafka()
    server.start()
    return server


FreshGraph = Callable[[Store], JanusGraph]


@pytest.fixture(scope="session")
def fresh_graph(stack: Stack) -> FreshGraph:
    """A server whose graph is empty: in memory a restart, on Cassandra a keyspace of its own."""
    serving: list[JanusGraph] = []

    def make(store: Store) -> JanusGraph:
        while serving:
            serving.pop().stop()
        if store == "inmemory":
            server: JanusGraph = stack.janusgraph("inmemory")
        else:
            stack.cassandra().start()
            server = stack.janusgraph("cassandra", keyspace=f"k{uuid.uuid4().hex[:8]}")
        server.start()
        serving.append(server)
        return server

    return make


@pytest.fixture
def product(kafka: Kafka, fresh_graph: FreshGraph, tmp_path: Path) -> Callable[[Store], Product]:
    """The product on a topic of its own and an empty graph."""

    def make(store: Store) -> Product:
        return Product(kafka.bootstrap, fresh_graph(store).url, tmp_path / f"{uuid.uuid4().hex[:8]}.log")

    return make

"""The servers of the tests on the published images; skipped, with the reason, where no engine has them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from deploy.local import probes
from lineagegraph.gremlin import Connections
from lineagegraph.install import install
from lineagegraph.naming import Naming
from lineagegraph.settings import GraphSettings
from tests import containers
from tests.servers import empty, session_name


@pytest.fixture
def stack(tmp_path: Path) -> Iterator[containers.Containers]:
    if reason := containers.why_not():
        pytest.skip(f"the published images were not tried: {reason}")
    with session_name(tmp_path, containers.sweep) as name:
        yield containers.Containers(name, tmp_path / name)


@pytest.mark.real
@pytest.mark.cassandra
def test_kafka_cassandra_and_janusgraph_run_on_the_published_images(stack: containers.Containers) -> None:
    kafka, cassandra = stack.kafka(), stack.cassandra()
    kafka.start()
    cassandra.start()
    graph = stack.janusgraph("cassandra")
    graph.start()
    probes.kafka(kafka.port, 30)
    with closing(Connections(GraphSettings(urls=(graph.url,)))) as connections:
        made = install(connections, Naming().hash).graph_id
        assert install(connections, Naming().hash).graph_id == made
    empty(graph)


def test_containers_can_be_forbidden(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LINEAGE_TEST_DOCKER", "0")
    assert containers.why_not.__wrapped__() == "LINEAGE_TEST_DOCKER=0 forbids containers"


def test_insisting_on_containers_without_an_engine_is_an_error(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("LINEAGE_TEST_DOCKER", "1")
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/none.sock")
    with pytest.raises(RuntimeError, match="LINEAGE_TEST_DOCKER=1, but no Docker engine answers"):
        containers.why_not.__wrapped__()

"""Rigs for tests on real servers; their processes end with the test."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.consumer.dlq.rig import Rig
from tests.servers import Broker, Graph


@pytest.fixture
def make_rig(kafka: Broker, tmp_path: Path) -> Iterator[Callable[..., Rig]]:
    """Makes rigs without a graph, or with the one of this address."""
    made = list[Rig]()

    def make(graph_url: str = "", **more: Any) -> Rig:
        made.append(Rig(kafka.bootstrap, tmp_path, graph_url, **more))
        return made[-1]

    yield make
    for process in (process for one in made for process in one.running):
        process.kill()
        process.wait()


@pytest.fixture
def rig(make_rig: Callable[..., Rig]) -> Rig:
    """A topic and a group without a graph."""
    return make_rig()


@pytest.fixture
def graph_rig(make_rig: Callable[..., Rig], fresh_inmemory: Graph) -> Rig:
    """A topic, a group, and an empty graph with its schema."""
    made = make_rig(fresh_inmemory.url)
    made.run("schema", "install")
    return made

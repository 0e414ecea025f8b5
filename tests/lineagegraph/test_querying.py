"""docs/querying.md shows what is really answered."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any

import click
import pytest
from starlette.testclient import TestClient

from consumer.cli import cli
from lineagegraph.api.app import Serving, application
from lineagegraph.api.catalogue import Catalogue
from lineagegraph.api.question import Backend
from lineagegraph.api.schema import SCHEMA
from lineagegraph.gremlin import Connections
from lineagegraph.install import install
from lineagegraph.inventory import NAMED
from lineagegraph.naming import Naming
from lineagegraph.reader import Reader
from lineagegraph.scan import scan
from lineagegraph.settings import GraphSettings
from lineagegraph.store import GraphStore
from tests.lineagegraph.querying import ASKED, PAGE, QUESTIONS, Answering, Asked, facts, filled, in_memory, part
from tests.servers import Graph

BY_WORDS = pytest.mark.parametrize("asked", QUESTIONS, ids=lambda asked: asked.words)


@pytest.fixture(scope="module")
def memory() -> Iterator[Answering]:
    with in_memory() as where:
        yield where


@BY_WORDS
def test_each_question_is_answered_as_the_page_says(memory: Answering, asked: Asked) -> None:
    assert part(asked, memory) in PAGE.read_text(encoding="utf-8"), "run `python -m tests.docs`"


def test_every_question_that_there_is_stands_on_the_page() -> None:
    text = PAGE.read_text(encoding="utf-8")
    fields = set(re.findall(r"^  (\w+)\(", SCHEMA.as_str().partition("type Query {")[2].partition("\n}")[0], re.M))
    assert {field for field in fields - {"deadLetters"} if f"{{ {field}(" not in text} == set()
    commands = {name for name in cli.list_commands(click.Context(cli)) if _asks(name)}
    assert commands >= {"upstream", "search", "paths", "consumers"}
    assert {name for name in commands if f"$ lineagegraph {name} " not in text} == set()


def _asks(name: str) -> bool:
    command = cli.get_command(click.Context(cli), name)
    assert command is not None
    return any("--aliases" in parameter.opts for parameter in command.params) and name != "explain"


def test_the_alias_file_holds_for_every_question(memory: Answering, tmp_path: Path) -> None:
    ignored = '[[ignore]]\ndataset = { name = "*daily" }\n[[ignore]]\npipeline = { name = "*daily" }\n'
    file = tmp_path / "aliases.toml"
    file.write_text(ignored, encoding="utf-8")
    for text in (
        "search --layer gold",
        "search daily",
        "orphans",
        "orphans --layer gold",
        "downstream silver/paid_orders",
    ):
        assert "daily" in memory.command(text), text
        assert "daily" not in memory.command(f"{text} --aliases {file}"), text
    other = {"namespace": "file", "name": "/warehouse/lake/gold/daily"}
    alias = f"[[alias]]\nnamespace = 'file'\nname = '/warehouse/lake/silver/paid_orders'\nalso = [{_toml(other)}]\n"
    file.write_text(alias, encoding="utf-8")
    assert "gold/daily" not in memory.command(f"orphans --aliases {file}"), "it is another name of what is read"
    file.write_text("[[ignore", encoding="utf-8")
    with pytest.raises(AssertionError, match="is not TOML"):
        memory.command(f"search enriched --aliases {file}")


def _toml(table: dict[str, str]) -> str:
    return "{" + ", ".join(f"{name} = '{value}'" for name, value in table.items()) + "}"


@pytest.fixture(scope="module")
def graph(fresh_graph: Callable[[str], Graph]) -> Iterator[Answering]:
    """The same questions to a real graph."""
    settings = GraphSettings(urls=(fresh_graph("inmemory").url,))
    with (
        closing(Connections(settings)) as connections,
        closing(GraphStore(settings)) as store,
        ThreadPoolExecutor(4) as threads,
        closing(Catalogue(lambda: scan(settings, NAMED))) as catalogue,
    ):
        install(connections, Naming().hash)
        store.open(Naming().hash)
        store.write(facts())
        backend = Backend(
            connections, store, Naming(), threads, 60.0, clock=lambda: ASKED / 1000, names=catalogue.names
        )
        with TestClient(application(backend, Serving())) as http:

            def graphql(query: str) -> Any:
                return http.post("/graphql", json={"query": query}).json()["data"]

            environment = {"LINEAGE_GRAPH_URLS": settings.urls[0]}
            yield Answering(
                environment, lambda: Reader(connections.ask), lambda labels: scan(settings, labels), graphql
            )


@pytest.mark.real
@BY_WORDS
def test_a_real_graph_answers_as_the_page_says(graph: Answering, asked: Asked) -> None:
    text = PAGE.read_text(encoding="utf-8")
    assert f"$ lineagegraph {filled(asked.command)}\n" in text
    assert part(asked, graph) in text

"""The API in front of a graph in memory."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any, cast

from starlette.testclient import TestClient

from lineagegraph.api.app import Serving, application
from lineagegraph.api.catalogue import Names
from lineagegraph.api.letters import Counted
from lineagegraph.api.question import Backend
from lineagegraph.facts import Facts, fold
from lineagegraph.inventory import NAMED, in_order
from lineagegraph.naming import Naming
from tests.lineagegraph.fake_graph import FakeGraph


class Graph:
    """A graph that takes what is written and answers from it."""

    def __init__(self, facts: Facts) -> None:
        self.facts = facts
        self._fake = FakeGraph(facts)

    def ask(self, name: str, key: str, body: str, seconds: float | None = None) -> dict[str, Any]:
        return self._fake.ask(name, key, body)

    async def names(self) -> Names:
        """Every name, as of now."""
        return Names(tuple(in_order(v for v in self.facts.vertices if v.label in NAMED)), 0.0)

    def write(self, facts: Facts) -> None:
        self.facts = fold([self.facts, facts])
        self._fake = FakeGraph(self.facts)


class Api:
    """Questions over HTTP."""

    def __init__(self, http: TestClient, graph: Graph) -> None:
        self.http = http
        self.graph = graph

    def post(self, query: str, token: str | None = None, **more: Any) -> Any:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        return self.http.post("/graphql", json={"query": query, **more}, headers=headers)

    def data(self, query: str, token: str | None = None, **more: Any) -> dict[str, Any]:
        answer = self.post(query, token, **more)
        assert answer.status_code == 200, answer.text
        assert "errors" not in answer.json(), answer.text
        found: dict[str, Any] = answer.json()["data"]
        return found

    def code(self, query: str, token: str | None = None, **more: Any) -> str:
        """The code of the first error."""
        code: str = self.post(query, token, **more).json()["errors"][0]["extensions"]["code"]
        return code


@contextmanager
def asking(
    facts: Facts | None = None,
    serving: Serving | None = None,
    seconds: float = 10.0,
    letters: Callable[[str | None], Awaitable[Counted]] | None = None,
) -> Iterator[Api]:
    """The API over these facts, and these dead letters."""
    graph = Graph(facts or Facts())
    with ThreadPoolExecutor(4) as threads:
        backend = Backend(
            cast(Any, graph),
            cast(Any, graph),
            Naming(),
            threads,
            seconds,
            clock=lambda: 1_790_000_000.0,
            names=graph.names,
            letters=letters,
        )
        with TestClient(application(backend, serving or Serving())) as http:
            yield Api(http, graph)

"""The servers that tests use, whatever runs them, and how a test gets an empty graph in a server that is warm.

A restart costs seconds, and the first request after it seconds more for compiling; emptying in place costs 0.03 s in
memory and 1.5 s on Cassandra.
"""

from __future__ import annotations

import fcntl
import http.client
import json
import urllib.request
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Literal, Protocol

Store = Literal["inmemory", "cassandra"]
# The graph is dropped by JanusGraph's own means and opened again from the configuration that it was open with; the
# server's bindings would otherwise follow only after many seconds.
EMPTY = """\
manager = org.janusgraph.graphdb.management.JanusGraphManager.getInstance()
old = manager.removeGraph('graph')
same = old.configuration.configurationAtOpen
org.janusgraph.core.JanusGraphFactory.drop(old)
made = manager.openGraph('graph', { name -> org.janusgraph.core.JanusGraphFactory.open(same) })
manager.gremlinExecutor.scriptEngineManager.put('graph', made)
manager.gremlinExecutor.scriptEngineManager.put('g', made.traversal())
manager.putTraversalSource('g', made.traversal())
made.traversal().V('meta:schema').hasNext()
"""


class Server(Protocol):
    """A server that a test may stop, kill (a crash), pause (it answers nothing) and start again; data stays."""

    @property
    def name(self) -> str: ...
    @property
    def running(self) -> bool: ...
    def start(self) -> None: ...
    def stop(self) -> None: ...
    def kill(self) -> None: ...
    def pause(self) -> None: ...
    def resume(self) -> None: ...


class Broker(Server, Protocol):
    """A Kafka broker."""

    @property
    def bootstrap(self) -> str: ...


class Node(Server, Protocol):
    """A Cassandra node."""

    @property
    def address(self) -> tuple[str, int]: ...


class Graph(Server, Protocol):
    """A JanusGraph server."""

    @property
    def url(self) -> str: ...


class Servers(Protocol):
    """Handles to the servers of one session; making a handle starts nothing."""

    def kafka(self) -> Broker: ...
    def cassandra(self) -> Node: ...
    def janusgraph(self, store: Store = "inmemory", *, server: int = 1) -> Graph:
        """Two numbers on Cassandra are two servers of one graph."""

    def servers(self) -> Sequence[Server]:
        """Every server that was ever started."""


def fresh(servers: Servers, store: Store) -> Graph:
    """The first server of a store, running, its graph empty; a second one on the same graph is stopped."""
    if store == "cassandra":
        node = servers.cassandra()
        node.resume()
        node.start()
    graph = servers.janusgraph(store)
    for other in servers.servers():
        if other.name.startswith(f"{graph.name}-"):
            other.kill()  # its caches hold the old graph
    graph.resume()
    graph.start()
    try:
        empty(graph)
    except (OSError, http.client.HTTPException):
        graph.kill()
        graph.start()
        empty(graph)
    return graph


def empty(graph: Graph) -> None:
    """Empty a graph in place: no schema, no data, another graph id once a schema is installed."""
    url = graph.url.replace("ws://", "http://", 1)
    request = urllib.request.Request(url, json.dumps({"gremlin": EMPTY}).encode(), {"Content-Type": "application/json"})
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(request, timeout=60) as answer:
        assert json.load(answer)["result"]["data"]["@value"] == [False], "the graph still has a schema"


@contextmanager
def session_name(folder: Path, sweep: Callable[[str], None]) -> Iterator[str]:
    """A name that no other session has. What a killed session left running under its name is swept first."""
    folder.mkdir(parents=True, exist_ok=True)
    for left in folder.glob("tests-*.session"):
        with suppress(OSError), left.open("w") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            sweep(left.stem)
            left.unlink()
    own = folder / f"tests-{uuid.uuid4().hex[:6]}.session"
    with own.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield own.stem
        sweep(own.stem)
        own.unlink()

"""Servers that the proofs may kill, freeze and look into, and a way to ask them anything by HTTP."""

from __future__ import annotations

import json
import random
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from pathlib import Path
from threading import Barrier
from typing import Any

from cassandra import ConsistencyLevel
from cassandra.cluster import EXEC_PROFILE_DEFAULT, Cluster, ExecutionProfile, Session
from cassandra.policies import WhiteListRoundRobinPolicy

from deploy.local import Cassandra, JanusGraph, JanusGraphOnCassandra
from lineagegraph.export import export
from lineagegraph.facts import Facts, fold
from lineagegraph.gremlin import Connections
from lineagegraph.install import Installed, install
from lineagegraph.naming import Naming
from lineagegraph.settings import GraphSettings
from lineagegraph.store import GraphStore

NAMING = Naming().hash


class MeteredJanusGraph(JanusGraphOnCassandra):
    """A server that counts its own calls to the store."""

    def _prepare(self, java: Path, jars: Path) -> None:
        super()._prepare(java, jars)
        with (self.folder / "conf" / "janusgraph-cassandra.properties").open("a", encoding="utf-8") as file:
            file.write("metrics.enabled=true\n")


def metered(server: JanusGraphOnCassandra, cassandra: Cassandra, number: int) -> MeteredJanusGraph:
    """The same server, counting from its next start on."""
    return MeteredJanusGraph(server.name, server.folder, server._home, cassandra, server.keyspace, number)


def gremlin(server: JanusGraph, script: str, **bindings: Any) -> Any:
    """What a script gives: a text, number or boolean, or JSON that it made itself."""
    body = json.dumps({"gremlin": script, "bindings": bindings}).encode()
    request = urllib.request.Request(server.url.replace("ws", "http", 1), body, {"Content-Type": "application/json"})
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(request, timeout=120) as answer:
        values = json.load(answer)["result"]["data"]["@value"]
    value = values[0] if values else None
    value = value["@value"] if isinstance(value, dict) else value
    return json.loads(value) if isinstance(value, str) and value[:1] in "[{" else value


def settings(*servers: JanusGraph, **more: Any) -> GraphSettings:
    """Of these servers, with any of them as the first."""
    return GraphSettings(urls=tuple(server.url for server in servers), **more)


def install_schema(server: JanusGraph) -> Installed:
    """The schema and the default naming, unless they are there."""
    with closing(Connections(settings(server))) as connections:
        return install(connections, NAMING)


@contextmanager
def opened(*servers: JanusGraph, **more: Any) -> Iterator[GraphStore]:
    """A store on these servers."""
    with closing(GraphStore(settings(*servers, **more))) as store:
        store.open(NAMING)
        yield store


def rewrite(store: GraphStore, facts: Facts, times: int = 1) -> None:
    """Write these facts so many times, each time all of them."""
    for _ in range(times):
        store.forget()
        store.write(facts)


@contextmanager
def cql(host: str, port: int, keyspace: str | None = None) -> Iterator[Session]:
    """A session with one node only; what it reads is what most copies say."""
    profile = ExecutionProfile(
        load_balancing_policy=WhiteListRoundRobinPolicy([host]),
        request_timeout=60,
        consistency_level=ConsistencyLevel.LOCAL_QUORUM,
    )
    cluster = Cluster([host], port=port, execution_profiles={EXEC_PROFILE_DEFAULT: profile}, protocol_version=5)
    try:
        yield cluster.connect(keyspace)
    finally:
        cluster.shutdown()


def at_once(servers: Sequence[JanusGraph], writers: int, write: Callable[[GraphStore, int], None]) -> None:
    """So many writers side by side, each with a connection of its own, in turn on each server."""
    start = Barrier(writers)

    def work(number: int) -> None:
        with opened(servers[number % len(servers)], connections=1) as store:
            start.wait()
            write(store, number)

    with ThreadPoolExecutor(writers) as pool:
        list(pool.map(work, range(writers)))


def shuffled(many: Sequence[Facts], writer: int, times: int, batch: int) -> Iterator[Facts]:
    """These facts so many times in an order that is the writer's own, in batches."""
    mine = [facts for facts in many for _ in range(times)]
    random.Random(f"writer {writer}").shuffle(mine)
    for first in range(0, len(mine), batch):
        yield fold(mine[first : first + batch])


def exported(server: JanusGraph, about: str) -> list[str]:
    """The lines of the graph that hold this text."""
    return [line for line in export(settings(server)) if about in line]

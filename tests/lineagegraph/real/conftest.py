"""Cassandra with two servers on one keyspace, and a server with its graph in memory, which the proofs may harm.

`make test` runs every proof once; with PROOFS=long (`make proofs`) they take more seeds, more tries and more time.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import pytest
from cassandra.cluster import Session

from deploy.local import Cassandra, JanusGraph, JanusGraphOnCassandra, Stack
from lineagegraph.errors import SchemaMismatch
from lineagegraph.gremlin import Connections
from lineagegraph.install import check
from tests.lineagegraph.cells import Cells
from tests.lineagegraph.servers import NAMING, MeteredJanusGraph, cql, install_schema, metered, settings
from tests.servers import empty

LONG = os.environ.get("PROOFS") == "long"
INSTALLERS = 3 if LONG else 2  # processes for each server
INSTALL = """
import sys
from deploy.local import JanusGraph
from lineagegraph.gremlin import Connections
from lineagegraph.install import install
from lineagegraph.settings import GraphSettings
print("ready", flush=True)
sys.stdin.readline()
connections = Connections(GraphSettings(urls=(sys.argv[1],)))
print(install(connections, sys.argv[2]).graph_id)
connections.close()
"""


@dataclass(frozen=True)
class Pair:
    """Two servers on one keyspace; the second one counts its calls to the store."""

    cassandra: Cassandra
    first: JanusGraphOnCassandra
    second: MeteredJanusGraph
    session: Session
    without_schema: str  # what a program is told that opens the graph before it has a schema
    installed: tuple[tuple[int, str], ...]  # exit code and graph id of each of the racing installers

    @property
    def servers(self) -> tuple[JanusGraph, JanusGraph]:
        return self.first, self.second

    def cells(self) -> Cells:
        return Cells(self.session, self.first)


@pytest.fixture(scope="package")
def pair(local_stack: Stack) -> Iterator[Pair]:
    """Two servers over an empty keyspace; its schema is installed by several processes at once over both."""
    cassandra = local_stack.cassandra()
    cassandra.start()
    first = local_stack.janusgraph("cassandra", keyspace="proofs")
    second = metered(local_stack.janusgraph("cassandra", keyspace="proofs", server=2), cassandra, 2)
    first.start()
    second.start()
    with cql(*cassandra.address, "proofs") as session:
        yield Pair(cassandra, first, second, session, _refusal(first), race(INSTALL, first, second))
    first.stop()
    second.stop()


@pytest.fixture(scope="package")
def inmemory(local_stack: Stack) -> JanusGraph:
    """A server whose graph is in memory, with its schema and nothing else."""
    server = local_stack.janusgraph("inmemory")
    server.start()
    empty(server)
    install_schema(server)
    return server


@pytest.fixture(params=["inmemory", pytest.param("cassandra", marks=pytest.mark.cassandra)])
def servers(request: pytest.FixtureRequest) -> tuple[JanusGraph, ...]:
    """The servers of one graph, once for each store."""
    if request.param == "inmemory":
        return (request.getfixturevalue("inmemory"),)
    found: tuple[JanusGraph, ...] = request.getfixturevalue("pair").servers
    return found


def _refusal(server: JanusGraph) -> str:
    with closing(Connections(settings(server))) as connections, pytest.raises(SchemaMismatch) as refused:
        check(connections, NAMING)
    return str(refused.value)


def race(program: str, *servers: JanusGraph) -> tuple[tuple[int, str], ...]:
    """Exit code and last words of processes that begin at once, some for each server, whose address they are given."""

    def wait(process: subprocess.Popen[str]) -> tuple[int, str]:
        output, _ = process.communicate(timeout=150)
        return process.returncode, output.strip()

    command = [sys.executable, "-W", "error", "-c", program]
    processes = [
        subprocess.Popen(
            [*command, server.url, NAMING],
            env={**os.environ, "LINEAGE_GRAPH_URLS": server.url},
            cwd=Path(__file__).parents[3],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        for server in servers
        for _ in range(INSTALLERS)
    ]
    for process in processes:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    with ThreadPoolExecutor(len(processes)) as pool:
        return tuple(pool.map(wait, processes))

"""Three Cassandra nodes on 127.0.0.1 to 127.0.0.3, and servers whose graph needs two of them for every answer.

The nodes of one ring share their port numbers, as drivers expect, and differ in their address. On macOS the second
and third address must be made first (`ifconfig lo0 alias 127.0.0.2`).
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from deploy.local.cassandra import Cassandra
from deploy.local.errors import LocalStackError
from deploy.local.home import Home
from deploy.local.janusgraph import JanusGraphOnCassandra
from deploy.local.probes import cql
from deploy.local.server import Server
from deploy.local.stack import Stack

NODES = 3
# What JanusGraph would make itself. Its driver asks one node whether all agree on a new table, and that one may not
# know yet, so that the table "does not exist" on the next node: here all are asked.
TABLES = [
    "edgestore",
    "edgestore_lock_",
    "graphindex",
    "graphindex_lock_",
    "janusgraph_ids",
    "system_properties",
    "system_properties_lock_",
    "systemlog",
    "txlog",
]
COLUMNS = "(key blob, column1 blob, value blob, PRIMARY KEY (key, column1)) WITH CLUSTERING ORDER BY (column1 ASC)"
AGREEING = 60.0  # seconds


class Node(Cassandra):
    """One of the nodes; all but the first learn of the ring from the first."""

    heap = "700m"

    def __init__(self, name: str, folder: Path, home: Home, number: int, first: Node | None) -> None:
        super().__init__(name, folder, home)
        self.host = f"127.0.0.{number}"
        self._first = first

    @property
    def seed(self) -> str:
        return self._first.host if self._first else self.host

    @property
    def ports(self) -> dict[str, int]:
        return self._first.ports if self._first else super().ports

    @property
    def _management(self) -> Sequence[str]:
        return ()  # it would listen on 127.0.0.1, whatever the node's address

    def _prepare(self, java: Path, jars: Path) -> None:
        super()._prepare(java, jars)
        with (self.folder / "cassandra.yaml").open("a", encoding="utf-8") as file:
            file.write("auto_bootstrap: false\n")  # the ring is empty when it is made: there is nothing to wait for


class JanusGraphOnCluster(JanusGraphOnCassandra):
    """A server over all nodes, with three copies of everything; two are enough for a write and for a read."""

    def _graph_values(self) -> Mapping[str, object]:
        hosts = ",".join(f"127.0.0.{number}" for number in range(1, NODES + 1))
        values = {f"storage.cql.{kind}-consistency-level": "LOCAL_QUORUM" for kind in ("read", "write")}
        return {
            **super()._graph_values(),
            **values,
            "storage.hostname": hosts,
            "storage.cql.replication-factor": NODES,
        }


class Cluster(Stack):
    """Handles to the nodes and to two servers of one graph."""

    def __init__(self, name: str = "cluster", home: Home | Path | None = None) -> None:
        super().__init__(name, home)
        first = Node("cassandra-1", self.folder / "cassandra-1", self.home, 1, None)
        others = (
            Node(f"cassandra-{number}", self.folder / f"cassandra-{number}", self.home, number, first)
            for number in range(2, NODES + 1)
        )
        self.nodes: Sequence[Node] = (first, *others)
        self.graphs: Sequence[JanusGraphOnCluster] = tuple(
            JanusGraphOnCluster(name, self.folder / name, self.home, first, "lineage", number)
            for number, name in ((1, "janusgraph-1"), (2, "janusgraph-2"))
        )

    def servers(self) -> list[Server]:
        return [*self.nodes, *self.graphs]

    def start(self) -> None:
        """One after the other: a node that comes meets a ring that is settled, and one server opens the graph."""
        for node in self.nodes:
            node.start()
        self._make_tables("lineage")
        for graph in self.graphs:
            graph.start()

    def _make_tables(self, keyspace: str) -> None:
        copies = f"{{'class': 'SimpleStrategy', 'replication_factor': {NODES}}}"
        statements = [f"CREATE KEYSPACE IF NOT EXISTS {keyspace} WITH replication = {copies}"]
        statements += [f"CREATE TABLE IF NOT EXISTS {keyspace}.{table} {COLUMNS}" for table in TABLES]
        for statement in statements:
            cql(*self.nodes[0].address, statement, 60)
            self._agree()

    def _agree(self) -> None:
        """Until every node says that it has the same schema; what nodes say of each other lags behind."""
        until = time.monotonic() + AGREEING
        while len({cql(*node.address, "SELECT schema_version FROM system.local", 10) for node in self.nodes}) > 1:
            if time.monotonic() > until:
                raise LocalStackError(f"{self.name}: the nodes do not agree on one schema; look at their logs.")
            time.sleep(0.1)

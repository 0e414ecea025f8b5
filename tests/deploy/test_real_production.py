"""The chart's configuration of JanusGraph, in a real server on a real Cassandra."""

from __future__ import annotations

import re
import socket
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from deploy.chart.production import files
from deploy.local import Stack
from deploy.local.config import LOOPBACK, with_values
from deploy.local.errors import NotReady
from deploy.local.janusgraph import JanusGraphOnCassandra
from lineagegraph.errors import GraphUnavailable
from lineagegraph.gremlin import Connections
from lineagegraph.install import install
from lineagegraph.naming import Naming
from lineagegraph.settings import GraphSettings
from tests.consumer.secure_kafka import PASSWORD, make_keys
from tests.docs import DOCS
from tests.lineagegraph.servers import cql

pytestmark = [pytest.mark.real, pytest.mark.cassandra]
KEYSPACE = "production"


class AsInTheChart(JanusGraphOnCassandra):
    """Starts with the chart's files, their values filled in; ports and folders are the stack's."""

    def _prepare(self, java: Path, jars: Path) -> None:
        super()._prepare(java, jars)
        host, port = self._cassandra.address
        values: Mapping[str, object] = {
            'join "," .Values.janusgraph.cassandra.hosts': host,
            ".Values.janusgraph.cassandra.port": port,
            ".Values.janusgraph.cassandra.keyspace": self.keyspace,
            ".Values.janusgraph.cassandra.localDatacenter": "datacenter1",
            ".Values.janusgraph.cassandra.replicationFactor": 1,
        }
        for name, text in files().items():
            filled = re.sub(r"\{\{ (.+?) \}\}", lambda found: str(values[found[1]]), text)
            filled = filled.replace("/tmp/", "conf/").replace("port: 8182", f"port: {self.ports['gremlin']}")
            (self.folder / "conf" / name.replace("janusgraph.prop", "chart.prop")).write_text(
                filled.replace("conf/janusgraph.properties", "conf/chart.properties").replace(
                    "host: 0.0.0.0", "host: 127.0.0.1"
                ),
                "utf-8",
            )


@pytest.fixture
def graph(local_stack: Stack) -> Iterator[AsInTheChart]:
    cassandra = local_stack.cassandra()
    cassandra.start()
    server = AsInTheChart(
        "janusgraph-chart", local_stack.folder / "janusgraph-chart", local_stack.home, cassandra, KEYSPACE
    )
    try:
        server.start()
        yield server
    finally:
        server.stop()


def test_the_graph_of_the_chart_is_open_to_the_product_and_a_killed_server_is_followed_by_the_next(
    graph: AsInTheChart, local_stack: Stack
) -> None:
    settings = GraphSettings(urls=(graph.url,))
    with closing(Connections(settings)) as connections:
        made = install(connections, Naming().hash)
        assert made.made
    graph.kill()
    graph.start()
    with closing(Connections(settings)) as connections:
        assert install(connections, Naming().hash).graph_id == made.graph_id
    host, port = local_stack.cassandra().address
    with cql(host, port) as session:
        tables = session.execute(
            "SELECT table_name, compaction FROM system_schema.tables WHERE keyspace_name=%s", (KEYSPACE,)
        )
        compaction = {row.table_name: row.compaction["class"] for row in tables}
        (keyspace,) = session.execute(
            "SELECT replication FROM system_schema.keyspaces WHERE keyspace_name=%s", (KEYSPACE,)
        )
    assert compaction["edgestore"].endswith("LeveledCompactionStrategy")
    assert keyspace.replication["class"].endswith("NetworkTopologyStrategy")
    assert keyspace.replication["datacenter1"] == "1"


class Secured(JanusGraphOnCassandra):
    """A server with what docs/operating.md adds to its file for TLS and authentication."""

    fatal_lines = ("unable to start",)

    def _prepare(self, java: Path, jars: Path) -> None:
        super()._prepare(java, jars)
        keys = make_keys(self.folder / "keys")
        export = ("pkcs12", "-export", "-in", "server.crt", "-inkey", "server.key", "-passout", f"pass:{PASSWORD}")
        subprocess.run(["openssl", *export, "-out", "server.p12"], cwd=keys, check=True, capture_output=True)
        host, port = self._cassandra.address
        here = {"storage.hostname": host, "storage.port": port, "storage.cql.replication-factor": 1}
        users = with_values(documented("properties", "gremlin.graph="), here)
        (keys / "credentials.properties").write_text(users, "utf-8")
        more = documented("yaml", "ssl:").replace("/var/run/secrets/janusgraph", str(keys))
        file = self.folder / "conf" / "janusgraph-server.yaml"
        file.write_text(file.read_text("utf-8") + more.replace("Password: …", f"Password: {PASSWORD}"), "utf-8")

    def probe(self, timeout: float) -> None:
        """Only that it listens: what it answers is what is tested."""
        try:
            socket.create_connection((LOOPBACK, self.ports["gremlin"]), timeout).close()
        except OSError as error:
            raise NotReady(str(error)) from None


def documented(kind: str, start: str) -> str:
    """The block of that kind that the page gives."""
    page = (DOCS / "operating.md").read_text("utf-8")
    (block,) = re.findall(rf"```{kind}\n({re.escape(start)}.*?)```", page, re.DOTALL)
    return str(block)


def test_a_server_that_is_secured_as_the_page_says_is_open_to_those_with_the_key_alone(local_stack: Stack) -> None:
    cassandra = local_stack.cassandra()
    cassandra.start()
    folder = local_stack.folder / "janusgraph-secured"
    server = Secured("janusgraph-secured", folder, local_stack.home, cassandra, "secured")
    right: dict[str, Any] = {
        "urls": (server.url.replace("ws://", "wss://"),),
        "username": "lineage",
        "password": PASSWORD,
        "tls_ca_file": folder / "keys" / "ca.pem",
    }
    try:
        server.start()
        with closing(Connections(GraphSettings(**right))) as connections:
            assert install(connections, Naming().hash).made
        for wrong in ({"password": "guessed"}, {"tls_ca_file": None}, {"urls": (server.url,)}):
            with (
                closing(Connections(GraphSettings(**right | wrong))) as connections,
                pytest.raises(GraphUnavailable),
            ):
                install(connections, Naming().hash)
    finally:
        server.stop()

"""JanusGraph Server on loopback over one of two stores; servers of one keyspace open it one after the other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal

from deploy.local import probes
from deploy.local.cassandra import Cassandra
from deploy.local.config import LOOPBACK, template, with_values
from deploy.local.errors import LocalStackError
from deploy.local.home import Home, exclusive
from deploy.local.server import Server

Store = Literal["inmemory", "cassandra"]


class JanusGraph(Server):
    """A server over the in-memory store: its graph ends with it."""

    component = "janusgraph"
    port_names = ("gremlin",)
    start_seconds = 240
    # The first script is compiled during the first probe, which takes many seconds on a busy machine.
    probe_seconds = 60
    fatal_lines = ("could not be instantiated and will not be available",)
    store: Store = "inmemory"

    @property
    def url(self) -> str:
        return f"ws://{LOOPBACK}:{self.ports['gremlin']}/gremlin"

    @property
    def where(self) -> str:
        return self.url

    @property
    def facts(self) -> Mapping[str, object]:
        return {"url": self.url, "store": self.store}

    def probe(self, timeout: float) -> None:
        probes.janusgraph(self.ports["gremlin"], timeout)

    def _graph_values(self) -> Mapping[str, object]:
        return {}

    def _prepare(self, java: Path, jars: Path) -> None:
        conf = self.folder / "conf"
        conf.mkdir(exist_ok=True)
        properties = f"janusgraph-{self.store}.properties"
        (conf / properties).write_text(with_values(template(properties), self._graph_values()), "utf-8")
        values = {"port": self.ports["gremlin"], "graphs": f"{{graph: conf/{properties}}}"}
        (conf / "janusgraph-server.yaml").write_text(with_values(template("janusgraph-server.yaml"), values), "utf-8")
        for name in ("janusgraph-init.groovy", "logback.xml"):
            (conf / name).write_text(template(name), "utf-8")

    def _arguments(self, jars: Path) -> Sequence[str]:
        logging = "-Dlogback.configurationFile=conf/logback.xml"
        main = "org.janusgraph.graphdb.server.JanusGraphServer"
        return (
            "-Xmx1g",
            "-Xms256m",
            "-XX:+UseParallelGC",
            logging,
            "-cp",
            f"{jars}/*",
            main,
            "conf/janusgraph-server.yaml",
        )


class JanusGraphOnCassandra(JanusGraph):
    """A server over a keyspace of the stack's Cassandra; several may share one."""

    store: Store = "cassandra"

    def __init__(
        self, name: str, folder: Path, home: Home, cassandra: Cassandra, keyspace: str = "lineage", server: int = 1
    ) -> None:
        super().__init__(name, folder, home)
        self.keyspace = keyspace
        self._cassandra = cassandra
        self._server = server

    @property
    def facts(self) -> Mapping[str, object]:
        return {**super().facts, "keyspace": self.keyspace}

    def start(self) -> None:
        """Start; Cassandra must run already."""
        if not self._cassandra.running:
            raise LocalStackError(f"{self.name} needs Cassandra, which does not run: start it first.")
        # Two that open a new keyspace at once leave it "initialized but not frozen", for good.
        opening = self._cassandra.folder.parent / f"keyspace-{self.keyspace}.lock"
        with exclusive(opening, lambda: self._home.say(f"{self.name}: waiting for another to open the keyspace")):
            super().start()

    def _graph_values(self) -> Mapping[str, object]:
        host, port = self._cassandra.address
        return {
            "storage.hostname": host,
            "storage.port": port,
            "storage.cql.keyspace": self.keyspace,
            "graph.unique-instance-id": f"lineagegraph-{self._server}",
        }

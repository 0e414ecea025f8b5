"""One Cassandra node on loopback, ready when it has joined the ring that it is alone in."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal

from deploy.local import probes
from deploy.local.artifacts import ensure
from deploy.local.config import template, with_values
from deploy.local.home import Home
from deploy.local.java import find_java
from deploy.local.server import Server

CommitLog = Literal["periodic", "group", "batch"]


class Cassandra(Server):
    component = "cassandra"
    port_names = ("native", "storage", "jmx")
    start_seconds = 240
    heap = "1g"

    def __init__(
        self,
        name: str,
        folder: Path,
        home: Home,
        commitlog_sync: CommitLog = "periodic",
        period_ms: int = 2000,
        compressed: bool = False,
    ) -> None:
        """A compressed commit log makes a node that is killed lose all that it acknowledged in its last period.

        One that is not compressed is marked as valid every 100 ms in memory that outlives the process, so a kill -9
        costs no more than those.
        """
        super().__init__(name, folder, home)
        self._commitlog_sync = commitlog_sync
        self._period_ms = period_ms
        self._compressed = compressed

    @property
    def address(self) -> tuple[str, int]:
        return self.host, self.ports["native"]

    @property
    def seed(self) -> str:
        """The node that tells it about the ring."""
        return self.host

    @property
    def where(self) -> str:
        return "{}:{}".format(*self.address)

    @property
    def sync_seconds(self) -> float:
        """How long an acknowledged write may be missing on disk, by the configuration that it runs with."""
        text = (self.folder / "cassandra.yaml").read_text("utf-8")
        period = re.search(r"^commitlog_sync_period: (\d+)ms$", text, re.MULTILINE)
        return int(period[1]) / 1000 if period else 0.0

    @property
    def facts(self) -> Mapping[str, object]:
        return {"address": self.where}

    def probe(self, timeout: float) -> None:
        probes.cassandra(self.ports["native"], timeout, self.host)

    def _prepare(self, java: Path, jars: Path) -> None:
        data, seeds = self.folder / "data", json.dumps(f"{self.seed}:{self.ports['storage']}")
        provider = "org.apache.cassandra.locator.SimpleSeedProvider"
        folders = {f"{name}_directory": json.dumps(str(data / name)) for name in ("commitlog", "saved_caches", "hints")}
        periodic = self._commitlog_sync == "periodic"
        values = {
            "seed_provider": f"[{{class_name: {provider}, parameters: [{{seeds: {seeds}}}]}}]",
            "listen_address": self.host,
            "rpc_address": self.host,
            "storage_port": self.ports["storage"],
            "native_transport_port": self.ports["native"],
            "commitlog_sync": self._commitlog_sync,
            # Cassandra refuses to start with the period of one mode beside the name of another.
            "commitlog_sync_period": f"{self._period_ms}ms" if periodic else None,
            "data_file_directories": json.dumps([str(data / "data")]),
            "cdc_raw_directory": json.dumps(str(data / "cdc")),
            **folders,
        }
        text = with_values(template("cassandra.yaml"), values)
        if self._commitlog_sync == "group":
            text += "commitlog_sync_group_window: 10ms\n"
        if self._compressed:
            text += "commitlog_compression:\n  - class_name: LZ4Compressor\n"
        (self.folder / "cassandra.yaml").write_text(text, "utf-8")
        (self.folder / "logback.xml").write_text(template("logback.xml"), "utf-8")

    def nodetool(self) -> list[str]:
        """The command with which the running node is told something."""
        java, jars = find_java(self._home).path, ensure(self.component, self._home)
        plain = ("-Xmx128m", "-XX:TieredStopAtLevel=1", f"-Duser.home={self.folder / 'tmp'}")
        tool = (
            "-cp",
            f"{jars}/*",
            "org.apache.cassandra.tools.NodeTool",
            "-h",
            self.host,
            "-p",
            str(self.ports["jmx"]),
        )
        return [str(java), *plain, *_jvm_options(), *tool]

    @property
    def data(self) -> Path:
        """Where its tables are; beside it are the commit log, hints and saved caches."""
        return self.folder / "data" / "data"

    @property
    def _management(self) -> Sequence[str]:
        return (f"-Dcassandra.jmx.local.port={self.ports['jmx']}",)

    def _arguments(self, jars: Path) -> Sequence[str]:
        return (
            f"-Xmx{self.heap}",
            "-Xms256m",
            "-XX:+UseParallelGC",
            *_jvm_options(),
            f"-Dlogback.configurationFile={self.folder / 'logback.xml'}",
            f"-Dcassandra.config={(self.folder / 'cassandra.yaml').as_uri()}",
            f"-Dcassandra.storagedir={self.folder / 'data'}",
            f"-Djna.tmpdir={self.folder / 'tmp'}",
            "-Dcassandra-foreground=yes",
            *self._management,
            "-cp",
            f"{jars}/*",
            "org.apache.cassandra.service.CassandraDaemon",
        )


def _jvm_options() -> list[str]:
    return [line for line in template("cassandra.jvm.options").splitlines() if line.startswith("-")]

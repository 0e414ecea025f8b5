"""The Kafka broker: KRaft, one node, on loopback, formatted once and never again while its data stands."""

from __future__ import annotations

import base64
import shutil
import subprocess
import uuid
from collections.abc import Mapping, Sequence
from pathlib import Path

from deploy.local import probes
from deploy.local.config import LOOPBACK, template, with_values
from deploy.local.errors import LocalStackError
from deploy.local.server import Server


class Kafka(Server):
    component = "kafka"
    port_names = ("client", "controller")
    start_seconds = 90

    @property
    def bootstrap(self) -> str:
        return f"{LOOPBACK}:{self.ports['client']}"

    @property
    def where(self) -> str:
        return self.bootstrap

    @property
    def facts(self) -> Mapping[str, object]:
        return {"bootstrap": self.bootstrap}

    def probe(self, timeout: float) -> None:
        probes.kafka(self.ports["client"], timeout)

    def _prepare(self, java: Path, jars: Path) -> None:
        client, controller = (f"{LOOPBACK}:{self.ports[name]}" for name in self.port_names)
        data = self.folder / "data"
        values = {
            "controller.quorum.voters": f"1@{controller}",
            "listeners": f"PLAINTEXT://{client},CONTROLLER://{controller}",
            "advertised.listeners": f"PLAINTEXT://{client}",
            "log.dirs": data,
        }
        properties = self.folder / "kafka.properties"
        properties.write_text(with_values(template(properties.name), values), "utf-8")
        (self.folder / "log4j2.properties").write_text(template("kafka-log4j2.properties"), "utf-8")
        if not (data / "meta.properties").exists():
            self._format(java, jars, properties, data)

    def _format(self, java: Path, jars: Path, properties: Path, data: Path) -> None:
        shutil.rmtree(data, ignore_errors=True)
        # A leading "-" would be taken for an option.
        cluster = "k" + base64.urlsafe_b64encode(uuid.uuid4().bytes).decode("ascii")[1:22]
        command = [str(java), "-Xmx128m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", *self._logging]
        command += ["-cp", f"{jars}/*", "kafka.tools.StorageTool", "format", "-t", cluster, "-c", str(properties)]
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode:
            reason = (done.stderr or done.stdout).strip()[-400:]
            raise LocalStackError(f"Kafka's data folder could not be formatted: {reason}")

    @property
    def _logging(self) -> tuple[str, ...]:
        return (f"-Dlog4j2.configurationFile={self.folder / 'log4j2.properties'}",)

    def _arguments(self, jars: Path) -> Sequence[str]:
        heap = ("-Xmx512m", "-Xms128m", "-XX:+UseSerialGC")
        return (*heap, *self._logging, "-cp", f"{jars}/*", "kafka.Kafka", "kafka.properties")

"""The product as its users run it: commands in processes of their own, against the servers of a test."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
EVENTS = sorted((ROOT / "tests" / "events").glob("*.ndjson"))


@dataclass
class Product:
    """One topic and one group on one graph; `environment` adds or changes settings."""

    bootstrap: str
    graph_url: str
    log: Path
    topic: str = field(default_factory=lambda: f"t-{uuid.uuid4().hex[:8]}")
    environment: dict[str, str] = field(default_factory=dict)

    def run(self, *arguments: str, seconds: float = 180, code: int = 0) -> str:
        """What a command prints; it must end with this exit code."""
        done = subprocess.run(
            self._command(arguments), env=self._environment(), capture_output=True, text=True, timeout=seconds
        )
        assert done.returncode == code, f"{arguments} ended with {done.returncode}: {done.stdout}{done.stderr}"
        return done.stdout

    def refused(self, *arguments: str) -> str:
        """What a command says of its error; it must end with 1 and do nothing else."""
        done = subprocess.run(
            self._command(arguments), env=self._environment(), capture_output=True, text=True, timeout=120
        )
        assert (done.returncode, done.stdout) == (1, ""), f"{arguments} ended with {done.returncode}: {done.stderr}"
        return done.stderr

    def start(self, *arguments: str) -> subprocess.Popen[bytes]:
        """A command that goes on beside the test; what it says is added to the log."""
        with self.log.open("ab") as log:
            return subprocess.Popen(self._command(arguments), env=self._environment(), stdout=log, stderr=log)

    def publish(self, *files: Path | str, partitions: int = 3) -> int:
        """How many records of these files were sent."""
        sent = self.run("publish", *map(str, files), "--topic", self.topic, "--create-topic", str(partitions), "--json")
        return int(json.loads(sent)["sent"])

    def consume(self, *more: str) -> dict[str, int]:
        """The counts of one run of the consumer up to what is there now."""
        counts: dict[str, int] = json.loads(self.run("consume", "--until-end", "--json", *more).splitlines()[-1])
        return counts

    def graph_hash(self) -> str:
        """The hash of the whole graph."""
        return self.run("export", "--hash").strip()

    def facts_hash(self, *files: Path | str) -> str:
        """The hash of what these files state, without any server; a malformed event among them is no error."""
        done = subprocess.run(
            self._command(("explain", "--hash", *map(str, files))), capture_output=True, text=True, timeout=120
        )
        assert done.returncode in (0, 3), done.stderr
        return done.stdout.strip()

    def _command(self, arguments: tuple[str, ...]) -> list[str]:
        return [sys.executable, "-W", "error", "-m", "consumer", *arguments]

    def _environment(self) -> dict[str, str]:
        clean = {name: value for name, value in os.environ.items() if not name.startswith("LINEAGE_")}
        return {
            **clean,
            "PYTHONPATH": str(ROOT),
            "LINEAGE_KAFKA_BOOTSTRAP_SERVERS": self.bootstrap,
            "LINEAGE_TOPICS": self.topic,
            "LINEAGE_GROUP": f"g-{self.topic}",
            "LINEAGE_GRAPH_URLS": self.graph_url,
            "LINEAGE_GRAPH_SYNC_SECONDS": "0",
            "LINEAGE_COMMIT_SECONDS": "0.2",
            "LINEAGE_HTTP_PORT": "0",
            **self.environment,
        }


def logged(log: Path, event: str) -> list[dict[str, Any]]:
    """The lines of a consumer's log with this event."""
    found = []
    for line in log.read_text(encoding="utf-8", errors="replace").splitlines() if log.exists() else ():
        try:
            row = json.loads(line)
        except ValueError:
            continue
        if row.get("event") == event:
            found.append(row)
    return found


def eventually(condition: Callable[[], bool], seconds: float = 60) -> None:
    """Returns once the condition holds; it must within so many seconds."""
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until, "it did not happen in time"
        time.sleep(0.05)

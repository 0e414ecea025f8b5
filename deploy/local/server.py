"""A server of the stack: ready only when its store answers, found again by its mark, its ports and data kept."""

from __future__ import annotations

import json
import re
import shutil
import signal
import time
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import ClassVar

from deploy.local.artifacts import ensure
from deploy.local.config import LOOPBACK, free_ports, is_free
from deploy.local.errors import Broken, LocalStackError, NotReady
from deploy.local.home import Home, exclusive
from deploy.local.java import find_java
from deploy.local.process import Process

QUOTED_LINES = 15
STACK_FRAME = re.compile(r"\s+(at |\.\.\. \d+ )")
PLAIN_JVM = ("-XX:-UsePerfData", "-XX:+ExitOnOutOfMemoryError", "-Djava.awt.headless=true", "-Dfile.encoding=UTF-8")


class Server(ABC):
    """One server in one folder: `start`, `stop`, `kill` (a crash), `pause`, `resume`, `running`."""

    component: ClassVar[str]
    port_names: ClassVar[tuple[str, ...]]
    start_seconds: ClassVar[float]
    probe_seconds: ClassVar[float] = 10
    fatal_lines: ClassVar[tuple[str, ...]] = ()
    host: str = LOOPBACK

    def __init__(self, name: str, folder: Path, home: Home) -> None:
        self.name = name
        self.folder = folder
        self.log = folder / "server.log"
        self.process = Process(folder)
        self._home = home

    @abstractmethod
    def _prepare(self, java: Path, jars: Path) -> None:
        """Write the configuration and whatever must be there before the first start."""

    @abstractmethod
    def _arguments(self, jars: Path) -> Sequence[str]:
        """Everything after the binary."""

    @abstractmethod
    def probe(self, timeout: float) -> None:
        """Return if the store answers, else raise NotReady or Broken."""

    @property
    @abstractmethod
    def where(self) -> str:
        """What a client is given."""

    @property
    @abstractmethod
    def facts(self) -> Mapping[str, object]:
        """What `status --json` tells besides the process."""

    @property
    def running(self) -> bool:
        return self.process.pid is not None

    @property
    def ports(self) -> dict[str, int]:
        """The ports of this server, chosen once and kept over restarts."""
        file = self.folder / "ports.json"
        known = _read_ports(file)
        return known if known.keys() >= set(self.port_names) else self._choose_ports(file, known)

    def _choose_ports(self, file: Path, known: dict[str, int]) -> dict[str, int]:
        """Ports that no other server of this home keeps, be it stopped or about to start; known ones stay."""
        with exclusive(self._home.run / "ports.lock"):
            kept = {port for other in self._home.run.glob("*/*/ports.json") for port in _read_ports(other).values()}
            ports = dict(zip(self.port_names, free_ports(len(self.port_names), kept), strict=True)) | known
            self.folder.mkdir(parents=True, exist_ok=True)
            file.write_text(json.dumps(ports), "utf-8")
        return ports

    def start(self) -> None:
        """Start unless it runs, and return when its store answers."""
        with exclusive(self.folder / "lock", lambda: self._home.say(f"{self.name}: waiting for another start")):
            if self.process.paused:
                raise LocalStackError(f"{self.name} is paused: resume it.")
            self.process.adopt()
            if not self.running:
                self._launch()
            begun = time.monotonic()
            try:
                self._await_ready()
            except LocalStackError:
                # A server without its store keeps its ports, and would be taken for a running one.
                self.process.stop()
                raise
            if time.monotonic() - begun > 0.5:
                self._home.say(f"{self.name}: ready in {time.monotonic() - begun:.1f} s at {self.where}")

    def _launch(self) -> None:
        self._home.demand_space()
        jars, java = ensure(self.component, self._home), find_java(self._home).path
        for name, port in self.ports.items():
            if not is_free(port, self.host):
                raise LocalStackError(
                    f"Port {port} ({name} of {self.name}) is in use by another process: end that one, "
                    f"or choose new ports with `down --wipe`."
                )
        (self.folder / "tmp").mkdir(exist_ok=True)
        self._prepare(java, jars)
        if self.log.exists():
            self.log.replace(self.log.with_suffix(".log.1"))
        arguments = [*PLAIN_JVM, f"-Djava.io.tmpdir={self.folder / 'tmp'}", *self._arguments(jars)]
        self._home.say(f"{self.name}: starting")
        self.process.start(java, arguments, self.log)

    def _await_ready(self) -> None:
        deadline = time.monotonic() + self.start_seconds
        reason = "no answer yet"
        while True:
            alive = self.running
            for line in self._log_lines():
                if any(sign in line for sign in self.fatal_lines):
                    raise self._failure(f"cannot start: {line[:300]}")
            if not alive:
                raise self._failure("died while starting")
            left = deadline - time.monotonic()
            if left <= 0:
                raise self._failure(f"was not ready after {self.start_seconds:.0f} s ({reason})")
            try:
                return self.probe(min(left, self.probe_seconds))
            except Broken as error:
                raise self._failure(f"cannot be used: {error}") from None
            except NotReady as error:
                reason = str(error)
                time.sleep(0.15)

    def _failure(self, what: str) -> LocalStackError:
        # One exception's stack would fill the whole quotation and hide what led to it.
        lines = [line for line in self._log_lines() if not STACK_FRAME.match(line)]
        quoted = "\n".join(f"  {line[:300]}" for line in lines[-QUOTED_LINES:]) or "  (the log is empty)"
        return LocalStackError(f"{self.name} {what}. The last lines of {self.log}:\n{quoted}")

    def _log_lines(self) -> list[str]:
        try:
            return self.log.read_text("utf-8", "replace").splitlines()
        except OSError:
            return []

    def stop(self) -> None:
        """Ask it to end, and end it after 20 s."""
        self.process.adopt()
        self.process.stop()

    def kill(self) -> None:
        """A crash: no shutdown hook runs; ports and data stay."""
        self.process.kill()

    def pause(self) -> None:
        """Freeze the process: connections stay open and nothing answers."""
        self.process.pause()

    def resume(self) -> None:
        self.process.signal(signal.SIGCONT)

    def wipe(self) -> None:
        """Forget data, logs and ports of a stopped server."""
        if self.running:
            raise LocalStackError(f"{self.name} runs: stop it before its data is deleted.")
        shutil.rmtree(self.folder, ignore_errors=True)

    @property
    def state(self) -> str:
        """ready, paused, not answering or stopped, as seen now."""
        if not self.running:
            return "stopped"
        if self.process.paused:
            return "paused"
        try:
            self.probe(5)
        except (NotReady, Broken):
            return "not answering"
        return "ready"


def _read_ports(file: Path) -> dict[str, int]:
    try:
        return {str(name): int(port) for name, port in json.loads(file.read_text("utf-8")).items()}
    except (OSError, ValueError):
        return {}

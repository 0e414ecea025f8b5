"""The consumers under test: processes of the real command in one group, that may be killed, frozen and told to end."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import threading
import time
import urllib.request
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from tests.product import Product, logged

BUG = 70  # exit code


@dataclass
class Member:
    """One process and what it said."""

    process: subprocess.Popen[bytes]
    log: Path
    megabytes: list[int] = field(default_factory=list)
    frozen: bool = False

    @property
    def alive(self) -> bool:
        return self.process.poll() is None

    def lines(self, event: str) -> int:
        """How often it has said this."""
        try:
            return self.log.read_bytes().count(b'"event": "%s"' % event.encode())
        except OSError:
            return 0

    def says(self, event: str, seconds: float) -> bool:
        """Whether it says this (again) within so many seconds; returns at once when it does."""
        before, until = self.lines(event), time.monotonic() + seconds
        while self.lines(event) <= before:
            if time.monotonic() > until or not self.alive:
                return False
            time.sleep(0.005)
        return True

    def memory(self) -> int:
        """Resident megabytes."""
        pages = Path(f"/proc/{self.process.pid}/statm").read_text("ascii").split()[1]
        return int(pages) * os.sysconf("SC_PAGE_SIZE") // 2**20

    def status(self) -> dict[str, Any] | None:
        """What it answers at /status, None if it does not."""
        port = next((row["port"] for row in logged(self.log, "listening")), None)
        if port is None or self.frozen:
            return None
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        try:
            with opener.open(f"http://127.0.0.1:{port}/status", timeout=2) as answer:
                found: dict[str, Any] = json.load(answer)
                return found
        except (OSError, ValueError):
            return None


class Group:
    """So many members; one that ends without being asked to is a failure, and is replaced."""

    def __init__(
        self, product: Product, folder: Path, size: int, command: Sequence[str] = ("consume", "--wait")
    ) -> None:
        self._product, self._folder, self._command = product, folder, command
        self.size = size
        self.all: list[Member] = []
        self.members: list[Member] = []
        self.kills = 0
        self.failures: list[str] = []
        self._over = threading.Event()
        self._lock = threading.RLock()
        self._watcher = threading.Thread(target=self._watch, name="group", daemon=True)
        for _ in range(size):
            self.add()
        self._watcher.start()

    def add(self) -> Member:
        """One more."""
        with self._lock:
            log = self._folder / f"consumer-{len(self.all)}.log"
            member = Member(replace(self._product, log=log).start(*self._command), log)
            self.all.append(member)
            self.members.append(member)
            return member

    def kill(self, member: Member, again: bool = True) -> None:
        """kill -9, and another one in its place."""
        with self._lock:
            if member in self.members:
                self.members.remove(member)
                member.process.kill()
                member.process.wait()
                self.kills += 1
            if again:
                self.fill()

    def leave(self, member: Member) -> None:
        """Told to end; it may take its time."""
        with self._lock:
            if member in self.members:
                self.members.remove(member)
                member.process.terminate()

    def fill(self) -> None:
        """As many as there should be."""
        with self._lock:
            while len(self.members) < self.size:
                self.add()

    def freeze(self, member: Member, seconds: float) -> None:
        """SIGSTOP for so long."""
        member.frozen = True
        with suppress(ProcessLookupError):
            member.process.send_signal(signal.SIGSTOP)
            time.sleep(seconds)
            member.process.send_signal(signal.SIGCONT)
        member.frozen = False

    def finish(self, seconds: float) -> None:
        """All are told to end, and must do so in order."""
        self._over.set()
        self._watcher.join()
        until = time.monotonic() + seconds
        for member in self.members:
            member.process.terminate()
        for member in self.all:
            try:
                code = member.process.wait(max(1.0, until - time.monotonic()))
            except subprocess.TimeoutExpired:
                code = None
            # One that had not begun yet ends by the signal itself.
            if code not in (0, -signal.SIGKILL) and (code != -signal.SIGTERM or member.lines("listening")):
                self.failures.append(f"{member.log.name} ended with {code} when told to end{self._last(member)}")
        self.end()

    def end(self) -> None:
        """None is left."""
        self._over.set()
        for member in self.all:
            if member.alive:
                member.process.kill()
                member.process.wait()

    def megabytes(self) -> int:
        """The most that any of them ever had."""
        return max((max(member.megabytes, default=0) for member in self.all), default=0)

    def _watch(self) -> None:
        turn = 0
        while not self._over.wait(0.5):
            with self._lock:
                members = list(self.members)
            for member in members:
                self._look(member, turn % 4 == 0)
            turn += 1

    def _look(self, member: Member, closely: bool) -> None:
        with self._lock:
            if member in self.members and not member.alive:
                code = member.process.returncode
                self.failures.append(f"{member.log.name} ended with {code} unasked{self._last(member)}")
                self.members.remove(member)
                self.fill()
                return
        with suppress(OSError):
            member.megabytes.append(member.memory())
        if closely and (status := member.status()) is not None and status.get("mismatch"):
            self.failures.append(f"{member.log.name}: {status['mismatch']} records are in no account")

    def _last(self, member: Member) -> str:
        try:
            return ": " + member.log.read_text("utf-8", "replace")[-1500:]
        except OSError:
            return ""


def until(condition: Callable[[], bool], seconds: float) -> float | None:
    """After how many seconds the condition held; None if it did not."""
    began = time.monotonic()
    while not condition():
        if time.monotonic() - began > seconds:
            return None
        time.sleep(0.05)
    return time.monotonic() - began

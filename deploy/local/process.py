"""One JVM process per folder, recognised by a mark on its command line: nothing without the mark is ever signalled."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path

from deploy.local.errors import LocalStackError

STOP_SECONDS = 20.0
PROC = Path("/proc/self/cmdline")
# Children stay referenced until they are reaped: the stack outlives its starter, so nobody waits for them.
_children: dict[tuple[str, int], subprocess.Popen[bytes]] = {}


def command_of(pid: int) -> str:
    """The command line of a process, a space after each word; empty for none and for a dead one that is not reaped."""
    if not PROC.exists():
        return _ps("-p", str(pid), "-o", "command=") + " "
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().decode("utf-8", "replace").replace("\0", " ")
    except OSError:
        return ""


def _pids() -> list[int]:
    if not PROC.exists():
        return [int(word) for word in _ps("-A", "-o", "pid=").split()]
    return [int(path.name) for path in Path("/proc").iterdir() if path.name.isdigit()]


def _ps(*options: str) -> str:
    """What Linux has in /proc, on other systems."""
    return subprocess.run(["ps", "-ww", *options], capture_output=True, text=True).stdout.strip()


class Process:
    """The process that a folder's pid file names, if it is ours."""

    def __init__(self, folder: Path) -> None:
        # The space ends the folder's name: `janusgraph-cassandra` is not `janusgraph-cassandra-2`.
        self.mark = f"-Dlineagegraph.local={folder} "
        self._file = folder / "pid"

    @property
    def pid(self) -> int | None:
        """The pid while the process lives and carries our mark."""
        try:
            pid = int(self._file.read_text("ascii"))
        except (OSError, ValueError):
            return None
        child = _children.get((self.mark, pid))
        if child is not None and child.poll() is None:
            # Our own child until it is reaped; its command line may still be empty right after its start.
            return pid
        _children.pop((self.mark, pid), None)
        return pid if self._is_ours(pid) else None

    def _is_ours(self, pid: int) -> bool:
        return self.mark in command_of(pid)

    def adopt(self) -> None:
        """Find by its mark a process whose starter died before it could write the pid file."""
        if self.pid is None:
            for pid in _pids():
                if pid != os.getpid() and self._is_ours(pid):
                    self._file.write_text(str(pid), "ascii")
                    return

    def start(self, java: Path, arguments: Sequence[str], log: Path) -> None:
        """Start in a session of its own, so that neither Ctrl-C nor the end of the starter reaches it."""
        with log.open("wb") as output:
            child = subprocess.Popen(
                [str(java), self.mark.rstrip(), *arguments],
                cwd=self._file.parent,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        _children[self.mark, child.pid] = child
        self._file.write_text(str(child.pid), "ascii")

    def signal(self, number: signal.Signals) -> bool:
        """Send a signal; False if there is no process of ours to send it to."""
        pid = self.pid
        if pid is None:
            return False
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            return False
        except PermissionError:
            raise LocalStackError(f"Process {pid} belongs to another user: it cannot be stopped from here.") from None
        return True

    def stop(self) -> None:
        """Ask, wait, then kill. A paused process is resumed, or it would never hear the request."""
        if self.signal(signal.SIGTERM):
            self.signal(signal.SIGCONT)
            if not self._gone_within(STOP_SECONDS):
                self.kill()
        self._file.unlink(missing_ok=True)

    def kill(self) -> None:
        """The crash: no shutdown hook runs."""
        if self.signal(signal.SIGKILL) and not self._gone_within(10):
            raise LocalStackError(f"Process {self.pid} survives SIGKILL: it hangs in the kernel.")

    def _gone_within(self, seconds: float) -> bool:
        deadline = time.monotonic() + seconds
        while self.pid is not None:
            if time.monotonic() > deadline:
                return False
            time.sleep(0.05)
        return True

    def pause(self) -> None:
        """Freeze it, all its threads: one that the signal has not reached yet would answer once more."""
        if self.signal(signal.SIGSTOP):
            deadline = time.monotonic() + 10
            while not self.paused and self.pid is not None and time.monotonic() < deadline:
                time.sleep(0.01)

    @property
    def paused(self) -> bool:
        pid = self.pid
        if pid is None:
            return False
        if not PROC.exists():
            return _ps("-p", str(pid), "-o", "state=").startswith("T")
        try:
            return Path(f"/proc/{pid}/stat").read_text("ascii", "replace").rpartition(")")[2].split()[0] == "T"
        except OSError:
            return False

    @property
    def memory(self) -> int | None:
        """Resident bytes."""
        pid = self.pid
        if pid is None:
            return None
        if not PROC.exists():
            resident = _ps("-p", str(pid), "-o", "rss=")
            return int(resident) * 1024 if resident else None
        try:
            return int(Path(f"/proc/{pid}/statm").read_text("ascii").split()[1]) * os.sysconf("SC_PAGE_SIZE")
        except OSError:
            return None

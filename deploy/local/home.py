"""Where everything of the local stack lives: one folder that may be deleted, and nothing outside it."""

from __future__ import annotations

import errno
import fcntl
import os
import shutil
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from deploy.local.errors import LocalStackError

REPOSITORY = Path(__file__).resolve().parents[2]
LEAST_FREE = 500 * 1024 * 1024
_terminal = threading.Lock()


def tell(line: str) -> None:
    """One whole line on standard error, also when several threads report."""
    with _terminal:
        print(line, file=sys.stderr, flush=True)


def default_home() -> Path:
    return Path(os.environ.get("LINEAGE_LOCAL_HOME") or REPOSITORY / ".local").absolute()


@dataclass(frozen=True, slots=True)
class Home:
    """The folder, and how progress is told."""

    path: Path
    say: Callable[[str], None] = tell

    @property
    def jars(self) -> Path:
        return self.path / "jars"

    @property
    def tools(self) -> Path:
        return self.path / "tools"

    @property
    def run(self) -> Path:
        return self.path / "run"

    def demand_space(self) -> None:
        """A full disk stops Kafka and Cassandra in ways that look like defects: refuse to start near it."""
        self.path.mkdir(parents=True, exist_ok=True)
        free = shutil.disk_usage(self.path).free
        if free < LEAST_FREE:
            raise LocalStackError(f"The disk of {self.path} is full: {free >> 20} MB are free, 500 MB are needed.")


@contextmanager
def exclusive(path: Path, waiting: Callable[[], None] = lambda: None) -> Iterator[None]:
    """Hold a file lock; it ends with the process, so that a killed one leaves nothing locked."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            if error.errno not in (errno.EAGAIN, errno.EACCES):
                raise
            waiting()
            fcntl.flock(file, fcntl.LOCK_EX)
        yield

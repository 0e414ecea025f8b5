"""A consumer process whose graph is a file of run ids: for tests that kill it.

Each write is appended and synced before it is acknowledged, slowly enough to be killed in the middle.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from consumer import logs, run
from consumer.batch import Good, Reader, Skip
from consumer.deadletters import DeadLetter
from consumer.records import Record
from consumer.run import How, consume
from consumer.settings import load
from lineagegraph.facts import Facts
from tests.consumer.fakes import Acknowledgement, runs


@dataclass
class FileStore:
    """A graph on disk."""

    path: Path
    seconds: float = 0.0
    graph_id: str = "graph-file"
    horizon: int = 0

    def open(self, naming_hash: str) -> str:
        return self.graph_id

    def close(self) -> None:
        pass

    def write(self, facts: Facts) -> Acknowledgement:
        time.sleep(self.seconds)
        with self.path.open("a", encoding="utf-8") as file:
            file.writelines(f"{name}\n" for name in sorted(runs(facts)))
            file.flush()
            os.fsync(file.fileno())
        return Acknowledgement(self.graph_id)

    def heartbeat(self) -> str:
        return self.graph_id

    def forget(self) -> None:
        pass


@dataclass(frozen=True, slots=True)
class Mortal(Reader):
    """Kills its process at a poisonous record, as a crash in native code or a lack of memory would."""

    def read(self, record: Record, horizon: int = 0) -> Good | DeadLetter | Skip:
        if record.value == b"poison":
            os.kill(os.getpid(), signal.SIGKILL)
        return Reader.read(self, record)


def main() -> None:
    """Arguments: the file, seconds per write, and perhaps --until-end and --mortal."""
    if "--mortal" in sys.argv:
        run.Reader = Mortal  # type: ignore[attr-defined]
    settings = load()
    logs.configure("INFO")
    store = FileStore(Path(sys.argv[1]), float(sys.argv[2]))
    asyncio.run(consume(settings, How(until_end="--until-end" in sys.argv), store))


if __name__ == "__main__":
    main()

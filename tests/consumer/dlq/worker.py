"""A consumer process whose graph is a file of facts: for tests that replay while it works.

Arguments: the file, and a file of run ids; while that exists, facts about these runs are refused.
"""

from __future__ import annotations

import asyncio
import os
import pickle
import sys
from dataclasses import dataclass
from pathlib import Path

from consumer import logs
from consumer.run import How, consume
from consumer.settings import load
from lineagegraph.canonical import digest, lines
from lineagegraph.errors import GraphRejected
from lineagegraph.facts import Facts, fold
from tests.consumer.fakes import Acknowledgement, runs


@dataclass
class FactsFile:
    """A graph on disk."""

    path: Path
    refused: Path
    graph_id: str = "graph-file"

    def open(self, naming_hash: str) -> str:
        return self.graph_id

    def close(self) -> None:
        pass

    def write(self, facts: Facts) -> Acknowledgement:
        if self.refused.exists() and runs(facts) & set(self.refused.read_text(encoding="utf-8").split()):
            raise GraphRejected("refused")
        with self.path.open("ab") as file:
            pickle.dump(facts, file)
            file.flush()
            os.fsync(file.fileno())
        return Acknowledgement(self.graph_id)

    def heartbeat(self) -> str:
        return self.graph_id

    def forget(self) -> None:
        pass


def graph_hash(path: Path) -> str:
    """The hash of the graph in the file."""
    written = []
    with path.open("rb") as file:
        while file.peek(1):
            written.append(pickle.load(file))
    return digest(lines(fold(written)))


def main() -> None:
    logs.configure("INFO")
    store = FactsFile(Path(sys.argv[1]), Path(sys.argv[2]))
    asyncio.run(consume(load(), How(), store))


if __name__ == "__main__":
    main()

"""A consumer process whose graph refuses facts about the runs that a file names, for as long as the file is there."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from consumer import logs
from consumer.run import How, consume
from consumer.settings import load
from lineagegraph.errors import GraphRejected
from lineagegraph.facts import Facts
from lineagegraph.store import Acknowledged, GraphStore
from tests.consumer.fakes import runs


class Refusing(GraphStore):
    """The graph, but for some runs."""

    refused = Path()

    def write(self, facts: Facts) -> Acknowledged:
        if self.refused.exists() and runs(facts) & set(self.refused.read_text(encoding="utf-8").split()):
            raise GraphRejected("refused")
        return super().write(facts)


def main() -> None:
    """Argument: the file."""
    logs.configure("INFO")
    settings = load()
    store = Refusing(settings.graph())
    store.refused = Path(sys.argv[1])
    asyncio.run(consume(settings, How(), store))


if __name__ == "__main__":
    main()

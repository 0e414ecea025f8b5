"""The negative control: the consumer with one fence taken away. The suite must find out.

CHAOS_WITHOUT=commit-after-write python -m tests.chaos.without consume
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Sequence
from typing import Any

from consumer import tracker
from consumer.burial import KafkaBurial
from consumer.cli import main
from consumer.graph import Graph, Timing
from consumer.lease import Lease


def _commit_first() -> None:
    """An offset counts as soon as it is read."""
    take = tracker.Tracker.take

    def taken(self: tracker.Tracker, end: int, timestamp: int = -1) -> tracker.Ticket:
        ticket = take(self, end, timestamp)
        ticket.done(-math.inf)
        return ticket

    tracker.Tracker.take = taken  # type: ignore[method-assign]


def _commit_early() -> None:
    """What the graph has acknowledged counts as being on its disk."""
    begin = Graph.__init__

    def begun(self: Graph, store: Any, graph_id: str, timing: Timing, metrics: Any) -> None:
        begin(self, store, graph_id, Timing(0.0), metrics)

    Graph.__init__ = begun  # type: ignore[method-assign]


def _bury_nothing() -> None:
    """A dead letter counts as buried before its topic has it; every second one is forgotten."""
    bury, count = KafkaBurial.bury, iter(range(10**9))

    async def buried(self: KafkaBurial, letters: Sequence[Any]) -> None:
        if next(count) % 2:
            await bury(self, letters)

    KafkaBurial.bury = buried  # type: ignore[method-assign]


def _go_on() -> None:
    """After an outage nothing is read again."""
    rewound = Lease.rewound

    def forgotten(self: Lease, settings: Any) -> Lease:
        new = rewound(self, settings)
        for partition, mine in self.trackers.items():
            new.trackers[partition] = tracker.Tracker(mine.position)
            mine.committed = mine.position
        return new

    Lease.rewound = forgotten  # type: ignore[method-assign]


FENCES: dict[str, Callable[[], None]] = {
    "commit-after-write": _commit_first,
    "commit-after-sync": _commit_early,
    "bury-before-commit": _bury_nothing,
    "rewind-after-outage": _go_on,
}

if __name__ == "__main__":
    FENCES[os.environ["CHAOS_WITHOUT"]]()
    main()

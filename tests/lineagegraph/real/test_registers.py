"""Registers on Cassandra: the greatest value wins among equal times, before and after what is stored is merged."""

from __future__ import annotations

import random
import time
from collections.abc import Callable

import pytest

from lineagegraph.canonical import lines
from lineagegraph.facts import fold
from lineagegraph.store import GraphStore
from tests.lineagegraph.cells import ids, places, stored
from tests.lineagegraph.real.conftest import Pair
from tests.lineagegraph.real.test_contract import registers
from tests.lineagegraph.servers import at_once, exported, opened, rewrite, shuffled

pytestmark = pytest.mark.cassandra

FLUSH_OFTEN = "ALTER TABLE edgestore WITH memtable_flush_period_in_ms = 400"
FLUSH_AT_WILL = "ALTER TABLE edgestore WITH memtable_flush_period_in_ms = 0"
KEEP_APART = "ALTER TABLE edgestore WITH compaction = {'class': 'SizeTieredCompactionStrategy', 'enabled': 'false'}"
MERGE_ALL = (  # all files below min_sstable_size are alike, and two are enough
    "ALTER TABLE edgestore WITH compaction = "
    "{'class': 'SizeTieredCompactionStrategy', 'min_threshold': '2', 'max_threshold': '1000'}"
)


def files(pair: Pair) -> set[str]:
    """Those that hold the graph."""
    return {path.name for path in pair.cassandra.folder.glob("data/data/proofs/edgestore-*/*-Data.db")}


def eventually(holds: Callable[[], bool], seconds: float = 60) -> None:
    until = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < until, "it did not happen in time"
        time.sleep(0.1)


def test_the_greatest_value_wins_over_flushes_and_compaction(pair: Pair) -> None:
    many = list(registers("merged"))
    want = sorted(lines(fold(many)))
    pair.session.execute(KEEP_APART)
    pair.session.execute(FLUSH_OFTEN)
    before = files(pair)

    def write(store: GraphStore, number: int) -> None:
        pause = random.Random(number)
        for facts in shuffled(many, number, times=2, batch=20):
            rewrite(store, facts)
            time.sleep(pause.random() / 10)  # so that one register's values come to lie in several files

    at_once(pair.servers, 8, write)
    eventually(lambda: len(files(pair) - before) >= 3)
    assert exported(pair.first, "merged") == want
    apart = files(pair)
    pair.session.execute(MERGE_ALL)
    with opened(pair.first) as store:
        store.heartbeat()  # what is flushed next sets it off
    eventually(lambda: not apart & files(pair))
    pair.session.execute(FLUSH_AT_WILL)
    assert exported(pair.second, "merged") == want
    together = fold(many)
    assert stored(pair.cells().of(*ids(together))) == places(together)

"""Servers whose clocks disagree.

A server's clock enters our writes only as the commit time of new facts, so a wrong clock is made here by a commit
time of our own. (A server under libfaketime, two hours slow, was tried as well: it works, but it takes minutes to start
and cannot be installed everywhere.)
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import orjson
import pytest

from deploy.local import JanusGraph
from lineagegraph.canonical import lines
from lineagegraph.facts import Facts, Vertex, fold
from lineagegraph.gremlin import request_key, script
from lineagegraph.registers import newest
from lineagegraph.store import GraphStore
from tests.lineagegraph.cells import ids, places, stored
from tests.lineagegraph.random_facts import events
from tests.lineagegraph.real.conftest import Pair
from tests.lineagegraph.servers import at_once, exported, gremlin, opened, rewrite, shuffled

pytestmark = pytest.mark.cassandra

NOW = "write(g, null) { JanusGraphTransaction t -> facts(t, v, e) }"
HOURS_AGO = "write(g, Instant.now().minusSeconds(7200)) { JanusGraphTransaction t -> facts(t, v, e) }"

OLD, NEW = newest(1_795_000_000_000, "old"), newest(1_795_000_000_001, "new")

Ask = Callable[[str, str, str], dict[str, Any]]


def hours_slow(server: JanusGraph) -> Ask:
    """Asks what a server with a slow clock would make of an upsert."""
    text = script("upsert")
    assert text.count(NOW) == 1
    text = text.replace(NOW, HOURS_AGO)

    def ask(name: str, key: str, body: str) -> dict[str, Any]:
        assert name == "upsert"
        reply: dict[str, Any] = gremlin(server, text, b=body)
        assert reply["k"] == key
        return reply

    return ask


def slow(store: GraphStore, server: JanusGraph) -> None:
    """From now on this store's server is two hours slow."""
    store._connections.ask = hours_slow(server)  # type: ignore[assignment,method-assign]


def test_slow_and_right_clocks_together_give_the_facts_once(pair: Pair) -> None:
    many = events("clocks", 150)

    def write(store: GraphStore, number: int) -> None:
        if number % 2:
            slow(store, pair.second)
        for facts in shuffled(many, number, times=2, batch=30):
            rewrite(store, facts)

    at_once(pair.servers, 4, write)
    together = fold(many)
    assert exported(pair.first, "universe clocks") == sorted(lines(together))
    assert stored(pair.cells().of(*ids(together))) == places(together)


@pytest.mark.parametrize("slow_says", ["the newer", "the older"])
def test_a_register_is_the_newest_event_s_whichever_clock_is_slow(slow_says: str, pair: Pair) -> None:
    run = Vertex("Run", (f"slow says {slow_says}",))
    old, new = _said(run, OLD), _said(run, NEW)
    first, then = (old, new) if slow_says == "the newer" else (new, old)
    with opened(pair.first) as right, opened(pair.second) as wrong:
        slow(wrong, pair.second)
        rewrite(right, first)
        rewrite(wrong, then)
    assert gremlin(pair.first, "g.V(x).values('engine').next()", x=run.id) == NEW


def test_without_the_constant_time_the_slow_server_s_newer_word_is_lost(pair: Pair) -> None:
    run = Vertex("Run", ("slow and by the clock",))
    with opened(pair.first) as store:
        graph_id = store.heartbeat()
    right: Ask = lambda name, key, body: gremlin(pair.first, script(name), b=body)  # noqa: E731
    for ask, value in ((right, OLD), (hours_slow(pair.second), NEW)):
        fact = [[run.id, "Run", {"run_id": run.key[0], "engine": value}]]
        ask("upsert", key := request_key(), orjson.dumps({"k": key, "g": graph_id, "v": fact}).decode())
    assert gremlin(pair.first, "g.V(x).values('engine').next()", x=run.id) == OLD


def _said(run: Vertex, value: str) -> Facts:
    facts = Facts()
    facts.vertex(run, {"engine": value})
    return facts

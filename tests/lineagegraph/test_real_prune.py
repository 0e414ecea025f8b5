"""Retention in a real graph: what goes is what was planned, nothing is left half, and a replay brings nothing back."""

from __future__ import annotations

from contextlib import closing

import pytest

from lineagegraph.canonical import lines
from lineagegraph.doctor import examine
from lineagegraph.errors import LineageError
from lineagegraph.export import export
from lineagegraph.gremlin import Connections
from lineagegraph.install import install
from lineagegraph.naming import Naming
from lineagegraph.prune import prune
from lineagegraph.settings import GraphSettings
from lineagegraph.store import GraphStore
from tests.conftest import FreshGraph
from tests.lineagegraph.build import Event, mapped
from tests.lineagegraph.past import DAY_MS, FIRST, Prunable, history, stated
from tests.servers import Store

HORIZON = FIRST + 12 * DAY_MS
LEARNT = 1.5  # seconds after which a server has read its Meta vertex anew: it does so once a second
STORES = [pytest.param("inmemory", marks=pytest.mark.real), pytest.param("cassandra", marks=pytest.mark.cassandra)]
EVENTS = history(1, 60)


@pytest.fixture(scope="module", params=STORES)
def settings(request: pytest.FixtureRequest, fresh_graph: FreshGraph) -> GraphSettings:
    store: Store = request.param
    made = GraphSettings(urls=(fresh_graph(store).url,))
    with closing(Connections(made)) as connections:
        install(connections, Naming().hash)
    return made


def since(events: list[Event], horizon: str) -> list[Event]:
    """What a consumer that knows the horizon writes."""
    return [one for one in events if one["eventTime"] >= horizon]


def test_what_was_planned_goes_nothing_is_left_half_and_a_replay_brings_nothing_back(settings: GraphSettings) -> None:
    facts = stated(EVENTS)
    with closing(GraphStore(settings)) as store:
        store.open(Naming().hash)
        store.write(facts)
        left, planned = Prunable(facts).pruned(HORIZON)
        assert prune(settings, HORIZON + 7).going == planned.going > 10
        assert sorted(lines(facts)) == list(export(settings)), "without being told to, nothing is removed"

        done = prune(settings, HORIZON + 7, act=True, settle=LEARNT)
        assert (done.horizon, done.going, done.buckets) == (HORIZON, planned.going, planned.buckets)
        assert sorted(lines(left)) == list(export(settings))
        assert examine(settings).found.total() == 0
        assert store.horizon == 0
        store.heartbeat()
        assert store.horizon == HORIZON
        for one in since(EVENTS, "2026-11-13"):
            store.write(mapped(one))
        assert sorted(lines(left)) == list(export(settings))
        again = prune(settings, HORIZON, act=True, settle=0)
        assert (again.going, again.buckets, again.removed) == (0, 0, 0)


def test_a_horizon_that_events_may_still_come_for_is_refused(settings: GraphSettings) -> None:
    with pytest.raises(LineageError, match="at least 2 days"):
        prune(settings, 9_999_999_999_999)

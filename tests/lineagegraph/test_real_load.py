"""An export imported into an empty graph is that graph again."""

from __future__ import annotations

from contextlib import closing

import pytest

from lineagegraph.canonical import lines
from lineagegraph.doctor import examine
from lineagegraph.export import export
from lineagegraph.facts import fold
from lineagegraph.gremlin import Connections
from lineagegraph.install import install
from lineagegraph.load import load
from lineagegraph.naming import Naming
from lineagegraph.settings import GraphSettings
from lineagegraph.store import GraphStore
from tests.conftest import FreshGraph
from tests.lineagegraph.past import history, stated
from tests.lineagegraph.random_facts import events

pytestmark = pytest.mark.real


def empty(fresh_graph: FreshGraph) -> GraphSettings:
    settings = GraphSettings(urls=(fresh_graph("inmemory").url,))
    with closing(Connections(settings)) as connections:
        install(connections, Naming().hash)
    return settings


def test_what_was_exported_is_imported_whole_also_twice(fresh_graph: FreshGraph) -> None:
    facts = fold([stated(history(3, 40)), *events(5, 200)])
    settings = empty(fresh_graph)
    with closing(GraphStore(settings)) as store:
        store.open(Naming().hash)
        store.write(facts)
    exported = list(export(settings))
    assert exported == sorted(lines(facts))

    other = empty(fresh_graph)
    assert list(export(other)) == []
    for _ in range(2):
        assert load(other, exported) == len(exported)
        assert list(export(other)) == exported
    assert examine(other).found.total() == 0

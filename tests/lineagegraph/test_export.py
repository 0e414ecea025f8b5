"""An export of a graph has the lines of the facts that were written into it, whatever of them is stored."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from lineagegraph.canonical import lines
from lineagegraph.export import export
from lineagegraph.facts import Facts, Vertex, identity
from lineagegraph.scan import Row
from lineagegraph.settings import GraphSettings
from tests.lineagegraph.fake_graph import stored
from tests.lineagegraph.made import made_at_random

FACTS = made_at_random(3, 30)


def pages(facts: Facts) -> Iterator[list[Row]]:
    """As the servers hand them out: one vertex a page."""
    out: dict[Vertex, list[list[Any]]] = {}
    for (label, source, target), day in facts.edges.items():
        out.setdefault(source, []).append([label, target.id, day])
    for vertex, properties in facts.vertices.items():
        yield [(vertex.id, vertex.label, {**identity(vertex), **properties}, out.get(vertex, []))]


@pytest.mark.parametrize("facts", [FACTS, stored(FACTS)], ids=["with implied edges", "without"])
def test_it_is_the_same_whether_what_is_implied_is_stored_or_not(facts: Facts, monkeypatch: pytest.MonkeyPatch) -> None:
    assert len(FACTS) > len(stored(FACTS))
    monkeypatch.setattr("lineagegraph.export.pages", lambda settings: pages(facts))
    assert list(export(GraphSettings())) == sorted(lines(FACTS)) == sorted(lines(stored(FACTS)))

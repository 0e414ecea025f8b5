"""The plain case says what the rules say of all facts, and leaves to them whatever is not plain."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

from lineagegraph import rules
from lineagegraph.facts import Facts, Vertex
from lineagegraph.rules.plain import Latest, Plain
from lineagegraph.view import View
from tests.lineagegraph.made import made_at_random
from tests.lineagegraph.test_reading_costs import PIPELINES, chains


@cache
def made() -> list[Facts]:
    """Random histories."""
    return [made_at_random(seed, 12) for seed in range(30)]


def as_fetched(facts: Facts) -> View:
    """What one request brings: no Buckets, so that of each pipeline the latest run alone is known to be its own."""
    some = Facts()
    for vertex, stored in facts.vertices.items():
        some.vertex(vertex, stored)
    for (label, source, target), day in facts.edges.items():
        if label not in ("BUCKET", "HOLDS"):
            some.edge(label, source, target, day)
    return View(some)


def plain_answers(view: View) -> Iterator[tuple[Vertex, tuple[Vertex, ...], list[rules.Source] | None]]:
    plain = Plain(view)
    for dataset in view.all("Dataset"):
        if (names := plain.names(dataset)) is not None:
            makers = plain.makers(names)
            yield dataset, names, plain.sources(dataset, names, makers) if makers else None


def test_what_is_plain_is_what_the_rules_make_of_all_facts() -> None:
    found = 0
    for facts in made():
        whole = View(facts)
        for dataset, names, rows in plain_answers(as_fetched(facts)):
            assert rules.names_of(whole, dataset) == frozenset(names)
            if rows is not None:
                assert rules.sources(whole, dataset) == rows, dataset
                found += bool(rows)
    assert found > 20


def test_what_plain_runs_read_is_what_the_rules_make_of_all_facts() -> None:
    found = 0
    for facts in made():
        whole, plain = View(facts), Plain(as_fetched(facts))
        for latest in filter(None, map(plain.latest, whole.all("Pipeline"))):
            if (rows := plain.snapshots(latest)) is not None:
                read = [row for _, some in sorted(rows.items()) for row in some]
                assert read == rules.snapshots_read(whole, latest.run), latest
                found += bool(rows)
    assert found > 10


def test_everything_about_pipelines_that_run_as_they_should_is_plain() -> None:
    view = as_fetched(chains())
    rows = [rows for _, _, rows in plain_answers(view)]
    assert len([some for some in rows if some]) == PIPELINES
    assert None not in rows
    latest = [Plain(view).latest(p) for p in view.leaving("CONSUMES")]
    assert all(isinstance(one, Latest) and Plain(view).snapshots(one) for one in latest)

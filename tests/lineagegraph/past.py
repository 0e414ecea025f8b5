"""Random histories of three weeks, and a graph in memory that can be pruned as the servers' is."""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator
from typing import Any

from lineagegraph.corrections import NONE, Corrections
from lineagegraph.facts import Facts, Vertex, fold, identity
from lineagegraph.plan import Plan, database, planned, removals
from lineagegraph.scan import Row
from lineagegraph.schema import EDGES
from tests.lineagegraph.build import Event, ds, event, mapped
from tests.lineagegraph.fake_graph import FakeGraph

DAY_MS = 86_400_000
FIRST = 1_793_491_200_000  # the first of November 2026
DAYS = 20
ALL = 1_000_000  # requests


def history(seed: int, runs: int = 90) -> list[Event]:
    """Runs of few jobs over few tables: they fail, last over midnight, have parents, drop tables, train models."""
    pick = random.Random(f"past {seed}")
    events: list[Event] = []
    for number in range(runs):
        start = pick.randrange(DAYS * 24 * 60)
        events += _run(pick, number, start)
    return events


def _run(pick: random.Random, number: int, start: int) -> Iterator[Event]:
    job = pick.randrange(7)
    inputs = [_read(pick) for _ in range(pick.choice((0, 1, 1, 2)))]
    outputs = [_written(pick, number) for _ in range(pick.choice((0, 1, 1, 2)))]
    if job == 0 and pick.random() < 0.7:
        outputs.append(ds("churn", namespace="mlflow://made", version=str(number), kind="MODEL"))
    parent = f"app-{start // (24 * 60)}-{pick.randrange(2)}" if pick.random() < 0.6 else None
    more: dict[str, Any] = {"run": f"run-{number}", "job": f"job{job}", "parent": parent}
    more["processing"] = (None, "STREAMING", "BATCH")[job % 3]
    lasting = pick.choice((1, 5, 60, 900))
    ends = pick.choice((("COMPLETE",), ("COMPLETE",), ("COMPLETE",), ("FAIL",), ("FAIL", "COMPLETE"), ()))
    if pick.random() < 0.9:
        yield event("START", start, inputs, outputs, **more)
    for end in ends:
        yield event(end, start + lasting, inputs, outputs, **more)


def _read(pick: random.Random) -> dict[str, Any]:
    version = str(pick.randrange(10**18, 10**18 + 30)) if pick.random() < 0.8 else None
    scanned = float(version) if version and pick.random() < 0.5 else None
    return ds(f"t{pick.randrange(8)}", version=version, scanned=scanned)


def _written(pick: random.Random, number: int) -> dict[str, Any]:
    table = pick.randrange(8)
    version = str(10**18 + number * 10**6) if pick.random() < 0.8 else None
    change = pick.choice(("DROP", "CREATE", "RENAME", "OVERWRITE")) if pick.random() < 0.35 else None
    return ds(
        f"t{table}",
        version=version,
        reported=float(version) if version and pick.random() < 0.4 else None,
        rows=pick.choice((None, 5)),
        of=[f"t{pick.randrange(8)}"] if pick.random() < 0.3 else None,
        change=change,
        was=f"t{pick.randrange(8)}" if change == "RENAME" else None,
        called=f"db.t{pick.randrange(4)}" if pick.random() < 0.2 else None,
        columns=("id", f"c{pick.randrange(3)}") if pick.random() < 0.3 else None,
    )


def stated(events: Iterable[Event]) -> Facts:
    """What these events state, and one model that a client states."""
    facts = fold(map(mapped, events))
    client = Vertex("Model", ("lineagegraph", "stated", "1"))
    facts.edge("TRAINED_ON", client, Vertex("DatasetVersion", ("s3://lake", "t1", str(10**18 + 7 * 10**6))))
    facts.edge("TRAINED_ON", client, Vertex("Dataset", ("s3://lake", "t1")))
    return facts


class Prunable(FakeGraph):
    """Also answers as `scan.groovy` does, and loses what it is told to lose."""

    def __init__(self, facts: Facts) -> None:
        super().__init__(facts)
        self.facts = facts
        self.horizon = 0

    def ask(self, name: str, key: str, body: str) -> dict[str, Any]:
        return {**super().ask(name, key, body), "h": self.horizon}

    def rows(self, labels: Iterable[str], keys: Iterable[str], edges: Iterable[str]) -> Iterator[Row]:
        wanted, of, leaving = tuple(keys), set(labels), set(edges)
        out: dict[Vertex, list[list[str | None]]] = {}
        for (label, source, target), day in self.facts.edges.items():
            if label in leaving:
                out.setdefault(source, []).append([label, target.id, day])
        for vertex, stored in self.facts.vertices.items():
            if vertex.label in of:
                known = {**identity(vertex), **stored}
                yield vertex.id, vertex.label, {k: known[k] for k in wanted if k in known}, out.get(vertex, [])

    def pruned(self, horizon: int, requests: int = ALL, corrections: Corrections = NONE) -> tuple[Facts, Plan]:
        """What is left after so many requests of removing, and the plan."""
        db = database(":memory:")
        plan = planned(self, db, horizon, lambda what, count: None, corrections)
        edges: set[tuple[str, str, str]] = set()
        gone: set[str] = set()
        for part, _ in zip(removals(db, 12), range(requests), strict=False):
            edges.update(part.edges)
            gone.update(part.vertices)
        left = Facts()
        for vertex, stored in self.facts.vertices.items():
            if vertex.id not in gone:
                left.vertex(vertex, stored)
        for (label, source, target), day in self.facts.edges.items():
            if not {source.id, target.id} & gone and (source.id, label, target.id) not in edges:
                left.edge(label, source, target, day)
        dangling = [e for e in self.facts.edges if e.target.id in gone and not {e.source.id} & gone]
        missed = [
            e for e in dangling if (e.source.id, e.label, e.target.id) not in edges and not EDGES[e.label].both_ways
        ]
        assert not missed or requests < 1_000_000, f"edges to what is gone: {missed[:3]}"
        return left, plan

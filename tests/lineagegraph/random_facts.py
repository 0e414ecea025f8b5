"""Facts at random over all tables of the schema: few things, so that everything is stated again and again.

A list of facts is a function of its seed, so that every process makes the same one.
"""

from __future__ import annotations

import random
from typing import Any

from lineagegraph.facts import Facts, Properties, Vertex, bucket
from lineagegraph.registers import Stored, earliest, newest
from lineagegraph.schema import EDGES, VERTICES, Kind

START = 1_795_000_000_000
TIMES = [START + n * 7_000_001 for n in range(7)]  # few, so that most meet an equal one
DAYS = [f"2026-11-{day:02}" for day in range(18, 26)]
# What tells wrong orders from the right one: prefixes of each other, other scripts, texts longer than a register.
PAYLOADS: list[Any] = [
    "", "a", "ab", "abc", "b", "A", "é", "名前", "~", {"k": "v"}, {"k": "w"}, [], ["x"], ["x", "y"], 7, 70, None, True,
    "l" * 15_000, "l" * 20_000, ["m" * 300] * 60,
]  # fmt: skip
NUMBERS = [-(2**53), -1, 0, 1, 2, 255, 256, 2**31, 2**31 + 1, START, START + 1, 2**53]


class Universe:
    """The vertices there are, and random statements about them."""

    def __init__(self, seed: int | str, size: int) -> None:
        self._pick = random.Random(f"facts {seed}")
        self._name = f"universe {seed}"
        self._vertices = {label: self._some(label, size) for label in VERTICES if label != "Bucket"}
        owners = [vertex for label in ("Pipeline", "Run", "Dataset") for vertex in self._vertices[label][:size]]
        periods = ["2026", *DAYS]
        self._vertices["Bucket"] = [bucket(self._pick.choice(owners), self._pick.choice(periods)) for _ in range(size)]

    def _some(self, label: str, size: int) -> list[Vertex]:
        width = len(VERTICES[label].key)
        many = size if label in ("Dataset", "Run", "Column", "DatasetVersion") else max(2, size // 3)
        return [Vertex(label, (*((self._name,) * width)[1:], self._last(label, n))) for n in range(many)]

    def _last(self, label: str, number: int) -> str:
        if label == "DatasetVersion":
            exact = 10**18 + number * 10**9
            return (str(exact), f"~{float(exact)!r}", f"v{number}")[number % 3]
        return f"{self._name}/{label.lower()} {number}" if label == "Run" else f"{label.lower()} {number}"

    def event(self) -> Facts:
        """What one event might state."""
        pick, facts = self._pick, Facts()
        for _ in range(pick.randrange(1, 4)):
            row = pick.choice(list(EDGES.values()))
            ends = pick.choice(row.ends)
            source, target = (pick.choice(self._vertices[label]) for label in ends)
            facts.edge(row.label, source, target, pick.choice(DAYS) if ends in row.dated else None)
        for vertex in [*facts.vertices, pick.choice(self._vertices[pick.choice(list(VERTICES))])]:
            facts.vertex(vertex, self._properties(vertex))
        return facts

    def _properties(self, vertex: Vertex) -> Properties:
        kinds = VERTICES[vertex.label].properties
        chosen = self._pick.sample(sorted(kinds), self._pick.randrange(min(len(kinds), 5) + 1))
        derived = {"kind", "rounded", "dataset", "pipeline_id", "model_name"}  # made from the key by facts.identity
        return {name: self._value(vertex, name, kinds[name]) for name in chosen if name not in derived}

    def _value(self, vertex: Vertex, name: str, kind: Kind) -> Stored:
        if kind is Kind.IMMUTABLE:
            return f'["{vertex.key[-1]}"]' if name == "fields" else f"{name} of {self._name} {vertex.key[-1]}"
        if kind.numeric:
            return self._pick.choice(NUMBERS)
        # A long text is rare, or it would be all that is written.
        payload = self._pick.choice(PAYLOADS if self._pick.random() < 0.02 else PAYLOADS[:18])
        return (newest if kind is Kind.NEWEST else earliest)(self._pick.choice(TIMES), payload)


def events(seed: int | str, count: int, size: int = 20) -> list[Facts]:
    """So many events about so many datasets, runs, columns and versions, and a third as many of the others."""
    universe = Universe(seed, size)
    return [universe.event() for _ in range(count)]

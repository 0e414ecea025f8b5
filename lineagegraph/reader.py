"""Reading: the facts around some vertices, fetched when a question needs them and kept for the rules.

What the rules ask for is written down here as hops; they see the same facts as if they had all of the graph.
Everything is bounded: what was cut is said in `unfinished`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson

from lineagegraph import rules
from lineagegraph.errors import SchemaMismatch
from lineagegraph.facts import Facts, Vertex, bucket
from lineagegraph.gremlin import request_key
from lineagegraph.schema import VERTICES
from lineagegraph.view import View

Step = tuple[str, str]
Hop = Sequence[Step]

STAY: Step = ("STAY", "")
OUT, IN = "OUT", "IN"

# What `rules.sources` looks at, from an output: all its names, who makes them, from what, and whose names that are.
SOURCES: tuple[Hop, ...] = (
    (STAY, (OUT, "SAME_AS"), (IN, "SAME_AS")),
    ((IN, "GENERATED_BY"), (IN, "STATES_LINEAGE_OF"), (OUT, "DERIVED_FROM")),
    ((OUT, "CONSUMES"), (OUT, "STATES_LINEAGE_OF"), (IN, "SAME_AS")),
    ((IN, "SAME_AS"),),
)
# From a source to whatever may be made of it.
OUTPUTS: tuple[Hop, ...] = (
    (STAY, (OUT, "SAME_AS"), (IN, "SAME_AS")),
    ((IN, "CONSUMES"), (IN, "DERIVED_FROM")),
    ((OUT, "GENERATED_BY"),),
    ((IN, "SAME_AS"),),
)
EVIDENCE = ("READ_SCANNED", "READ_AT_START", "READ_LATER", "WROTE_REPORTED", "WROTE_NAMED")
RUN: tuple[Hop, ...] = (
    tuple((OUT, label) for label in ("RUN_OF", "PARENT", "READ", "WROTE", *EVIDENCE)),
    ((IN, "SAME_AS"),),
)
SIBLINGS: tuple[Hop, ...] = (((OUT, "HOLDS"),), tuple((OUT, label) for label in ("PARENT", "RUN_OF", "READ", "WROTE")))
RUNS_OF_A_DAY: tuple[Hop, ...] = (((OUT, "HOLDS"),), ((OUT, "RUN_OF"),))
DAYS: tuple[Hop, ...] = (((OUT, "BUCKET"),), ((OUT, "BUCKET"),))

_LABELS = {row.tag: row for row in VERTICES.values()}

Ask = Callable[[str, str, str], dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Limits:
    """How much one request may bring: edges of one vertex, direction and label; and vertices in all."""

    each: int = 1_000
    all: int = 20_000


class Reader:
    """The facts that one question has needed so far, and where to get more."""

    def __init__(self, ask: Ask, limits: Limits = Limits()) -> None:
        self._ask = ask
        self._limits = limits
        self._ids: dict[str, Vertex] = {}
        self._whole: set[tuple[Vertex, tuple[Hop, ...]]] = set()
        self._view: View | None = None
        self.facts = Facts()
        self.unfinished: set[Vertex] = set()

    @property
    def view(self) -> View:
        """The facts fetched so far, for the rules."""
        if self._view is None:
            self._view = View(self.facts)
        return self._view

    def fetch(self, start: Iterable[Vertex], hops: tuple[Hop, ...] = ()) -> None:
        """The facts that these hops reach from these vertices; what was fetched before is not fetched again."""
        news = [vertex for vertex in dict.fromkeys(start) if (vertex, hops) not in self._whole]
        if news:
            self._take(ids=[vertex.id for vertex in news], hops=hops)
            self._whole.update((vertex, hops) for vertex in news)

    def look_up(self, lookups: Iterable[Iterable[tuple[str, str]]]) -> list[Vertex]:
        """The vertices that an index has under these keys and values, each lookup being one conjunction."""
        wanted = [list(lookup) for lookup in lookups]
        return self._take(index=wanted) if wanted else []

    def sources(self, outputs: Iterable[Vertex]) -> None:
        """All that `rules.sources` needs for these outputs."""
        outputs = list(outputs)
        self.fetch(outputs, SOURCES)
        view = self.view
        makers = {
            pipeline
            for output in outputs
            for name in rules.names_of(view, output)
            for label in ("GENERATED_BY", "STATES_LINEAGE_OF")
            for pipeline in view.into(label, name)
        }
        self.latest_runs(makers)

    def latest_runs(self, pipelines: Iterable[Vertex]) -> None:
        """All that `rules.latest_run` needs: the run that the register names or, if it failed, those before it."""
        pipelines = list(pipelines)
        hints = {p: Vertex("Run", (hint,)) for p in pipelines if (hint := self.view.text(p, "latest_run"))}
        self.fetch((p for p in pipelines if p not in hints), DAYS[:1])
        self.fetch(hints.values(), (((OUT, "RUN_OF"),),))
        failed = [p for p, run in hints.items() if rules.run_state(self.view, run) != "COMPLETE"]
        self.fetch(failed, DAYS)
        for pipeline in failed:
            years = self.view.out("BUCKET", pipeline)
            days = {day for year in years for day in self.view.out("BUCKET", year)}
            for day in sorted(days, key=lambda vertex: vertex.key[1], reverse=True):
                self.fetch([day], RUNS_OF_A_DAY)
                if any(rules.run_state(self.view, run) == "COMPLETE" for run in self.view.out("HOLDS", day)):
                    break

    def runs(self, runs: Iterable[Vertex]) -> None:
        """All that `rules.snapshots_read` and `rules.snapshots_written` need for these runs."""
        runs = list(runs)
        self.fetch(runs, RUN)
        self.fetch({day for run in runs if self.view.out("WROTE", run) for day in self._days_of(run)}, SIBLINGS)
        self.fetch({sibling for run in runs for sibling in rules.one_statement(self.view, run)}, RUN)
        damaged = [v for v in self.view.all("DatasetVersion") if v.key[2].startswith("~")]
        self.look_up(
            (("dataset", Vertex("Dataset", version.key[:2]).id), ("rounded", version.key[2][1:])) for version in damaged
        )

    def _days_of(self, run: Vertex) -> Iterable[Vertex]:
        """The day Buckets in which the parents of a run keep what ran at the same time."""
        last = self.view.number(run, "seen_at")
        first = rules.started_at(self.view, run) or last
        if first is None or last is None:
            return
        day = datetime.fromtimestamp(min(first, last) / 1000, UTC).date()
        while day <= datetime.fromtimestamp(last / 1000, UTC).date():
            for parent in self.view.out("PARENT", run):
                yield bucket(parent, day.isoformat())
            day += timedelta(days=1)

    def _take(self, **what: Any) -> list[Vertex]:
        key = request_key()
        body = {"k": key, "each": self._limits.each, "all": self._limits.all, "hops": (), **what}
        reply = self._ask("around", key, orjson.dumps(body).decode())
        if not reply.get("g"):
            raise SchemaMismatch("The graph has no schema. Run `lineagegraph schema install`.")
        self._view = None
        found = [vertex for id_, stored in reply["v"] if (vertex := self._keep(id_, stored))]
        for source, label, target, day in reply["e"]:
            ends = self._ids.get(source), self._ids.get(target)
            if ends[0] and ends[1]:  # a half-written vertex has no natural key yet
                self.facts.edge(label, ends[0], ends[1], day)
        self.unfinished |= {self._ids[id_] for id_ in reply["t"] if id_ in self._ids}
        return found

    def _keep(self, id_: str, stored: dict[str, Any]) -> Vertex | None:
        row = _LABELS.get(id_.partition(":")[0])
        if row is None or not all(name in stored for name in row.key):
            return None
        vertex = self._ids[id_] = Vertex(row.label, tuple(stored[name] for name in row.key))
        self.facts.vertex(vertex, {name: value for name, value in stored.items() if name in row.properties})
        return vertex

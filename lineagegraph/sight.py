"""What somebody may see: the facts without everything that belongs to other namespaces.

It is applied where facts become a view, so that no rule and no question can forget it: for who may not see a
namespace the graph is the one in which it does not exist. What is seen may still tell of what is not: a register
that names it loses that part, free text that may quote it (SQL, error messages) is left out, and a derivation that
only hidden pipelines state is not shown.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import orjson

from lineagegraph.facts import Facts, Properties, Vertex
from lineagegraph.registers import Stored, ascii_json, decode, earliest, newest
from lineagegraph.rules.runs import run_state
from lineagegraph.schema import VERTICES, Kind
from lineagegraph.view import View

FREE_TEXT = {"Pipeline": ("sql",), "Run": ("error",)}
READS = ("READ_SCANNED", "READ_AT_START", "READ_LATER")
SOMEBODY = "hidden"  # stands for a run that must not be named, where it matters that it was some run


@dataclass(frozen=True)
class Sight:
    """Namespaces that may be seen, in which `*` stands for any text; None: all of them."""

    namespaces: tuple[str, ...] | None = None

    @property
    def whole(self) -> bool:
        """Whether nothing is hidden."""
        return self.namespaces is None

    def sees(self, namespace: str) -> bool:
        """Whether this namespace is not hidden."""
        return self._pattern is None or self._pattern.fullmatch(namespace) is not None

    def hidden_in(self, facts: Facts) -> list[str]:
        """The namespaces that these facts speak of and that may not be seen: what a writer may not write."""
        spoken = {v.key[0] for v in facts.vertices if v.label not in ("Run", "Bucket")}
        return sorted(namespace for namespace in spoken if not self.sees(namespace))

    def applied(self, facts: Facts) -> Facts:
        """The same facts without what is hidden. Needs RUN_OF out of every Run that they name (`runs_named`)."""
        return facts if self.whole else _Seen(self, facts).facts()

    @cached_property
    def _pattern(self) -> re.Pattern[str] | None:
        if self.namespaces is None:
            return None
        return re.compile("|".join(".*".join(map(re.escape, text.split("*"))) for text in self.namespaces), re.DOTALL)


EVERYTHING = Sight()


def runs_named(facts: Facts) -> Iterator[Vertex]:
    """Every Run that these facts know or name in a register."""
    for vertex, stored in facts.vertices.items():
        if vertex.label == "Run":
            yield vertex
        for name in ("latest_run", "first_output_namer", "version", "schema", "lifecycle"):
            if name in stored and (run_id := _run_in(name, _value(vertex, name, stored[name]))):
                yield Vertex("Run", (run_id,))


def _run_in(name: str, said: Any) -> str | None:
    if name in ("latest_run", "first_output_namer"):
        return said if isinstance(said, str) else None
    return said[-1] if isinstance(said, list) and said and isinstance(said[-1], str) and len(said) < 4 else None


def _value(vertex: Vertex, name: str, stored: Stored) -> Any:
    kind = VERTICES[vertex.label].properties.get(name)  # None: a part of the key
    return None if kind not in (Kind.NEWEST, Kind.EARLIEST) else decode(kind, stored)["value"]


class _Seen:
    """One set of facts as it is seen."""

    def __init__(self, sight: Sight, facts: Facts) -> None:
        self._sight = sight
        self._all = facts
        self._view = View(facts)
        self._known: dict[Vertex, bool] = {}

    def facts(self) -> Facts:
        seen = Facts()
        for vertex, stored in self._all.vertices.items():
            if self._shown(vertex):
                seen.vertex(vertex, self._properties(vertex, stored))
        for (label, source, target), day in self._all.edges.items():
            if self._shown(source) and self._shown(target) and not self._of_others(label, source):
                seen.edge(label, source, target, day)
        return seen

    def _shown(self, vertex: Vertex) -> bool:
        known = self._known.get(vertex)
        if known is None:
            known = self._known[vertex] = self._decide(vertex)
        return known

    def _decide(self, vertex: Vertex) -> bool:
        if vertex.label == "Bucket":
            label, *key = orjson.loads(vertex.key[0])
            return self._shown(Vertex(label, tuple(key)))
        if vertex.label == "Run":  # a run of which no pipeline is known belongs to nobody who could be asked
            pipelines = self._view.out("RUN_OF", vertex)
            return bool(pipelines) and all(map(self._shown, pipelines))
        return self._sight.sees(vertex.key[0]) and not (vertex.label == "DatasetVersion" and self._claimed(vertex))

    def _claimed(self, version: Vertex) -> bool:
        """Whether only hidden runs that failed name a version, so that nobody can see why not to believe them."""
        namers = self._view.into("WROTE_NAMED", version)
        readers = [run for label in READS for run in self._view.into(label, version)]
        failed = all(run_state(self._view, run) in ("FAIL", "ABORT") and not self._shown(run) for run in namers)
        return bool(namers) and failed and not readers

    def _of_others(self, label: str, source: Vertex) -> bool:
        """Whether a derivation is stated by hidden pipelines alone."""
        if label != "DERIVED_FROM" or source.label != "Dataset":
            return False
        stating = self._view.into("STATES_LINEAGE_OF", source)
        return bool(stating) and not any(map(self._shown, stating))

    def _properties(self, vertex: Vertex, stored: Properties) -> dict[str, Stored | None]:
        left_out = FREE_TEXT.get(vertex.label, ())
        return {name: self._register(vertex, name, value) for name, value in stored.items() if name not in left_out}

    def _register(self, vertex: Vertex, name: str, stored: Stored) -> Stored | None:
        """A register without what it says of hidden things; None if nothing is left of it."""
        said = _value(vertex, name, stored)
        match vertex.label, name:
            case "Dataset", "claimed_by":
                kept = said if said and self._sight.sees(said[0]) else None
            case "Dataset", "version" | "schema" | "lifecycle":
                kept = self._statement(said, name)
            case "Run", "statistics":
                kept = [row for row in said or () if self._sight.sees(row[0])]
            case "Run", "lifecycle":
                kept = [[*row[:3], self._named(row[3])] for row in said or () if self._sight.sees(row[0])]
            case "Column", "transformations":
                kept = [row for row in said or () if self._sight.sees(row[0])]
            case "ColumnLineage", "fields":  # rows of [column, namespace, name, field, transformations]
                return ascii_json([row for row in orjson.loads(str(stored)) if self._sight.sees(row[1])])
            case "Pipeline", "latest_run":
                kept = said if said and self._shown(Vertex("Run", (said,))) else None
            case "DatasetVersion", "first_output_namer":
                kept = said if self._shown(Vertex("Run", (said,))) else SOMEBODY
            case _:
                return stored
        return None if kept is None else _again(vertex, name, stored, kept)

    def _statement(self, said: Any, name: str) -> Any:
        """A statement about a dataset: of a hidden run it is nobody's, unless that run failed; then it is none."""
        if not said:
            return None
        if name == "lifecycle":
            said = [said[0], self._named(said[1]), said[2]]
        run = Vertex("Run", (said[-1],)) if said[-1] else None
        if run is None or self._shown(run):
            return said
        return None if run_state(self._view, run) in ("FAIL", "ABORT") else [*said[:-1], None]

    def _named(self, dataset: Iterable[str] | None) -> Any:
        key = list(dataset or ())
        return key if key and self._sight.sees(key[0]) else None


def _again(vertex: Vertex, name: str, stored: Stored, said: Any) -> Stored:
    kind = VERTICES[vertex.label].properties[name]
    at = decode(kind, stored)["at"]
    return newest(at, said) if kind is Kind.NEWEST else earliest(at, said)

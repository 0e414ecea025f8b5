"""The operator's alias and ignore file: what the facts should have said, applied on read and never stored.

An alias says that several names are one dataset. What is ignored leaves every answer: a dataset, a pipeline, a
run, a model, or one derivation; that is the way to retract a wrong fact. Taking a line out of the file brings
the facts back, because nothing was changed in the graph.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import orjson
from pydantic import BaseModel, ConfigDict, Field, model_validator

from lineagegraph import toml_file
from lineagegraph.facts import Facts, Vertex, bucket

OF_DATASET = frozenset(
    {"Dataset", "DatasetVersion", "Schema", "Column", "ColumnLineage"}
)  # their keys start with the dataset's
SAME_THING = frozenset({"SAME_AS", "RENAMED_TO"})  # between two names; within one they say nothing


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class _Name(_Table):
    namespace: str
    name: str

    @property
    def key(self) -> tuple[str, str]:
        return self.namespace, self.name


class _Alias(_Name):
    also: tuple[_Name, ...] = Field(min_length=1)


class _Pattern(_Table):
    """Names in which `*` stands for any text."""

    namespace: str = "*"
    name: str
    version: str = "*"

    def matches(self, *key: str) -> bool:
        return all(_like(pattern, text) for pattern, text in zip((self.namespace, self.name, self.version), key))  # noqa: B905  (datasets have no version)


class _Ignored(_Table):
    """One thing that is not so: exactly one of its kinds, `output` and `source` together being one."""

    dataset: _Pattern | None = None
    pipeline: _Pattern | None = None
    model: _Pattern | None = None
    run: str | None = None
    output: _Name | None = None
    source: _Name | None = None
    reason: str | None = None

    @model_validator(mode="after")
    def _is_one_thing(self) -> _Ignored:
        if (self.output is None) != (self.source is None):
            raise ValueError("a derivation needs both output and source")
        kinds = [self.dataset, self.pipeline, self.model, self.run, self.output]
        if sum(kind is not None for kind in kinds) != 1:
            raise ValueError("says exactly one of dataset, pipeline, model, run, or output and source")
        return self


class _File(_Table):
    alias: tuple[_Alias, ...] = ()
    ignore: tuple[_Ignored, ...] = ()


def _mistakes(file: _File) -> Iterator[toml_file.Mistake]:
    """Aliases that have no one meaning."""
    meant: dict[tuple[str, str], tuple[str, str]] = {}
    for n, alias in enumerate(file.alias):
        for m, other in enumerate(alias.also):
            if meant.setdefault(other.key, alias.key) != alias.key:
                yield ("alias", n, "also", m), f"{other.name} in {other.namespace} is an alias of two datasets"
    for n, alias in enumerate(file.alias):
        seen, name = set(), alias.key
        while name in meant and name not in seen:
            seen.add(name)
            name = meant[name]
        if name in seen:
            yield ("alias", n), f"{alias.name} in {alias.namespace} is, by its aliases, an alias of itself"


@dataclass(frozen=True, eq=False)
class Corrections:
    """The corrections in force."""

    file: _File = field(default_factory=_File)

    @classmethod
    def load(cls, path: Path | str | None = None) -> Corrections:
        """Read an alias and ignore file; without one nothing is corrected. Raises LineageError with line numbers."""
        return NONE if path is None else cls(toml_file.read(path, _File, "alias file", _mistakes))

    @cached_property
    def none(self) -> bool:
        """Whether nothing is corrected."""
        return not (self.file.alias or self.file.ignore)

    def dataset(self, dataset: Vertex) -> Vertex:
        """The dataset that this name is an alias of, else itself."""
        key = dataset.key
        while key in self._meant:
            key = self._meant[key]
        return dataset if key == dataset.key else Vertex("Dataset", key)

    def names(self, dataset: Vertex) -> list[Vertex]:
        """The dataset and all its aliases: what a reader has to fetch for it."""
        others = [Vertex("Dataset", other.key) for alias in self.file.alias for other in alias.also]
        return [dataset, *(other for other in others if other != dataset and self.dataset(other) == dataset)]

    def spellings(self, vertex: Vertex) -> list[Vertex]:
        """The vertices as stored that this one, as the operator means it, may come from."""
        if not self.file.alias:
            return [vertex]
        if vertex.label == "Bucket":
            label, *key = orjson.loads(vertex.key[0])
            return [bucket(owner, vertex.key[1]) for owner in self.spellings(Vertex(label, tuple(key)))]
        if vertex.label not in OF_DATASET:
            return [vertex]
        names = self.names(self.dataset(Vertex("Dataset", vertex.key[:2])))
        return [Vertex(vertex.label, (*name.key, *vertex.key[2:])) for name in names]

    def ignores(self, vertex: Vertex) -> bool:
        """Whether this is left out of every answer."""
        if vertex.label == "Run":
            return vertex.key[0] in self._runs
        kind = "dataset" if vertex.label in OF_DATASET else vertex.label.lower()
        if kind not in ("dataset", "pipeline", "model"):
            return False
        patterns = [pattern for row in self.file.ignore if (pattern := getattr(row, kind))]
        key = vertex.key[:2] if kind == "dataset" else vertex.key
        return any(pattern.matches(*key) for pattern in patterns)

    @cached_property
    def retracted(self) -> frozenset[tuple[Vertex, Vertex]]:
        """(output, source) of each derivation that never was, by the names in the file."""
        return frozenset(
            (Vertex("Dataset", row.output.key), Vertex("Dataset", row.source.key))
            for row in self.file.ignore
            if row.output and row.source
        )

    def applied(self, facts: Facts) -> Facts:
        """The same facts under the names that the operator means, without what is ignored.

        An ignored run stays known: rules have to see what it claims in order not to believe it.
        """
        if self.none:
            return facts
        now = {vertex: self._named(vertex) for vertex in facts.vertices}
        corrected = Facts()
        for vertex in sorted(now, key=lambda v: now[v] != v):  # a dataset's own word before that of its aliases
            if (name := now[vertex]) is not None:
                stored = facts.vertices[vertex]
                aliased = vertex.label == "Dataset" and name != vertex
                corrected.vertex(name, {k: v for k, v in stored.items() if not (aliased and k == "claimed_by")})
        for (label, start, end), day in facts.edges.items():
            source, target = now[start], now[end]
            if source and target and not (label in SAME_THING and source == target):
                corrected.edge(label, source, target, day)
        return corrected

    @cached_property
    def _meant(self) -> dict[tuple[str, ...], tuple[str, str]]:
        return {other.key: alias.key for alias in self.file.alias for other in alias.also}

    @cached_property
    def _runs(self) -> frozenset[str]:
        return frozenset(row.run.lower() for row in self.file.ignore if row.run)

    def _named(self, vertex: Vertex) -> Vertex | None:
        """The vertex as the operator means it; None if it is ignored."""
        if vertex.label == "Bucket":
            label, *key = orjson.loads(vertex.key[0])
            owner = self._named(Vertex(label, tuple(key)))
            return bucket(owner, vertex.key[1]) if owner else None
        if vertex.label != "Run" and self.ignores(vertex):
            return None
        if vertex.label in OF_DATASET:
            of = self.dataset(Vertex("Dataset", vertex.key[:2]))
            return None if self.ignores(of) else Vertex(vertex.label, (*of.key, *vertex.key[2:]))
        return vertex


NONE = Corrections()


def _like(pattern: str, text: str) -> bool:
    if "*" not in pattern:
        return pattern == text
    return re.fullmatch(".*".join(map(re.escape, pattern.split("*"))), text, re.DOTALL) is not None

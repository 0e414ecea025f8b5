"""Stated lineage: which datasets and columns made which, by the facets `lineage` and `columnLineage`.

They are read after all other facets of the event: by then its symlinks are known, and a name that one of its
datasets carries as a symlink means that dataset. An explicit `lineage` facet is the whole word on what it
names, even if that is nothing; `columnLineage` of the same dataset is then not asked.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import orjson

from lineagegraph.facts import Facts, Vertex
from lineagegraph.naming import Naming
from lineagegraph.registers import ascii_json
from mappers import names
from mappers.context import Context, Place
from mappers.dataset_facets import MOST_REMEMBERED, hashed
from mappers.fields import mapping, objects, required, text

Facet = dict[str, Any]
Aliases = frozenset[tuple[Vertex, Vertex]]


@dataclass(frozen=True, slots=True)
class Columns:
    """What a facet says of a dataset's columns: their facts, the datasets they were made of, how many it lists."""

    facts: Facts
    sources: tuple[Vertex, ...]
    count: int
    statement: Vertex | None = None  # that keeps all of it, and when it was last stated


def column_lineage(c: Context, p: Place, facet: Facet) -> None:
    """Stated lineage of an output, column by column."""
    if p.states_lineage:
        return
    columns = _columns(c, p.vertex, [facet.get("fields"), facet.get("dataset")])
    if columns.sources:
        _state(c, p.vertex, columns, columns.sources, c.pipeline if p.role == "output" else None)


def dataset_lineage(c: Context, p: Place, facet: Facet) -> None:
    """The explicit lineage of a dataset, on its own event."""
    _, sources, _, columns = _entry(c, facet, p.vertex)
    p.states_lineage = True
    _state(c, p.vertex, columns, sources, c.pipeline if p.role == "output" else None)


def job_lineage(c: Context, outputs: list[Place], facet: Facet) -> None:
    """The job's explicit lineage: each entry names a target; outputs that no entry names have no tracked source."""
    entries = [_entry(c, entry, _end(c, entry)) for entry in objects(facet, "entries")]
    for target, sources, makers, columns in entries:
        if target is None:
            continue
        if target.label == "Dataset":
            _state(c, target, columns, sources, c.pipeline)
            for maker in makers:
                if maker != c.pipeline:
                    c.edge("GENERATED_BY", maker, _stated(c, target), daily=True)
            continue
        for source in sources:
            c.edge("CONSUMES", target, _stated(c, source), daily=True)
    for place in outputs:
        place.states_lineage = True
        if c.pipeline:
            c.edge("STATES_LINEAGE_OF", c.pipeline, place.vertex, daily=True)


def _state(c: Context, of: Vertex, columns: Columns, sources: tuple[Vertex, ...], stating: Vertex | None) -> None:
    """These datasets, and no others, made that one: stated by this event."""
    c.count(columns.count + len(sources))
    c.facts.include(columns.facts)
    if columns.statement:
        c.facts.include(_stated_on(columns.statement, c.day_start))
    _stated(c, of)
    for source in sources:
        c.edge("DERIVED_FROM", of, _stated(c, source), daily=True)
    if stating:
        c.edge("STATES_LINEAGE_OF", stating, of, daily=True)


def _stated(c: Context, dataset: Vertex) -> Vertex:
    return c.dataset(*dataset.key)


def _entry(
    c: Context, entry: Facet, target: Vertex | None
) -> tuple[Vertex | None, tuple[Vertex, ...], tuple[Vertex, ...], Columns]:
    """One target: it, the datasets and the jobs that it came from, and its columns."""
    ends = dict.fromkeys(end for source in objects(entry, "inputs") if (end := _end(c, source)))
    fields = {
        column: {
            "inputFields": [i for i in objects(mapping({column: said}, column), "inputs") if _kind(i) == "DATASET"]
        }
        for column, said in mapping(entry, "fields").items()
    }
    is_dataset = target is not None and target.label == "Dataset"
    columns = _columns(c, target, [fields, None]) if target and is_dataset else Columns(Facts(), (), 0)
    sources = dict.fromkeys((*(end for end in ends if end.label == "Dataset"), *columns.sources))
    return target, tuple(sources), tuple(end for end in ends if end.label == "Pipeline"), columns


def _end(c: Context, part: Facet) -> Vertex | None:
    """The dataset or job that a part of an entry names; without a name the event's own job; None for other kinds."""
    kind = _kind(part)
    if kind == "JOB" and part.get("namespace") is None and part.get("name") is None:
        return c.pipeline
    namespace, name = required(part, "namespace"), required(part, "name")
    if kind == "JOB":
        return names.pipeline(namespace, name, c.naming)
    known = names.described(namespace, name, c.naming)
    if kind != "DATASET" or known.artificial:
        return None
    return c.aliases.get(known.vertex) or known.vertex


def _kind(part: Facet) -> str:
    return (text(part, "type", 100) or "DATASET").upper()


def _columns(c: Context, of: Vertex, fields_and_dataset: list[Any]) -> Columns:
    raw = orjson.dumps(fields_and_dataset)
    make = _column_facts if len(raw) <= MOST_REMEMBERED else _column_facts.__wrapped__
    columns = make(of, raw, c.naming, frozenset())
    meant = frozenset((s, to) for s in columns.sources if (to := c.aliases.get(s)))
    return make(of, raw, c.naming, meant) if meant else columns


@lru_cache(maxsize=4_096)
def _column_facts(of: Vertex, raw: bytes, naming: Naming, aliases: Aliases) -> Columns:
    facts, sources, count, meant, stated = Facts(), dict[Vertex, None](), 0, dict(aliases), list[list[Any]]()
    statement = None
    fields, whole = orjson.loads(raw)
    for column, entry in mapping({"fields": fields}, "fields").items():
        target = Vertex("Column", (*of.key, required({"column": column}, "column")))
        for source in objects(mapping({column: entry}, column), "inputFields"):
            count += 1
            known = names.described(required(source, "namespace"), required(source, "name"), naming)
            if known.artificial:
                continue
            at = meant.get(known.vertex, known.vertex)
            sources[at] = None
            if source.get("field") is None:
                continue
            origin = Vertex("Column", (*at.key, required(source, "field")))
            facts.edge("DERIVED_FROM", target, origin)
            facts.edge("HAS_COLUMN", at, origin)
            facts.edge("HAS_COLUMN", of, target)
            stated.append([column, *origin.key, _transformations(source, entry)])
    if stated:
        stated.sort(key=ascii_json)
        digest, described = hashed(stated)
        statement = Vertex("ColumnLineage", (*of.key, digest))
        facts.vertex(statement, {"fields": described})
        facts.edge("HAS_COLUMN_LINEAGE", of, statement)
    for source in objects({"dataset": whole}, "dataset"):
        known = names.described(required(source, "namespace"), required(source, "name"), naming)
        if not known.artificial:
            sources[meant.get(known.vertex, known.vertex)] = None
    return Columns(facts, tuple(sources), count, statement)


@lru_cache(maxsize=32_768)
def _stated_on(statement: Vertex, day_start: int) -> Facts:
    facts = Facts()
    facts.vertex(statement, {"last_stated_on": day_start})
    return facts


def _transformations(source: Facet, entry: Facet) -> list[list[Any]]:
    """[type, subtype, masking] each; the legacy form of the facet has one for the whole column."""
    found = [
        [text(t, "type", 100), text(t, "subtype", 100), bool(t.get("masking"))]
        for t in objects(source, "transformations")
    ]
    legacy = text(entry, "transformationType", 100)
    if not found and legacy:
        found.append(["DIRECT", legacy, legacy.upper() == "MASKED"])
    return sorted(found, key=ascii_json)

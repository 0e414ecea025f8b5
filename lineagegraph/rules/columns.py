"""Rules about columns: which ones a dataset has now, which schemas it has had, and what a column was made of."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import orjson

from lineagegraph.facts import Vertex
from lineagegraph.rules.datasets import newest_statement
from lineagegraph.rules.lineage import sources
from lineagegraph.rules.names import names_of, physical
from lineagegraph.rules.runs import day_of
from lineagegraph.view import View


@dataclass(frozen=True, slots=True)
class Field:
    """A column as the schema in force has it."""

    name: str
    type: str | None
    description: str | None


@dataclass(frozen=True, slots=True)
class SchemaVersion:
    """A schema that the dataset has had, and the UTC days on which it was first and last stated."""

    hash: str
    first_day: str | None
    last_day: str | None
    fields: tuple[Field, ...]


@dataclass(frozen=True, slots=True)
class ColumnSource:
    """A column that another was made of, by [type, subtype, masking] transformations (none: not told any more)."""

    dataset: Vertex
    field: str
    transformations: tuple[tuple[str | None, str | None, bool], ...]


def columns(view: View, dataset: Vertex) -> tuple[Field, ...]:
    """The dataset's columns now, in their order; empty if no schema is in force.

    If the newest statement is of a failed run about its output, the schema stated last before takes its place.
    Needs HAS_SCHEMA out of the names of the dataset, and the Run that the register names.
    """
    said = newest_statement(view, dataset, "schema")
    if said is not None:
        return _fields(view, Vertex("Schema", (*said[1].key, said[2])))
    refused = {s[0] for name in names_of(view, dataset) if (s := view.text(name, "schema"))}
    if not refused:
        return ()
    others = [schema for schema in schemas(view, dataset) if schema.hash not in refused]
    return others[-1].fields if others else ()


def schemas(view: View, dataset: Vertex) -> list[SchemaVersion]:
    """Every schema the dataset has had, by the day on which it was last stated. Needs HAS_SCHEMA out of its names."""
    found: dict[str, SchemaVersion] = {}
    for name in sorted(names_of(view, dataset)):
        for schema in view.out("HAS_SCHEMA", name):
            first, last = view.number(schema, "first_stated_on"), view.number(schema, "last_stated_on")
            days = [day_of(at) if at is not None else None for at in (first, last)]
            if (other := found.get(schema.key[2])) is not None:
                days[0] = min(filter(None, (days[0], other.first_day)), default=None)
                days[1] = max(filter(None, (days[1], other.last_day)), default=None)
            found[schema.key[2]] = SchemaVersion(schema.key[2], days[0], days[1], _fields(view, schema))
    return sorted(found.values(), key=lambda s: (s.last_day or "", s.first_day or "", s.hash))


def _fields(view: View, schema: Vertex) -> tuple[Field, ...]:
    return tuple(Field(*field) for field in orjson.loads(view.text(schema, "fields") or "[]"))


def column_sources(view: View, dataset: Vertex, field: str, all_time: bool = False) -> list[ColumnSource]:
    """Which columns a column was made of: the stated ones whose dataset is a source of this dataset.

    The transformations are those of the newest statement that names the column, to the day.
    Needs, for each name of the dataset, its Column of that field with DERIVED_FROM out of it, HAS_COLUMN_LINEAGE
    out of it, and what `sources` needs.
    """
    made_of = {source.dataset for source in sources(view, dataset, all_time)}
    found: dict[tuple[Vertex, str], ColumnSource] = {}
    for name in sorted(names_of(view, dataset)):
        column = Vertex("Column", (*name.key, field))
        told = _transformations(view, name, field)
        for origin in view.out("DERIVED_FROM", column):
            of = physical(view, Vertex("Dataset", origin.key[:2]))
            if of in made_of:
                how = tuple((t[0], t[1], bool(t[2])) for t in told.get((of, origin.key[2]), ()))
                found[of, origin.key[2]] = ColumnSource(of, origin.key[2], how)
    return [found[key] for key in sorted(found)]


def _transformations(view: View, name: Vertex, field: str) -> dict[tuple[Vertex, str], list[list[Any]]]:
    """By source column, as the newest statement about this column has it."""
    statements = sorted(
        view.out("HAS_COLUMN_LINEAGE", name), key=lambda s: (view.number(s, "last_stated_on") or 0, s), reverse=True
    )
    for statement in statements:
        rows = [row[1:] for row in orjson.loads(view.text(statement, "fields") or "[]") if row[0] == field]
        if rows:
            return {(physical(view, view.dataset(*row[:2])), row[2]): row[3] for row in rows}
    return {}


@dataclass(frozen=True, slots=True)
class Drift:
    """What changed from one schema to another; `retyped` has both types."""

    added: tuple[Field, ...]
    removed: tuple[Field, ...]
    retyped: tuple[tuple[str, str | None, str | None], ...]
    reordered: bool


def drift(old: tuple[Field, ...], new: tuple[Field, ...]) -> Drift:
    """What changed between two schemas. Needs their fields only."""
    before, after = {field.name: field for field in old}, {field.name: field for field in new}
    both = [name for name in before if name in after]
    return Drift(
        tuple(field for field in new if field.name not in before),
        tuple(field for field in old if field.name not in after),
        tuple((n, before[n].type, after[n].type) for n in both if before[n].type != after[n].type),
        both != [name for name in after if name in before],
    )

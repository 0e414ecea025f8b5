"""Dataset, input and output facets to facts: one function a facet, each about one dataset of the event.

Each reads all of its facet before it states anything, so that a facet that does not fit leaves no trace.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from hashlib import blake2b
from typing import Any

import orjson

from lineagegraph.facts import Facts, Vertex
from lineagegraph.registers import ascii_json
from mappers import names
from mappers.context import Context, Place
from mappers.fields import Unfit, mapping, named, number, objects, required, text
from mappers.run_facets import owners, tags
from mappers.version_facets import claimant

Facet = dict[str, Any]
MOST_DEPTH = 50
MOST_SCHEMA_CHARACTERS = 400_000  # of a Schema's stored fields; what lies beyond is cut at the end
MOST_REMEMBERED = 4_096  # bytes of a facet whose facts are kept for the next event that brings it


def schema(c: Context, p: Place, facet: Facet) -> None:
    """The schema and its columns. Equal field lists give the same facts, so they are made once."""
    raw = orjson.dumps(facet.get("fields"))
    make = _schema_facts if len(raw) <= MOST_REMEMBERED else _schema_facts.__wrapped__
    facts, schema, count = make(p.vertex, raw)
    c.count(count)
    c.facts.include(facts)
    p.fields = facet.get("fields")
    if schema is not None:
        c.facts.include(_stated_on(schema, c.day_start))
        c.say(p.vertex, schema=[schema.key[-1], claimant(c, p)])


@lru_cache(maxsize=4_096)
def _schema_facts(of: Vertex, raw: bytes) -> tuple[Facts, Vertex | None, int]:
    facts = Facts()
    fields = list(_flat(orjson.loads(raw), "", 0))
    if not fields:
        return facts, None, 0
    digest, described = hashed(fields)
    vertex = facts.vertex(Vertex("Schema", (*of.key, digest)), {"fields": described})
    facts.edge("HAS_SCHEMA", of, vertex)
    for name, _, _ in fields:
        facts.edge("HAS_COLUMN", of, Vertex("Column", (*of.key, name)))
    return facts, vertex, len(fields)


@lru_cache(maxsize=32_768)
def _stated_on(schema: Vertex, day_start: int) -> Facts:
    facts = Facts()
    facts.vertex(schema, {"first_stated_on": -day_start, "last_stated_on": day_start})
    return facts


def hashed(fields: list[Any]) -> tuple[str, str]:
    """The hash of a list that a vertex keeps, and its JSON text, which loses its end where it is too long."""
    described = ascii_json(fields)
    digest = blake2b(described.encode(), digest_size=8).hexdigest()
    while len(described) > MOST_SCHEMA_CHARACTERS:
        fields = fields[: max(1, len(fields) * MOST_SCHEMA_CHARACTERS // len(described) - 1)]
        described = ascii_json(fields)
    return digest, described


def _flat(fields: Any, prefix: str, depth: int) -> Iterator[tuple[str, str | None, str | None]]:
    """Nested fields as (path, type, description), parents before children."""
    if depth > MOST_DEPTH:
        raise Unfit(f"fields are nested deeper than {MOST_DEPTH}")
    for field in objects({"fields": fields}, "fields"):
        name = named(prefix + required(field, "name"), "name")
        yield name, text(field, "type", 1_000), text(field, "description", 2_000)
        if field.get("fields"):
            yield from _flat(field["fields"], name + ".", depth + 1)


def symlinks(c: Context, p: Place, facet: Facet) -> None:
    """Other names of the same table: the place where it lies claims the catalogue's name for it.

    S3 Tables and Snowflake give the catalogue's name first and the place as the symlink; `/` is a catch-all
    of some catalogues and no name at all.
    """
    links = [(required(link, "namespace"), required(link, "name")) for link in objects(facet, "identifiers")]
    c.count(len(links))
    for namespace, name in links:
        if name.strip("/") == "":
            continue
        other = c.dataset(namespace, name)
        if other == p.vertex:
            continue
        c.alias(other, p)
        inverted = names.is_location(*other.key) and not names.is_location(*p.vertex.key)
        _claim(c, *((other, p.vertex) if inverted else (p.vertex, other)))


def feast_source(c: Context, p: Place, facet: Facet) -> None:
    """Feast calls a source by its own name; where it lies stands in its `dataSource`."""
    uri = mapping(p.dataset.facets, "dataSource").get("uri")
    place = names.located(uri) if isinstance(uri, str) else None
    if place is None:
        return
    physical = c.dataset(named(place[0], "uri"), named(place[1], "uri"))
    if physical != p.vertex:
        _claim(c, physical, p.vertex)


def _claim(c: Context, physical: Vertex, logical: Vertex) -> None:
    c.edge("SAME_AS", physical, logical)
    c.say(logical, claimed_by=list(physical.key))


def lifecycle(c: Context, p: Place, facet: Facet) -> None:
    """CREATE, DROP, TRUNCATE, OVERWRITE, ALTER, RENAME. Whether it came true depends on the run's end."""
    change = required(facet, "lifecycleStateChange").upper()
    before = mapping(facet, "previousIdentifier")
    earlier = None
    if before:
        old = c.dataset(required(before, "namespace"), required(before, "name"))
        if old != p.vertex:
            earlier = list(old.key)
            c.facts.edge("RENAMED_TO", old, p.vertex)
    c.say(p.vertex, lifecycle=[change, earlier, c.run.key[0] if c.run else None])
    c.lifecycle.append([*p.vertex.key, change, earlier])


def dataset_type(c: Context, p: Place, facet: Facet) -> None:
    """TABLE, VIEW, FILE, TOPIC, MODEL …"""
    kind, sub = required(facet, "datasetType").upper(), text(facet, "subType", 200)
    p.type, p.subtype = kind, sub
    c.say(p.vertex, dataset_type=[kind, sub])


def catalog(c: Context, p: Place, facet: Facet) -> None:
    """Which catalogue holds the dataset, without its credentials."""
    keys = ("framework", "type", "name", "metadataUri", "warehouseUri", "source")
    known = {key: text(facet, key, 1_000) for key in keys}
    c.say(p.vertex, catalog={key: value for key, value in known.items() if value})


def storage(c: Context, p: Place, facet: Facet) -> None:
    """The table format and the format of its files."""
    c.say(p.vertex, storage=[text(facet, "storageLayer", 200), text(facet, "fileFormat", 200)])


def description(c: Context, p: Place, facet: Facet) -> None:
    """What people wrote about the dataset."""
    c.say(p.vertex, description=text(facet, "description", 8_000))


def dataset_owners(c: Context, p: Place, facet: Facet) -> None:
    """Who answers for the dataset."""
    c.say(p.vertex, owners=owners(facet))


def dataset_tags(c: Context, p: Place, facet: Facet) -> None:
    """Tags of the dataset and, where a tag names a field, of its columns."""
    by_column: dict[str | None, list[list[str | None]]] = {None: []}
    for name, value, column in tags(facet):
        by_column.setdefault(column, []).append([name, value])
    c.count(sum(map(len, by_column.values())))
    c.say(p.vertex, tags=by_column.pop(None))
    for column, its in by_column.items():
        vertex = Vertex("Column", (*p.vertex.key, column or ""))
        c.say_daily(vertex, tags=its)
        c.facts.edge("HAS_COLUMN", p.vertex, vertex)


def feature_view(c: Context, p: Place, facet: Facet) -> None:
    """Feast's feature view: the one established way in which features appear in OpenLineage."""
    name, ttl = required(facet, "name"), number(facet, "ttl_seconds")
    entities, features = sorted(_named(facet, "entities")), _named(facet, "features")
    if facet.get("features") is None:
        features = [required(f, "name") for f in objects({"fields": p.fields}, "fields")]
    c.count(len(features) + len(entities))
    p.feature = c.facts.vertex(Vertex("Feature", (p.vertex.key[0], name)))
    c.say(p.feature, feature_names=sorted(features), entities=entities)
    if ttl is not None:
        c.say(p.feature, ttl=ttl)


def _named(facet: Facet, what: str) -> list[str]:
    """Names given as texts or as objects with a name."""
    values = facet.get(what)
    if values is None:
        return []
    if not isinstance(values, list):
        raise Unfit(f"{what} is not a list")
    return [required(v if isinstance(v, dict) else {"name": v}, "name") for v in values]

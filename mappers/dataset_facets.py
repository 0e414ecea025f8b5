"""Dataset, input and output facets to facts: one function a facet, each about one dataset of the event."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from hashlib import blake2b
from typing import Any

import orjson

from lineagegraph.facts import Facts, Vertex
from lineagegraph.registers import ascii_json, newest
from mappers import names
from mappers.context import Context, Place
from mappers.event import check_name
from mappers.fields import Unfit, mapping, number, objects, required, snapshot_id, text
from mappers.run_facets import owners, tags

Facet = dict[str, Any]
MOST_DEPTH = 50
MOST_SCHEMA_CHARACTERS = 400_000  # of a Schema's stored fields; what lies beyond is cut at the end


def schema(c: Context, p: Place, facet: Facet) -> None:
    """The schema and its columns. Equal field lists give the same facts, so they are made once a day."""
    raw = orjson.dumps(facet.get("fields"))
    facts, digest, count = _schema_facts(p.vertex, raw, c.day_start)
    if digest is None:
        return
    c.count_columns(count)
    c.facts.add(facts)
    c.say(p.vertex, schema=[digest, _claimant(c, p)])


def _claimant(c: Context, p: Place) -> str | None:
    """The run on whose success a statement about the dataset depends: what is read is there, whatever comes of it."""
    return c.run.key[0] if c.run and p.role == "output" else None


@lru_cache(maxsize=4_096)
def _schema_facts(of: Vertex, raw: bytes, day_start: int) -> tuple[Facts, str | None, int]:
    facts = Facts()
    fields = list(_flat(orjson.loads(raw), "", 0))
    if not fields:
        return facts, None, 0
    described: str = ascii_json(fields)
    digest = blake2b(described.encode(), digest_size=8).hexdigest()
    shown = fields
    while len(described) > MOST_SCHEMA_CHARACTERS:
        shown = shown[: max(1, len(shown) * MOST_SCHEMA_CHARACTERS // len(described) - 1)]
        described = ascii_json(shown)
    moments = {"first_stated_on": -day_start, "last_stated_on": day_start}
    vertex = facts.vertex(Vertex("Schema", (*of.key, digest)), {"fields": described, **moments})
    facts.edge("HAS_SCHEMA", of, vertex)
    for name, kind, description in fields:
        column = facts.vertex(
            Vertex("Column", (*of.key, name)),
            {
                "type": newest(day_start, kind) if kind else None,
                "description": newest(day_start, description) if description else None,
            },
        )
        facts.edge("HAS_COLUMN", of, column)
    return facts, digest, len(fields)


def _flat(fields: Any, prefix: str, depth: int) -> Iterator[tuple[str, str | None, str | None]]:
    """Nested fields as (path, type, description), parents before children."""
    if depth > MOST_DEPTH:
        raise Unfit(f"fields are nested deeper than {MOST_DEPTH}")
    for field in objects({"fields": fields}, "fields"):
        name = prefix + required(field, "name")
        check_name(name)
        yield name, text(field, "type", 1_000), text(field, "description", 2_000)
        if field.get("fields"):
            yield from _flat(field["fields"], name + ".", depth + 1)


def version(c: Context, p: Place, facet: Facet) -> None:
    """The version the producer saw: of an input at START that is likely what was read, later it may not be."""
    value = facet.get("datasetVersion")
    named = snapshot_id(value) if isinstance(value, int | float) else text(facet, "datasetVersion", 500)
    if named is None:
        raise Unfit("datasetVersion is missing")
    if not isinstance(value, int | float) and named.startswith("~"):
        raise Unfit("datasetVersion starts with ~")
    p.version = check_name(named)
    seen = c.name_version(p.vertex, p.version)
    c.say(p.vertex, version=[p.version, _claimant(c, p)])
    if c.run is None:
        return
    if p.role == "input":
        at_start = c.event.event_type == "START"
        c.facts.edge("READ_AT_START" if at_start else "READ_LATER", c.run, seen)
    elif p.role == "output":
        c.facts.edge("WROTE_NAMED", c.run, seen)
        c.facts.vertex(seen, {"first_output_namer": c.earliest(c.run.key[0])})


def scan_report(c: Context, p: Place, facet: Facet) -> None:
    """Iceberg's own word on the snapshot that was scanned."""
    named = snapshot_id(facet.get("snapshotId"))
    if named is None or c.run is None:
        return
    p.scanned = named
    c.facts.edge("READ_SCANNED", c.run, c.name_version(p.vertex, named))


def commit_report(c: Context, p: Place, facet: Facet) -> None:
    """A commit of this session; it may be repeated on later runs, so it proves nothing alone."""
    named = snapshot_id(facet.get("snapshotId"))
    if named is not None and c.run is not None:
        made = c.name_version(p.vertex, named)
        c.facts.edge("WROTE_REPORTED", c.run, made)
        c.facts.vertex(made, {"first_output_namer": c.earliest(c.run.key[0])})


def output_statistics(c: Context, p: Place, facet: Facet) -> None:
    counts = [number(facet, name) for name in ("rowCount", "size", "fileCount")]
    c.statistics.append([*p.vertex.key, *counts])


def symlinks(c: Context, p: Place, facet: Facet) -> None:
    """Other names of the same table: the place where it lies claims the catalogue's name for it.

    S3 Tables and Snowflake give the catalogue's name first and the place as the symlink; `/` is a catch-all
    of some catalogues and no name at all.
    """
    for link in objects(facet, "identifiers"):
        namespace, name = required(link, "namespace"), required(link, "name")
        if name.strip("/") == "":
            continue
        other = c.dataset(namespace, name)
        if other == p.vertex:
            continue
        inverted = names.is_location(*other.key) and not names.is_location(*p.vertex.key)
        physical, logical = (other, p.vertex) if inverted else (p.vertex, other)
        c.facts.edge("SAME_AS", physical, logical)
        c.say(logical, claimed_by=list(physical.key))


def column_lineage(c: Context, p: Place, facet: Facet) -> None:
    """Stated lineage of an output, column by column; the `lineage` facet of the same dataset goes before it."""
    raw = orjson.dumps([facet.get("fields"), facet.get("dataset")])
    facts, sources, count = _column_facts(p.vertex, raw, c.day_start, c.naming)
    c.count_columns(count)
    c.facts.add(facts)
    if not p.states_lineage:
        state_lineage(c, p, sources)


def state_lineage(c: Context, p: Place, sources: tuple[tuple[str, ...], ...]) -> None:
    """These datasets, and no others, made that one: stated by this event."""
    if not sources:
        return
    p.states_lineage = True
    for namespace, name in sources:
        c.facts.edge("DERIVED_FROM", p.vertex, c.dataset(namespace, name), c.day)
    if c.pipeline:
        c.facts.edge("STATES_LINEAGE_OF", c.pipeline, p.vertex, c.day)


@lru_cache(maxsize=4_096)
def _column_facts(
    of: Vertex, raw: bytes, day_start: int, naming: Any
) -> tuple[Facts, tuple[tuple[str, ...], ...], int]:
    facts, sources, count = Facts(), dict[tuple[str, ...], None](), 0
    fields, whole = orjson.loads(raw)
    for column, entry in mapping({"fields": fields}, "fields").items():
        target = Vertex("Column", (*of.key, check_name(column)))
        shown = []
        for source in objects(mapping({column: entry}, column), "inputFields"):
            at = names.dataset(required(source, "namespace"), required(source, "name"), naming)
            sources[at.key] = None
            count += 1
            if source.get("field") is None:
                continue
            origin = Vertex("Column", (*at.key, required(source, "field")))
            facts.edge("DERIVED_FROM", target, origin)
            facts.edge("HAS_COLUMN", at, origin)
            shown.append([*origin.key, _transformations(source, entry)])
        if shown:
            shown.sort(key=ascii_json)
            facts.vertex(target, {"transformations": newest(day_start, shown)})
            facts.edge("HAS_COLUMN", of, target)
    for source in objects({"dataset": whole}, "dataset"):
        sources[names.dataset(required(source, "namespace"), required(source, "name"), naming).key] = None
    return facts, tuple(sources), count


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


def lineage(c: Context, p: Place, facet: Facet) -> None:
    """The explicit lineage of a dataset, on its own event."""
    state_lineage(c, p, lineage_inputs(c, p.vertex, facet))


def lineage_inputs(c: Context, of: Vertex, entry: Facet) -> tuple[tuple[str, ...], ...]:
    """The datasets an explicit lineage entry names, its column lineage taken in; jobs are no data."""
    found = {
        names.dataset(required(i, "namespace"), required(i, "name"), c.naming).key: None
        for i in objects(entry, "inputs")
        if i.get("type", "DATASET") == "DATASET"
    }
    by_column = {
        column: {"inputFields": [i for i in objects(mapping({column: e}, column), "inputs") if i.get("field")]}
        for column, e in mapping(entry, "fields").items()
    }
    if by_column:
        facts, sources, count = _column_facts(of, orjson.dumps([by_column, None]), c.day_start, c.naming)
        c.count_columns(count)
        c.facts.add(facts)
        found.update(dict.fromkeys(sources))
    return tuple(found)


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
    kind, sub = text(facet, "datasetType", 200), text(facet, "subType", 200)
    if kind is None:
        raise Unfit("datasetType is missing")
    p.type = kind.upper()
    c.say(p.vertex, dataset_type=[p.type, sub])


def catalog(c: Context, p: Place, facet: Facet) -> None:
    keys = ("framework", "type", "name", "metadataUri", "warehouseUri", "source")
    known = {key: text(facet, key, 1_000) for key in keys}
    c.say(p.vertex, catalog={key: value for key, value in known.items() if value})


def storage(c: Context, p: Place, facet: Facet) -> None:
    c.say(p.vertex, storage=[text(facet, "storageLayer", 200), text(facet, "fileFormat", 200)])


def description(c: Context, p: Place, facet: Facet) -> None:
    c.say(p.vertex, description=text(facet, "description", 8_000))


def dataset_owners(c: Context, p: Place, facet: Facet) -> None:
    c.say(p.vertex, owners=owners(facet))


def dataset_tags(c: Context, p: Place, facet: Facet) -> None:
    """Tags of the dataset and, where a tag names a field, of its columns."""
    found = tags(facet)
    c.say(p.vertex, tags=[tag[:2] for tag in found if not tag[2]])
    by_column: dict[str, list[list[str | None]]] = {}
    for name, value, column in found:
        if column:
            by_column.setdefault(check_name(column), []).append([name, value])
    for column, its in by_column.items():
        vertex = Vertex("Column", (*p.vertex.key, column))
        c.say_daily(vertex, tags=its)
        c.facts.edge("HAS_COLUMN", p.vertex, vertex)


def feature_view(c: Context, p: Place, facet: Facet) -> None:
    """Feast's feature view: the one established way in which features appear in OpenLineage."""
    name = required(facet, "name")
    features = facet.get("features")
    if features is None:
        features = [required(f, "name") for f in objects(mapping(p.facets, "schema"), "fields")]
    p.feature = c.facts.vertex(Vertex("Feature", (p.vertex.key[0], name)))
    c.say(p.feature, feature_names=sorted(_named(features)), entities=sorted(_named(facet.get("entities"))))
    ttl = number(facet, "ttl_seconds")
    if ttl is not None:
        c.say(p.feature, ttl=ttl)


def _named(values: Any) -> list[str]:
    """Names given as texts or as objects with a name."""
    if values is None:
        return []
    if not isinstance(values, list):
        raise Unfit("features or entities are not a list")
    return [check_name(v) if isinstance(v, str) else required(v, "name") for v in values if v]

"""The graph's tables: every vertex label, property key, edge label and index there is, and nothing else.

The server's schema is installed from these rows, the mapping is tested against them and the export is
decoded with them; a label or key that stands in no row does not exist. Labels are never blindly extended
by the server (`schema.default=none`).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

SCHEMA_VERSION = 2  # raised also when an older program would misread what a newer one writes (docs/graph.md)
META_ID = "meta:schema"


class Kind(Enum):
    """How two values of one property become one, whatever their order of arrival."""

    IMMUTABLE = "immutable"  # a function of the vertex's identity (and of the naming file)
    NEWEST = "newest"  # text "%013d|payload": the greatest serialised value wins
    EARLIEST = "earliest"  # the same with the time counted down
    GREATEST = "greatest"  # a number: the larger wins
    LEAST = "least"  # a number, stored negated: the smaller wins

    @property
    def numeric(self) -> bool:
        return self in (Kind.GREATEST, Kind.LEAST)


@dataclass(frozen=True, slots=True)
class VertexLabel:
    """One vertex label: its id's tag, the fields of its natural key and what is stored beyond them."""

    label: str
    tag: str
    key: tuple[str, ...]
    properties: dict[str, Kind]


@dataclass(frozen=True, slots=True)
class EdgeLabel:
    """One edge label. All are SIMPLE, so an edge cannot be stored twice.

    `both_ways`: also stored at its target; an edge that leaves what grows with time is not, so that no
    row grows with history. `dated`: the label pairs whose edges carry the day they were last stated.
    `implies`: labels that this one says too, between the same ends or, where such an edge ends at a Dataset, to the
    Dataset of its DatasetVersion (see `implied`). What is implied is not stored again.
    """

    label: str
    ends: tuple[tuple[str, str], ...]
    both_ways: bool = True
    dated: frozenset[tuple[str, str]] = frozenset()
    implies: tuple[str, ...] = ()


I, N, E, G, L = Kind.IMMUTABLE, Kind.NEWEST, Kind.EARLIEST, Kind.GREATEST, Kind.LEAST  # noqa: E741  (one letter a kind keeps the tables readable)

VERTICES: dict[str, VertexLabel] = {
    row.label: row
    for row in (
        VertexLabel(
            "Dataset",
            "ds",
            ("namespace", "name"),
            {
                "dataset_id": I,
                "layer": I,
                "version": N,
                "schema": N,
                "dataset_type": N,
                "catalog": N,
                "storage": N,
                "description": N,
                "owners": N,
                "tags": N,
                "lifecycle": N,
                "claimed_by": N,
            },
        ),
        VertexLabel(
            "DatasetVersion",
            "dv",
            ("namespace", "name", "version"),
            {"kind": I, "rounded": I, "dataset": I, "first_named_at": L, "first_output_namer": E},
        ),
        VertexLabel(
            "Schema",
            "sc",
            ("namespace", "name", "hash"),
            {"fields": I, "first_stated_on": L, "last_stated_on": G},
        ),
        VertexLabel(
            "Column",
            "co",
            ("namespace", "name", "field"),
            {"tags": N},
        ),
        VertexLabel(
            "ColumnLineage",
            "cl",
            ("namespace", "name", "hash"),
            {"fields": I, "last_stated_on": G},
        ),
        VertexLabel(
            "Pipeline",
            "pi",
            ("namespace", "name"),
            {
                "pipeline_id": I,
                "version": N,
                "pipeline_type": N,
                "processing_type": N,
                "source_location": N,
                "sql": N,
                "description": N,
                "owners": N,
                "tags": N,
                "lifecycle": N,
                "latest_run": N,
            },
        ),
        VertexLabel(
            "Run",
            "ru",
            ("run_id",),
            {
                "first_start_at": L,
                "latest_start_at": G,
                "completed_at": G,
                "failed_at": G,
                "aborted_at": G,
                "seen_at": G,
                "nominal_time": N,
                "error": N,
                "engine": N,
                "pipeline_version": N,
                "statistics": N,
                "lifecycle": N,
                "bad_facets": N,
            },
        ),
        VertexLabel("Model", "mo", ("namespace", "name", "version"), {"model_name": I, "framework": N}),
        VertexLabel(
            "Feature",
            "fe",
            ("namespace", "feature_view"),
            {"feature_names": N, "entities": N, "ttl": N},
        ),
        VertexLabel("Bucket", "bu", ("owner", "period"), {}),
    )
}

META_PROPERTIES: dict[str, type] = {
    "schema_version": int,
    "naming_hash": str,
    "graph_id": str,
    "horizon": int,
    "beat": int,
}

_DATASETS = frozenset({("Dataset", "Dataset")})
_PIPELINE_DATASET = frozenset({("Pipeline", "Dataset")})

EDGES: dict[str, EdgeLabel] = {
    row.label: row
    for row in (
        EdgeLabel("DERIVED_FROM", (("Dataset", "Dataset"), ("Column", "Column")), dated=_DATASETS),
        EdgeLabel("STATES_LINEAGE_OF", (("Pipeline", "Dataset"),), dated=_PIPELINE_DATASET),
        EdgeLabel("CONSUMES", (("Pipeline", "Dataset"),), dated=_PIPELINE_DATASET),
        EdgeLabel("GENERATED_BY", (("Pipeline", "Dataset"),), dated=_PIPELINE_DATASET),
        EdgeLabel("PRODUCES", (("Pipeline", "Feature"),)),
        EdgeLabel("TRAINED_ON", (("Model", "Dataset"), ("Model", "DatasetVersion"))),
        EdgeLabel("TRAINED_BY", (("Model", "Run"),)),
        EdgeLabel("RUN_OF", (("Run", "Pipeline"),), both_ways=False),
        EdgeLabel("PARENT", (("Run", "Run"),), both_ways=False),
        EdgeLabel("PARENT_PIPELINE", (("Pipeline", "Pipeline"),)),
        EdgeLabel("DEPENDS_ON", (("Pipeline", "Pipeline"),)),
        EdgeLabel("READ", (("Run", "Dataset"), ("Run", "Feature")), both_ways=False),
        EdgeLabel("WROTE", (("Run", "Dataset"), ("Run", "Feature")), both_ways=False),
        EdgeLabel("READ_SCANNED", (("Run", "DatasetVersion"),), both_ways=False, implies=("READ",)),
        EdgeLabel("READ_AT_START", (("Run", "DatasetVersion"),), both_ways=False, implies=("READ", "READ_LATER")),
        EdgeLabel("READ_LATER", (("Run", "DatasetVersion"),), both_ways=False, implies=("READ",)),
        EdgeLabel("WROTE_REPORTED", (("Run", "DatasetVersion"),), implies=("WROTE",)),
        EdgeLabel("WROTE_NAMED", (("Run", "DatasetVersion"),), implies=("WROTE",)),
        EdgeLabel("VERSION_OF", (("DatasetVersion", "Dataset"),), both_ways=False),
        EdgeLabel("HAS_SCHEMA", (("Dataset", "Schema"),)),
        EdgeLabel("HAS_COLUMN", (("Dataset", "Column"),)),
        EdgeLabel("HAS_COLUMN_LINEAGE", (("Dataset", "ColumnLineage"),)),
        EdgeLabel("SAME_AS", (("Dataset", "Dataset"),)),
        EdgeLabel("RENAMED_TO", (("Dataset", "Dataset"),)),
        EdgeLabel(
            "BUCKET",
            (("Pipeline", "Bucket"), ("Run", "Bucket"), ("Dataset", "Bucket"), ("Bucket", "Bucket")),
            both_ways=False,
        ),
        EdgeLabel("HOLDS", (("Bucket", "Run"), ("Bucket", "DatasetVersion")), both_ways=False),
    )
}

TAGS = {row.tag: row for row in VERTICES.values()}  # what an id begins with

IMPLIES = {row.label: row.implies for row in EDGES.values() if row.implies}

DAY = "last_seen_at"  # the one edge property: the UTC day, as text, of the newest event that states the edge

# Composite indexes, on immutable keys only: a blindly changed indexed value would leave a stale hit behind.
INDEXES: dict[str, tuple[str, ...]] = {
    "byDatasetId": ("dataset_id",),
    "byLayer": ("layer",),
    "byPipelineId": ("pipeline_id",),
    "byModelName": ("model_name",),
    "byFeatureView": ("feature_view",),
    "byRoundedVersion": ("dataset", "rounded"),
}


def property_types() -> dict[str, type]:
    """Every property key with its data type, `str` or `int` (a Long on the server)."""
    types: dict[str, type] = dict(META_PROPERTIES)
    for row in VERTICES.values():
        types.update(dict.fromkeys(row.key, str))
        types.update({name: int if kind.numeric else str for name, kind in row.properties.items()})
    types[DAY] = str
    return types

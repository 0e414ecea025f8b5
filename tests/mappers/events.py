"""Small events, and their facts as short lines of text.

A line is an edge (`run:1 READ a`) or a property (`a dataset_type=["TABLE",null]`, registers without their time).
Datasets of namespace `db` and jobs of namespace `jobs` are written by their name alone; Buckets are left out
unless asked for.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson

from consumer.event_files import read_events
from lineagegraph.facts import Facts, Vertex
from lineagegraph.naming import Naming
from lineagegraph.registers import ascii_json, decode
from lineagegraph.schema import VERTICES
from mappers import Mapped, map_event
from mappers import decode as decode_event

Json = dict[str, Any]
EVENTS = Path(__file__).parents[1] / "events"
DEFAULTS = Naming()


def dataset(name: str, facets: Json | None = None, namespace: str = "db", **more: Any) -> Json:
    """A dataset of an event; `more` are inputFacets or outputFacets."""
    return {"namespace": namespace, "name": name, "facets": facets or {}, **more}


def run_event(kind: str | None = "COMPLETE", /, **parts: Any) -> Json:
    """A RunEvent of run `1`, job `job`; `parts` replace or add fields, `run` and `job` are facets."""
    event: Json = {
        "eventTime": "2026-11-22T10:00:00.000Z",
        "producer": "https://example.org/producer",
        "schemaURL": "https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunEvent",
        "run": {"runId": "1", "facets": parts.pop("run", {})},
        "job": {"namespace": "jobs", "name": "job", "facets": parts.pop("job", {})},
        **parts,
    }
    return event if kind is None else {"eventType": kind, **event}


def job_event(**parts: Any) -> Json:
    """The same without a run."""
    return {key: value for key, value in run_event(None, **parts).items() if key != "run"}


def dataset_event(name: str, facets: Json) -> Json:
    """A DatasetEvent."""
    event = {key: value for key, value in job_event().items() if key != "job"}
    return {**event, "dataset": dataset(name, facets)}


def mapped(event: Json, naming: Naming = DEFAULTS) -> Mapped:
    """The event through its bytes to facts."""
    return map_event(decode_event(orjson.dumps(event)), naming)


def told(event: Json, naming: Naming = DEFAULTS, buckets: bool = False) -> set[str]:
    """What the event states, as lines."""
    return lines(mapped(event, naming).facts, buckets)


def lines(facts: Facts, buckets: bool = False) -> set[str]:
    """Facts as lines."""
    edges = {f"{name(e.source)} {e.label} {name(e.target)}" for e in facts.edges if buckets or "Bucket" not in _ends(e)}
    return edges | set(_properties(facts))


def _ends(edge: Any) -> tuple[str, str]:
    return edge.source.label, edge.target.label


def _properties(facts: Facts) -> Iterator[str]:
    for vertex, properties in facts.vertices.items():
        kinds = VERTICES[vertex.label].properties
        for key, value in properties.items():
            shown = decode(kinds[key], value)
            text = value if vertex.label == "ColumnLineage" else None  # is JSON itself
            yield f"{name(vertex)} {key}={text or ascii_json(shown['value'] if isinstance(shown, dict) else shown)}"


def name(vertex: Vertex) -> str:
    """The short name of a vertex."""
    first, *rest = vertex.key
    match vertex.label:
        case "Dataset":
            return _short("db", first, rest[0])
        case "DatasetVersion":
            return f"{_short('db', first, rest[0])}@{rest[1]}"
        case "Column":
            return f"{_short('db', first, rest[0])}#{rest[1]}"
        case "Schema":
            return f"schema:{_short('db', first, rest[0])}"
        case "ColumnLineage":
            return f"lineage:{_short('db', first, rest[0])}"
        case "Pipeline":
            return f"job:{_short('jobs', first, rest[0])}"
        case "Model":
            return f"model:{rest[0]}@{rest[1]}"
        case "Feature":
            return f"feature:{rest[0]}"
        case "Bucket":
            label, *key = orjson.loads(first)
            return f"[{name(Vertex(label, tuple(key)))} {rest[0]}]"
    return f"run:{first}"


def _short(usual: str, namespace: str, text: str) -> str:
    return text if namespace == usual else f"{namespace} {text}"


def corpus(pattern: str = "*.ndjson") -> list[bytes]:
    """Every event of the corpus, in the order of the files' names."""
    return [found.value for path in sorted(EVENTS.glob(pattern)) for found in read_events([str(path)])]

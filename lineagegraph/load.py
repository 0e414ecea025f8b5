"""The canonical export the other way round: its lines as facts, and into a graph.

Facts merge, so lines may come in any order, twice, or into a graph that has others; an import that was broken off is
begun again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import closing
from typing import Any

import orjson

from lineagegraph.errors import LineageError
from lineagegraph.facts import Facts, Vertex
from lineagegraph.registers import Stored, ascii_json, earliest, newest
from lineagegraph.schema import DAY, EDGES, VERTICES, Kind
from lineagegraph.settings import GraphSettings
from lineagegraph.store import GraphStore

TOGETHER = 2_000  # lines written together


def load(settings: GraphSettings, lines: Iterable[str], progress: Callable[[int], None] = lambda count: None) -> int:
    """Write what these lines state; how many they were. Raises LineageError, and names the line that is none."""
    count, facts = 0, Facts()
    with closing(GraphStore(settings)) as store:
        store.open(settings.naming().hash)
        for number, line in enumerate(lines, 1):
            if not line.strip():
                continue
            try:
                add(facts, orjson.loads(line))
            except (ValueError, KeyError, TypeError, IndexError, AttributeError) as error:
                why = type(error).__name__
                raise LineageError(f"Line {number} is no line of an export ({why}): {line[:80]!r}.") from None
            count += 1
            if count % TOGETHER == 0:
                store.write(facts)
                facts = Facts()
                progress(count)
        store.write(facts)
    progress(count)
    return count


def add(facts: Facts, line: dict[str, Any]) -> None:
    """State what one line says. Raises KeyError and the like for what is no such line."""
    if "vertex" in line:
        vertex = _vertex(line["vertex"], line["key"])
        kinds = VERTICES[vertex.label].properties
        facts.vertex(vertex, {name: _stored(kinds[name], name, said) for name, said in line["properties"].items()})
        return
    label = line["edge"]
    source, target = _vertex(*line["from"]), _vertex(*line["to"])
    if (source.label, target.label) not in EDGES[label].ends:
        raise KeyError(label)
    facts.edge(label, source, target, line["properties"].get(DAY))


def _vertex(label: str, key: dict[str, Any]) -> Vertex:
    row = VERTICES[label]
    if key.keys() != set(row.key):
        raise KeyError(label)
    if label == "Bucket":
        of = _vertex(*key["owner"])
        key = {**key, "owner": orjson.dumps([of.label, *of.key]).decode()}
    if not all(isinstance(part, str) for part in key.values()):
        raise TypeError(label)
    return Vertex(label, tuple(key[name] for name in row.key))


def _stored(kind: Kind, name: str, said: Any) -> Stored:
    match kind:
        case Kind.NEWEST:
            return newest(said["at"], said["value"])
        case Kind.EARLIEST:
            return earliest(said["at"], said["value"])
        case Kind.GREATEST:
            return int(said)
        case Kind.LEAST:
            return -int(said)
    return ascii_json(said) if name == "fields" else str(said)

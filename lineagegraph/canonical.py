"""The canonical export: facts as sorted JSON lines with natural keys and decoded registers, no internal ids.

What another edge implies (`implied`) is left out: whether it is stored depends on the order of arrival.

The same lines come from a graph (`export`) and from events (`explain`); two graphs are equal iff the hashes
of their lines are.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from typing import Any

import orjson

from lineagegraph.facts import Facts, Properties, Vertex, identity
from lineagegraph.implied import implied
from lineagegraph.registers import decode
from lineagegraph.schema import DAY, VERTICES

INTERNAL = frozenset({"dataset"})  # a vertex id stored for an index


def lines(facts: Facts) -> Iterator[str]:
    """Every vertex and edge of these facts as one JSON text each, in no particular order."""
    for vertex, properties in facts.vertices.items():
        yield vertex_line(vertex, {**identity(vertex), **properties})
    said_by_others = set(implied(facts.edges))
    for edge, day in facts.edges.items():
        if edge not in said_by_others:
            yield edge_line(edge.label, edge.source, edge.target, day)


def vertex_line(vertex: Vertex, stored: Properties) -> str:
    """One vertex: `stored` holds all its stored properties, those of the natural key among them."""
    row = VERTICES[vertex.label]
    properties = {
        name: _shown(vertex.label, name, value)
        for name, value in stored.items()
        if name not in row.key and name not in INTERNAL
    }
    return _text({"vertex": vertex.label, "key": key(vertex), "properties": dict(sorted(properties.items()))})


def edge_line(label: str, source: Vertex, target: Vertex, day: str | None) -> str:
    """One edge with the natural keys of both ends."""
    ends = {"from": [source.label, key(source)], "to": [target.label, key(target)]}
    return _text({"edge": label, **ends, "properties": {} if day is None else {DAY: day}})


def key(vertex: Vertex) -> dict[str, Any]:
    """The natural key by field name; a Bucket's owner is itself a label and a natural key."""
    fields: dict[str, Any] = dict(zip(VERTICES[vertex.label].key, vertex.key, strict=True))
    if vertex.label == "Bucket":
        label, *owner = orjson.loads(fields["owner"])
        fields["owner"] = [label, key(Vertex(label, tuple(owner)))]
    return fields


def digest(texts: Iterable[str]) -> str:
    """The one hash of a set of canonical lines, whatever their order."""
    whole = hashlib.sha256()
    for text in sorted(texts):
        whole.update(text.encode())
        whole.update(b"\n")
    return whole.hexdigest()


def _shown(label: str, name: str, value: str | int) -> Any:
    if name == "fields":
        return orjson.loads(str(value))
    kind = VERTICES[label].properties.get(name)
    return value if kind is None else decode(kind, value)


def _text(line: dict[str, Any]) -> str:
    return orjson.dumps(line).decode()

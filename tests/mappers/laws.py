"""What holds for the facts of any event whatever."""

from __future__ import annotations

import json
from collections.abc import Iterator

import orjson

from lineagegraph.facts import Edge, Facts, Vertex, identity
from lineagegraph.registers import MOST_CHARACTERS, Stored
from lineagegraph.schema import EDGES, VERTICES, Kind
from mappers import FACETS, REASONS, BadFacet, Malformed, Mapped, decode, map_event
from tests.mappers.events import DEFAULTS, Json

LONG = range(-(2**63), 2**63)


def breaches(facts: Facts) -> Iterator[str]:
    """Every way in which these facts are not facts of our graph."""
    for vertex, properties in facts.vertices.items():
        yield from (f"{vertex}: {what}" for what in _of_vertex(vertex, properties))
    for edge, day in facts.edges.items():
        yield from (f"{edge}: {what}" for what in _of_edge(edge, day, facts))


def _of_vertex(vertex: Vertex, properties: dict[str, Stored]) -> Iterator[str]:
    row = VERTICES.get(vertex.label)
    if row is None:
        yield "no such label"
        return
    if len(row.key) != len(vertex.key) or not all(isinstance(part, str) and part for part in vertex.key):
        yield "its key is not that of its label"
    if vertex.label == "Dataset" and "dataset_id" not in properties:
        yield "has no dataset_id"
    if not set(identity(vertex)) <= {*row.key, *row.properties}:
        yield "its identity has keys that do not exist"
    for name, value in properties.items():
        kind = row.properties.get(name)
        if kind is None:
            yield f"{name}: no such key"
        elif kind.numeric and not (type(value) is int and value in LONG):
            yield f"{name}: is no Long"
        elif not kind.numeric and kind is not Kind.IMMUTABLE:
            yield from (f"{name}: {what}" for what in _of_register(value))


def _of_register(value: Stored) -> Iterator[str]:
    if not isinstance(value, str) or not value.isascii() or len(value) > MOST_CHARACTERS:
        yield "is not ASCII text of at most 16,000 characters"
        return
    time, bar, payload = value.partition("|")
    if not (len(time) == 13 and time.isdigit() and bar):
        yield "does not start with its time"
    orjson.loads(payload)


def _of_edge(edge: Edge, day: str | None, facts: Facts) -> Iterator[str]:
    row, ends = EDGES.get(edge.label), (edge.source.label, edge.target.label)
    if row is None or ends not in row.ends:
        yield "no such edge"
        return
    if (day is not None) != (ends in row.dated):
        yield "is dated and should not be, or the other way round"
    if not {edge.source, edge.target} <= facts.vertices.keys():
        yield "travels without its ends"


def outcome(value: bytes) -> Mapped | Malformed:
    """What becomes of a value. Raises AssertionError if a law is broken, and whatever else should never be raised."""
    try:
        mapped = map_event(decode(value), DEFAULTS)
    except Malformed as error:
        return _classified(error)
    assert (broken := list(breaches(mapped.facts))) == [], broken[:3]
    return mapped


def _classified(error: Malformed) -> Malformed:
    assert error.reason in REASONS, error.reason
    assert error.message
    assert error.pointer == "" or error.pointer.startswith("/")
    return error


def assert_bad_facets_cost_only_themselves(value: bytes, mapped: Mapped) -> None:
    """Without its bad facets the event states the same, but for the register that names them."""
    event = orjson.loads(value)
    for bad in mapped.bad_facets:
        assert FACETS[bad.where, bad.facet].read is not None
        places = [place for place in _places(event, bad) if place.get(bad.facet) is not None]
        if len(places) != 1:
            return  # which of several datasets it was, is not told
        del places[0][bad.facet]
    rest = map_event(decode(json.dumps(event).encode()), DEFAULTS)  # orjson writes no deep nesting
    assert rest.bad_facets == ()
    assert _plain(rest.facts) == _plain(mapped.facts)


def _places(event: Json, bad: BadFacet) -> Iterator[Json]:
    if bad.where in ("run", "job"):
        yield event[bad.where]["facets"]
        return
    keys = {"input": ["inputs"], "output": ["outputs"]}.get(bad.where, ["inputs", "outputs"])
    datasets = [one for key in keys for one in event.get(key) or () if one is not None]
    if bad.where == "dataset" and event.get("job") is None:
        datasets = [event["dataset"]]
    for dataset in datasets:
        inner = dataset.get("facets") if bad.where == "dataset" else dataset.get(f"{bad.where}Facets")
        if bad.facet == "stats" and bad.where == "output" and "stats" not in (inner or {}):
            inner = dataset.get("facets")  # its old place
        if isinstance(inner, dict):
            yield inner


def _plain(facts: Facts) -> tuple[object, object]:
    vertices = {
        vertex: {name: value for name, value in properties.items() if name != "bad_facets"}
        for vertex, properties in facts.vertices.items()
    }
    return vertices, facts.edges

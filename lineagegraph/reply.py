"""The form of one request to `around.groovy` and of its reply; each vertex of it is made once.

A step is a direction and an edge label; `*` stands for all labels, and is for vertices whose rows do not grow.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from lineagegraph.edges import Line
from lineagegraph.facts import Properties, Vertex
from lineagegraph.schema import EDGES, TAGS, VERTICES

Step = tuple[str, str]
Hop = tuple[Step, ...]

STAY: Step = ("STAY", "")
ANY = "*"

# What no question reads: long, and nobody asks for it. What follows from the key (facts.identity) is not sent either.
UNREAD = frozenset({"sql", "source_location", "catalog", "storage", "nominal_time", "engine", "bad_facets"})
_IMPLIED = frozenset({"pipeline_id", "model_name", "kind", "rounded", "dataset"})

_DATED = frozenset(row.label for row in EDGES.values() if row.dated)

FORM: dict[str, Any] = {
    "keys": {row.tag: row.key for row in VERTICES.values()},
    "properties": [name for row in VERTICES.values() for name in row.properties if name not in UNREAD | _IMPLIED],
    "dated": sorted(_DATED),
}


@dataclass(frozen=True, slots=True)
class Reply:
    """One reply: what came with its properties, every vertex by its number (None: half-written), edges, and steps.

    `followed` are the steps that were followed to the end, `cut` those that a limit ended; `left`: for some vertices
    there was no room at all.
    """

    came: list[tuple[Vertex, Properties]]
    places: list[Vertex | None]
    edges: list[tuple[str, list[Line]]]
    followed: list[tuple[Step, list[Vertex]]]
    cut: list[tuple[Step, list[Vertex]]]
    left: bool


def read(reply: dict[str, Any], have: Sequence[Vertex]) -> Reply:
    """A reply to a request that said: these vertices are known."""
    came: list[tuple[Vertex, Properties]] = []
    places: list[Vertex | None] = [*have]
    for tag, rows in reply["v"]:
        label = TAGS[tag].label
        for key, stored in rows:
            if None in key:
                places.append(None)
                continue
            vertex = Vertex(label, tuple(key))
            places.append(vertex)
            came.append((vertex, stored))
    followed, cut = (
        [((direction, label), [v for at in numbers if (v := places[at])]) for direction, label, numbers in reply[name]]
        for name in ("f", "t")
    )
    return Reply(came, places, list(_edges(reply["e"], places)), followed, cut, reply["left"])


def _edges(groups: list[tuple[str, list[Any]]], places: list[Vertex | None]) -> Iterator[tuple[str, list[Line]]]:
    for label, flat in groups:
        width = 3 if label in _DATED else 2
        days = flat[2::3] if width == 3 else [None] * (len(flat) // 2)
        rows = zip(flat[::width], flat[1::width], days, strict=True)
        # A half-written vertex has no natural key yet.
        yield label, [(a, b, day) for at, to, day in rows if (a := places[at]) and (b := places[to])]


def steps_of(step: Step) -> list[Step]:
    """The steps that are followed with this one."""
    direction, label = step
    one_way = ("OUT", "IN") if direction == "BOTH" else (direction,)
    return [step, *((way, row) for way in one_way for row in (EDGES if label == ANY else [label]))]


@lru_cache(maxsize=256)
def written(hops: tuple[Hop, ...]) -> list[list[list[Any]]]:
    """The hops as the request has them: each step with the tags of the vertices that can take it."""
    return [[[*step, sorted(VERTICES[label].tag for label in LABELS[step])] for step in hop] for hop in hops]


def _ends() -> Iterator[tuple[Step, str]]:
    for row in EDGES.values():
        for source, target in row.ends:
            for direction, end in (("OUT", source), ("IN", target), ("BOTH", source), ("BOTH", target)):
                yield (direction, row.label), end
            yield ("OUT", ANY), source


LABELS: dict[Step, frozenset[str]] = {STAY: frozenset()}  # the vertex labels that can have edges of a step
for _step, _end in _ends():
    LABELS[_step] = LABELS.get(_step, frozenset()) | {_end}
EVERY_STEP = frozenset(LABELS)

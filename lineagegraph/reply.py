"""The form of one request to `around.groovy` and of its reply; each vertex of it is made once.

A step is a direction and an edge label; `*` stands for all labels, and is for vertices whose rows do not grow.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import repeat
from typing import Any

from lineagegraph.edges import Line
from lineagegraph.facts import Properties, Vertex
from lineagegraph.schema import EDGES, TAGS, VERTICES

Step = tuple[str, str]
Hop = tuple[Step, ...]

STAY: Step = ("STAY", "")
ANY = "*"
BARE: Step = ("NAMED", "dataset_id")  # to what a client says about a bare dataset_id

# What no question reads: long, and nobody asks for it. What follows from the key (facts.identity) is not sent either.
UNREAD = frozenset({"sql", "source_location", "catalog", "storage", "nominal_time", "engine", "bad_facets"})
_IMPLIED = frozenset({"pipeline_id", "model_name", "kind", "rounded", "dataset"})

_DATED = frozenset(row.label for row in EDGES.values() if row.dated)

FORM: dict[str, Any] = {
    "keys": {row.tag: row.key for row in VERTICES.values()},
    "properties": [name for row in VERTICES.values() for name in row.properties if name not in UNREAD | _IMPLIED],
    "dated": sorted(_DATED),
}


_LINKS, _MAKERS = "SAME_AS+DERIVED_FROM", "GENERATED_BY+STATES_LINEAGE_OF"
_OF_A_RUN = "READ+WROTE+RUN_OF+READ_SCANNED+READ_AT_START+READ_LATER+WROTE_REPORTED+WROTE_NAMED"
_CLAIM = ["NAMED", "claimed_by", ["ds+claimed_by"], ["ds:", "", "", True]]
_BARE_NAME = ["ds:", '["lineagegraph",', "]", False]
_LEVEL: list[list[list[Any]]] = [
    [
        ["OUT", _LINKS, ["ds"]],
        ["IN", _MAKERS, ["ds"]],
        ["OUT", "CONSUMES", ["pi"]],
        _CLAIM,
        ["NAMED", "dataset_id", ["ds"], _BARE_NAME],
    ],
    [
        ["STAY", "", []],
        ["OUT", "CONSUMES", ["pi"]],
        ["OUT", _LINKS, ["ds+claimed_by"]],
        ["IN", _MAKERS, ["ds+claimed_by"]],
        _CLAIM,
        ["NAMED", "dataset_id", ["ds+claimed_by"], _BARE_NAME],
    ],
]
_LATEST = [  # and who else writes what these pipelines write
    [["NAMED", "latest_run", ["pi"], ["ru:", "[", "]", True]], ["OUT", "GENERATED_BY+PRODUCES", ["pi"]]],
    [["OUT", _OF_A_RUN, ["ru"]], ["IN", _MAKERS, ["ds"]]],
]
SHORT = 100  # cells of a row that are read at once


def above(start: Sequence[Vertex], levels: int) -> dict[str, Any]:
    """A request for what stands so many levels above these datasets, with the latest runs of all pipelines there.

    It is what the plain case needs (`needs.plain`): a name that a dataset claimed is followed by what it says.
    """
    asks = [
        {"ids": [vertex.id for vertex in start], "hops": [*_LEVEL * levels, [_CLAIM], [_CLAIM]]},
        {"reached": "pi", "hops": _LATEST},
    ]
    return {"asks": asks, "short": SHORT}


@dataclass(frozen=True, slots=True)
class Reply:
    """One reply: what came with its properties, every vertex by its number (None: half-written), edges, and steps.

    `followed` are the steps that were followed to the end, `cut` those that a limit ended; `left`: for some vertices
    there was no room at all.
    """

    came: list[tuple[Vertex, Properties]]
    places: list[Vertex | None]
    edges: list[tuple[str, Lines]]
    followed: list[tuple[list[Step], Some]]
    cut: list[tuple[list[Step], Some]]
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
            vertex = _new(Vertex, (label, tuple(key)))
            places.append(vertex)
            came.append((vertex, stored))
    followed, cut = (
        [
            ([(direction, label) for label in labels.split("+")], Some(numbers, places))
            for direction, labels, numbers in reply[name]
        ]
        for name in ("f", "t")
    )
    edges = [(label, Lines(label, flat, places)) for label, flat in reply["e"]]
    return Reply(came, places, edges, followed, cut, reply["left"])


class Some:
    """Vertices of one reply, gathered when somebody looks. They never change."""

    def __init__(self, numbers: list[int], places: list[Vertex | None]) -> None:
        self._numbers = numbers
        self._places = places

    @cached_property
    def vertices(self) -> set[Vertex]:
        """Those of them that are not half-written."""
        places = self._places
        return {vertex for at in self._numbers if (vertex := places[at]) is not None}


class Lines:
    """The edges of a label in one reply, made when somebody looks."""

    __slots__ = ("_flat", "_places", "_width")

    def __init__(self, label: str, flat: list[Any], places: list[Vertex | None]) -> None:
        self._width = 3 if label in _DATED else 2
        self._flat = flat
        self._places = places

    def __iter__(self) -> Iterator[Line]:
        flat, width, places = self._flat, self._width, self._places
        days = flat[2::3] if width == 3 else repeat(None)
        for at, to, day in zip(flat[::width], flat[1::width], days):  # noqa: B905  (the days may be endless)
            # A half-written vertex has no natural key yet.
            if (source := places[at]) is not None and (target := places[to]) is not None:
                yield source, target, day


def implying(step: Step) -> list[Step]:
    """The steps each of which follows this one too."""
    direction, label = step
    return [step] if direction in ("STAY", "BOTH") else [step, ("BOTH", label), (direction, ANY)]


@lru_cache(maxsize=256)
def written(hops: tuple[Hop, ...]) -> list[list[list[Any]]]:
    """The hops as the request has them: each step with the tags of the vertices that can take it."""
    return [[[*step, sorted(VERTICES[label].tag for label in LABELS[step])] for step in hop] for hop in hops]


_new = tuple.__new__  # of a Vertex: there are thousands in a reply


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

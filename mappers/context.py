"""What the facets of one event write into: its facts, and the vertices and the time they are about.

Every method states facts of this one event; nothing here looks anything up.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from lineagegraph.facts import Facts, Vertex, bucket
from lineagegraph.naming import Naming
from lineagegraph.registers import earliest, newest
from mappers import names
from mappers.event import MOST_FIELDS, Event, Malformed
from mappers.times import utc_day

DAY_MS = 86_400_000


@dataclass(slots=True)
class Place:
    """One dataset where the event names it: as an input, an output or the subject of a DatasetEvent."""

    vertex: Vertex
    role: str  # "input" | "output" | "dataset"
    facets: dict[str, Any]
    type: str | None = None  # datasetType, upper case
    version: str | None = None  # of the version facet
    scanned: str | None = None  # of the scan report
    states_lineage: bool = False
    feature: Vertex | None = None


@dataclass(slots=True)
class Context:
    """One event on its way to facts. `run` is None for topology: job events, definitions, dataset events."""

    event: Event
    naming: Naming
    facts: Facts = field(default_factory=Facts)
    pipeline: Vertex | None = None
    run: Vertex | None = None
    statistics: list[list[Any]] = field(default_factory=list)
    lifecycle: list[list[Any]] = field(default_factory=list)
    columns: int = 0

    @property
    def time(self) -> int:
        return self.event.time

    @property
    def day(self) -> str:
        return day_of(self.event.time // DAY_MS)

    @property
    def day_start(self) -> int:
        return self.event.time - self.event.time % DAY_MS

    def dataset(self, namespace: str, name: str) -> Vertex:
        """State that a dataset exists, with what people call it and its layer."""
        vertex = names.dataset(namespace, name, self.naming)
        if "dataset_id" not in self.facts.vertices.get(vertex, ()):
            called, layer = self.naming.dataset_id(*vertex.key), self.naming.layer(*vertex.key)
            self.facts.vertex(vertex, {"dataset_id": called, "layer": layer})
        return vertex

    def say(self, vertex: Vertex, **payloads: Any) -> None:
        """Newest-wins registers of a vertex, at the event's time. None says: it is gone."""
        self.facts.vertex(vertex, {name: newest(self.time, value) for name, value in payloads.items()})

    def say_daily(self, vertex: Vertex, **payloads: Any) -> None:
        """The same to the UTC day, for what every event repeats: a finer time would rewrite it each time."""
        self.facts.vertex(vertex, {name: newest(self.day_start, value) for name, value in payloads.items()})

    def earliest(self, payload: Any) -> str:
        """An earliest-wins register at the event's time."""
        return earliest(self.time, payload)

    def hold(self, owner: Vertex, member: Vertex) -> None:
        """File a member that grows with time in its owner's Buckets: owner, year, day, member."""
        year, day = bucket(owner, self.day[:4]), bucket(owner, self.day)
        self.facts.edge("BUCKET", owner, year)
        self.facts.edge("BUCKET", year, day)
        self.facts.edge("HOLDS", day, member)

    def name_version(self, of: Vertex, text: str) -> Vertex:
        """State that this event names a version of a dataset."""
        vertex = names.version(of, text)
        self.facts.vertex(vertex, {"first_named_at": -self.time})
        self.facts.edge("VERSION_OF", vertex, of)
        self.hold(of, vertex)
        return vertex

    def count_columns(self, more: int) -> None:
        """Keep one event from flooding the graph. Raises Malformed above the cap."""
        self.columns += more
        if self.columns > MOST_FIELDS:
            message = f"The event names more than {MOST_FIELDS} fields."
            raise Malformed("limits", "/outputs", message, self.event.producer)


@lru_cache(maxsize=4_096)
def day_of(epoch_day: int) -> str:
    """The ISO text of a day counted from 1970."""
    return utc_day(epoch_day * DAY_MS)

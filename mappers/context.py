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
from mappers.event import MOST_FIELDS, Dataset, Event, Malformed
from mappers.times import utc_day

DAY_MS = 86_400_000


@dataclass(frozen=True, slots=True)
class BadFacet:
    """A facet that did not fit: where it stood, its name and why, without its content."""

    where: str
    facet: str
    reason: str


@dataclass(slots=True)
class Place:
    """One dataset where the event names it: as an input, an output or the subject of a DatasetEvent."""

    vertex: Vertex
    role: str  # "input" | "output" | "dataset"
    dataset: Dataset
    type: str | None = None  # datasetType, upper case
    subtype: str | None = None
    fields: Any = None  # of the schema facet, if it fits
    version: str | None = None  # of the version facet
    scanned: str | None = None  # of the scan report
    states_lineage: bool = False  # an explicit lineage facet has spoken: it is the whole word on this dataset
    feature: Vertex | None = None


@dataclass(slots=True)
class Context:
    """One event on its way to facts. `run` is None for topology: job events, definitions, dataset events."""

    event: Event
    naming: Naming
    facts: Facts = field(default_factory=Facts)
    pipeline: Vertex | None = None
    run: Vertex | None = None
    bad: list[BadFacet] = field(default_factory=list)
    statistics: list[list[Any]] = field(default_factory=list)
    lifecycle: list[list[Any]] = field(default_factory=list)
    types: dict[str, str] = field(default_factory=dict)  # what each facet calls the pipeline's type
    aliases: dict[Vertex, Vertex | None] = field(default_factory=dict)  # None: of several datasets of this event
    named: int = 0
    time: int = 0
    day: str = ""
    day_start: int = 0

    def __post_init__(self) -> None:
        self.time = self.event.time
        self.day = day_of(self.time // DAY_MS)
        self.day_start = self.time - self.time % DAY_MS

    def dataset(self, namespace: str, name: str) -> Vertex:
        """State that a dataset exists, with what people call it and its layer."""
        known = names.described(namespace, name, self.naming)
        self.facts.include(known.facts)
        return known.vertex

    def edge(self, label: str, source: Vertex, target: Vertex, daily: bool = False) -> None:
        """An edge that many events state alike, with the event's day if it is `daily`."""
        self.facts.include(_edge(label, source, target, self.day if daily else None))

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
        """File a member that grows with time in its owner's Buckets: owner, year, day, member.

        A Run lasts for days, not for years: its day Buckets hang on it directly.
        """
        day = bucket(owner, self.day)
        if owner.label == "Run":
            self.facts.edge("BUCKET", owner, day)
        else:
            self.facts.include(_buckets(owner, self.day))
        self.facts.edge("HOLDS", day, member)

    def name_version(self, of: Vertex, text: str) -> Vertex:
        """State that this event names a version of a dataset."""
        vertex = names.version(of, text)
        self.facts.vertex(vertex, {"first_named_at": -self.time})
        self.facts.edge("VERSION_OF", vertex, of)
        self.hold(of, vertex)
        return vertex

    def alias(self, link: Vertex, place: Place) -> None:
        """Within this event a symlink's name means the dataset that carries it, unless several carry it."""
        self.aliases[link] = place.vertex if self.aliases.get(link, place.vertex) == place.vertex else None

    def count(self, more: int) -> None:
        """Keep one event from flooding the graph. Raises Malformed above the cap."""
        self.named += more
        if self.named > MOST_FIELDS:
            message = f"The event's facets list more than {MOST_FIELDS} fields and other names."
            raise Malformed("limits", "", message, self.event.producer)


@lru_cache(maxsize=32_768)
def _edge(label: str, source: Vertex, target: Vertex, day: str | None) -> Facts:
    facts = Facts()
    facts.edge(label, source, target, day)
    return facts


@lru_cache(maxsize=8_192)
def _buckets(owner: Vertex, day: str) -> Facts:
    facts, year = Facts(), bucket(owner, day[:4])
    facts.edge("BUCKET", owner, year)
    facts.edge("BUCKET", year, bucket(owner, day))
    return facts


@lru_cache(maxsize=4_096)
def day_of(epoch_day: int) -> str:
    """The ISO text of a day counted from 1970."""
    return utc_day(epoch_day * DAY_MS)

"""What travels in the metadata of a committed offset, so that the next owner of the partition knows it. Pure.

The graph that the offset belongs to; how often a process began here and died without getting on, and which
records it was reading then; whether the brake holds the partition.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import Any, Literal, NamedTuple

SUSPICIOUS = 3  # the third start at one offset is careful: twice may be chance
GUILTY = 2  # a record that the process died of twice, while it read nothing else, is not read a third time

BrakeState = Literal["on", "halted", "released"]


class Probe(NamedTuple):
    """Offsets that are read by themselves, [first, end), and how often a process died of exactly that."""

    first: int
    end: int
    deaths: int = 0

    @property
    def single(self) -> bool:
        """Whether it is one record."""
        return self.end == self.first + 1

    @property
    def guilty(self) -> bool:
        """Whether it is one record that has killed often enough."""
        return self.single and self.deaths >= GUILTY


@dataclass(frozen=True, slots=True)
class Note:
    """The state of one partition besides its offset. The default is that nothing is wrong."""

    starts: int = 0  # processes that began at this offset and neither got on nor ended in order
    suspect: Probe | None = None  # what the last one died of that was reading something by itself here
    reading: Probe | None = None  # what is being read by itself now; a new owner who finds this knows of a death
    brake: BrakeState = "on"

    def taken_over(self) -> Note:
        """What a new owner writes down before it reads anything."""
        if self.reading is None:
            return replace(self, starts=self.starts + 1)
        known = self.suspect is not None and self.suspect[:2] == self.reading[:2]
        deaths = self.suspect.deaths + 1 if self.suspect is not None and known else 1
        return replace(self, starts=self.starts + 1, suspect=self.reading._replace(deaths=deaths), reading=None)

    def reads(self, probe: Probe | None) -> Note:
        """The note while this is read by itself; who is passed without a death is no longer suspected."""
        return replace(self._passed(probe.first) if probe is not None else self, reading=probe)

    def got_to(self, offset: int) -> Note:
        """The note with an offset that got on."""
        return replace(self._passed(offset), starts=0)

    def _passed(self, offset: int) -> Note:
        return replace(self, suspect=None) if self.suspect is not None and offset >= self.suspect.end else self

    @property
    def suspicious(self) -> bool:
        """Whether this partition may hold a record that kills its reader."""
        return self.starts >= SUSPICIOUS or self.suspect is not None

    def text(self, graph_id: str) -> str:
        """As the commit's metadata."""
        content: dict[str, object] = {"graph": graph_id}
        if self.starts:
            content["starts"] = self.starts
        if self.suspect is not None:
            content["suspect"] = self.suspect
        if self.reading is not None:
            content["reading"] = self.reading
        if self.brake != "on":
            content["brake"] = self.brake
        return json.dumps(content)


class Place(NamedTuple):
    """An offset and its note."""

    offset: int
    note: Note = Note()


def parse(metadata: str) -> Note:
    """The note in a commit's metadata; what others wrote there says nothing."""
    try:
        content = json.loads(metadata)
        brake = content.get("brake", "on")
        known: BrakeState = brake if brake in ("halted", "released") else "on"
        return Note(
            int(content.get("starts", 0)), _probe(content.get("suspect")), _probe(content.get("reading")), known
        )
    except (ValueError, TypeError, AttributeError):
        return Note()


def _probe(row: Any) -> Probe | None:
    if not row:
        return None
    first, end, deaths = map(int, row)
    return Probe(first, end, deaths) if end > first else None


def graph_of(metadata: str) -> str | None:
    """The graph that an offset was committed for; None if that is not said."""
    try:
        return str(json.loads(metadata)["graph"])
    except (ValueError, TypeError, KeyError):
        return None

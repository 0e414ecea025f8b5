"""What travels in the metadata of a committed offset, so that the next owner of the partition knows it. Pure.

The graph that the offset belongs to; how often a process began here and died without getting on, and which
records it was reading then; whether the brake holds the partition.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import Literal, NamedTuple

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
    probe: Probe | None = None
    reading: bool = False  # whether the probe is being read now; a new owner who finds this knows of a death
    brake: BrakeState = "on"

    def taken_over(self) -> Note:
        """What a new owner writes down before it reads anything."""
        probe = self.probe
        if probe is not None and self.reading:
            probe = probe._replace(deaths=probe.deaths + 1)
        return replace(self, starts=self.starts + 1, probe=probe, reading=False)

    @property
    def suspicious(self) -> bool:
        """Whether this partition may hold a record that kills its reader."""
        return self.starts >= SUSPICIOUS or self.probe is not None

    def text(self, graph_id: str) -> str:
        """As the commit's metadata."""
        content: dict[str, object] = {"graph": graph_id}
        if self.starts:
            content["starts"] = self.starts
        if self.probe is not None:
            content["probe"] = [*self.probe, self.reading]
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
        first, end, deaths, reading = content.get("probe") or (0, 0, 0, False)
        probe = Probe(int(first), int(end), int(deaths)) if end > first else None
        brake = content.get("brake", "on")
        known: BrakeState = brake if brake in ("halted", "released") else "on"
        return Note(int(content.get("starts", 0)), probe, bool(reading) and probe is not None, known)
    except (ValueError, TypeError, AttributeError):
        return Note()


def graph_of(metadata: str) -> str | None:
    """The graph that an offset was committed for; None if that is not said."""
    try:
        return str(json.loads(metadata)["graph"])
    except (ValueError, TypeError, KeyError):
        return None

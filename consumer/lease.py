"""What is held between two rebalances or rewinds: trackers, notes and brakes of the partitions."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from consumer.brake import Brake
from consumer.care import Care
from consumer.notes import BrakeState, Note, Place, Probe
from consumer.records import Partition
from consumer.settings import Settings
from consumer.tracker import Tracker


@dataclass(slots=True)
class Lease:
    """Once it is over, nothing that was done under it can be committed."""

    trackers: dict[Partition, Tracker]
    notes: dict[Partition, Note]  # as Kafka has them, as far as we know
    brakes: dict[Partition, Brake]
    care: Care
    halted: dict[Partition, str] = field(default_factory=dict)  # and why
    over: bool = False
    began: float = field(default_factory=time.monotonic)
    probing: Partition | None = None  # the one of which Kafka's note says that it is being read by itself

    @classmethod
    def of(cls, places: Mapping[Partition, Place], settings: Settings) -> Lease:
        """A lease that begins at these places."""
        # What is replayed was a dead letter before: a replay has a limit of its own, and must not halt and page.
        limits = {
            p: (0, 0.0) if settings.is_retry(p.topic) else (settings.brake_run, settings.brake_share) for p in places
        }
        return cls(
            {partition: Tracker(place.offset) for partition, place in places.items()},
            {partition: place.note for partition, place in places.items()},
            {
                partition: Brake(*limits[partition], place.note.brake == "released")
                for partition, place in places.items()
            },
            Care({partition: place.note for partition, place in places.items()}, settings.batch_records),
            {partition: "since an earlier run" for partition, place in places.items() if place.note.brake == "halted"},
        )

    def rewound(self, settings: Settings) -> Lease:
        """A lease that begins where this one was last committed."""
        new = Lease.of({p: Place(tracker.committed, self.notes[p]) for p, tracker in self.trackers.items()}, settings)
        new.halted, new.care, new.began, new.probing = dict(self.halted), self.care, self.began, self.probing
        for partition, brake in self.brakes.items():
            new.brakes[partition].released = brake.released
        return new

    def is_over(self) -> bool:
        """Whether it is over."""
        return self.over

    def judge(self, partition: Partition, invalid: Iterable[bool]) -> bool:
        """Whether the partition may go on after these records, counted in the order of their offsets."""
        if partition not in self.halted and (why := self.brakes[partition].judge(invalid)):
            self.halted[partition] = why
        return partition not in self.halted

    def resume(self, partition: Partition) -> int:
        """Let a halted partition go on; the offset to read on from."""
        del self.halted[partition]
        self.brakes[partition].release()
        self.trackers[partition] = self.trackers[partition].rewound()
        return self.trackers[partition].committed

    def due(self, on_disk_until: float) -> dict[Partition, Place]:
        """What can be committed now and is not: offsets that got on, and brakes that have changed."""
        due = {}
        for partition, tracker in self.trackers.items():
            offset, note = tracker.safe(on_disk_until), self.notes[partition]
            if offset > tracker.committed:
                note = note.got_to(offset)
            if offset > tracker.committed or note.brake != self._brake(partition):
                due[partition] = self._place(partition, offset, note)
        return due

    def settled(self, on_disk_until: float) -> dict[Partition, Place]:
        """What is due at an end in order: nobody died here."""
        ends = {
            partition: self._place(partition, tracker.safe(on_disk_until), Note())
            for partition, tracker in self.trackers.items()
        }
        return {
            partition: place
            for partition, place in ends.items()
            if place.offset > self.trackers[partition].committed or place.note != self.notes[partition]
        }

    def marked(self, partition: Partition | None, probe: Probe | None = None) -> dict[Partition, Place]:
        """What must be committed before this is read by itself; without a partition, before anything else is."""
        due = {}
        if self.probing is not None and self.probing != partition:
            due[self.probing] = self.notes[self.probing].reads(None)
        if partition is not None:
            due[partition] = self.notes[partition].reads(probe)
        return {p: Place(self.trackers[p].committed, note) for p, note in due.items()}

    def committed(self, places: Mapping[Partition, Place]) -> None:
        """These places stand in Kafka now."""
        for partition, place in places.items():
            self.trackers[partition].commit(place.offset)
            self.notes[partition] = place.note
        self.probing = next((partition for partition, note in self.notes.items() if note.reading is not None), None)

    def _place(self, partition: Partition, offset: int, note: Note) -> Place:
        return Place(offset, replace(note, brake=self._brake(partition)))

    def _brake(self, partition: Partition) -> BrakeState:
        if partition in self.halted:
            return "halted"
        return "released" if self.brakes[partition].released else "on"

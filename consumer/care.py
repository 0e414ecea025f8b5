"""Finding the record that kills its reader: what no dead letter can tell, because the process is gone. Pure.

A partition at whose offset processes died again and again is read by itself, a span of records at a time, and
the span is written into the commit's metadata before it is read. The next process finds the span in which the
last one died and reads it record by record; a record that was read alone and killed twice is buried unparsed.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping

from consumer.notes import Note, Probe
from consumer.records import Partition


class Care:
    """The partitions under suspicion, and what to read of them next. Only one thing is read at a time then."""

    def __init__(self, notes: Mapping[Partition, Note], span: int) -> None:
        self._span = span
        self._suspects = {partition: note.suspect for partition, note in notes.items() if note.suspicious}
        self._turns: deque[Partition | None] = deque([*sorted(self._suspects), None])

    @property
    def partitions(self) -> frozenset[Partition]:
        """Those under suspicion; none in ordinary life."""
        return frozenset(self._suspects)

    def end(self) -> None:
        """Nobody died for a long time: read as ever."""
        self._suspects.clear()

    def turn(self) -> Partition | None:
        """Whose turn it is: one of them, or all others together (None)."""
        self._turns.rotate(-1)
        return self._turns[0]

    def next(self, partition: Partition, position: int) -> Probe:
        """What to read of this partition by itself, from this position."""
        suspect = self._suspects[partition]
        if suspect is None or position >= suspect.end:
            return Probe(position, position + self._span)
        if position < suspect.first:
            return Probe(position, min(position + self._span, suspect.first))
        return suspect if suspect.single else Probe(position, position + 1)

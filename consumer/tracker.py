"""Which offset of a partition may be committed: the one below which everything is done and safely on disk.

One tracker lives as long as one assignment of one partition. Work that outlives it completes into a tracker
that nobody asks any more, so a late completion can never move another assignment's offset. Pure: no clock,
no I/O.
"""

from __future__ import annotations

from collections import deque


class Ticket:
    """A stretch of offsets that was read; done once its records are in the graph, buried or skipped."""

    __slots__ = ("acknowledged_at", "end", "timestamp")

    def __init__(self, end: int, timestamp: int) -> None:
        self.end = end
        self.timestamp = timestamp
        self.acknowledged_at: float | None = None

    def done(self, at: float) -> None:
        """Everything in this stretch was acknowledged, the last of it at `at`."""
        self.acknowledged_at = at


class Tracker:
    """The offsets of one partition during one assignment."""

    __slots__ = ("_safe", "_tickets", "committed", "position")

    def __init__(self, start: int) -> None:
        self.position = start
        self.committed = start
        self._safe = start
        self._tickets: deque[Ticket] = deque()

    def take(self, end: int, timestamp: int = -1) -> Ticket:
        """Offsets up to `end` (exclusive) were read; `timestamp` is that of the first record among them."""
        if end <= self.position:
            raise ValueError(f"offset {end} was read after {self.position}")
        self.position = end
        ticket = Ticket(end, timestamp)
        self._tickets.append(ticket)
        return ticket

    def safe(self, on_disk_until: float) -> int:
        """The offset below which everything was acknowledged no later than `on_disk_until`."""
        while self._tickets:
            ticket = self._tickets[0]
            if ticket.acknowledged_at is None or ticket.acknowledged_at > on_disk_until:
                break
            self._safe = self._tickets.popleft().end
        return self._safe

    def commit(self, offset: int) -> None:
        """This offset was committed."""
        if not self.committed <= offset <= self._safe:
            raise ValueError(f"offset {offset} was committed after {self.committed}; safe is {self._safe}")
        self.committed = offset

    def rewound(self) -> Tracker:
        """A new tracker that starts where this one was last committed."""
        return Tracker(self.committed)

    @property
    def oldest(self) -> int | None:
        """The timestamp of the first record that may not be committed yet, None if there is none."""
        return self._tickets[0].timestamp if self._tickets else None

    @property
    def idle(self) -> bool:
        """Whether all that was read is committed."""
        return not self._tickets and self.committed == self.position

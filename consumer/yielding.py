"""Replays yield to live traffic: how many replayed records may go into a batch. Pure.

A replay is never urgent, and what comes in is. So replayed records fill idle time in small portions while live ones
keep coming, have the whole consumer when none come, and always get a twentieth, so that no replay stands still.
"""

from __future__ import annotations

import math

LEAST_SHARE = 20  # one of so many
IDLE_SHARE = 10  # one of so many, if nothing is being written
QUIET_SECONDS = 1.0  # without any live record: nobody needs the consumer


class Replays:
    """What replayed records are granted, by how long ago the last live one came."""

    def __init__(self) -> None:
        self._live_at = -math.inf

    def kept(self, room: int) -> int:
        """How much of a batch is not for live records, however many there are."""
        return max(1, room // LEAST_SHARE) if room > 1 else 0

    def granted(self, room: int, live: int, busy: bool, now: float) -> int:
        """How many replayed records may join so many live ones in a batch of at most `room`."""
        if live:
            self._live_at = now
            return min(room - live, max(1, live // LEAST_SHARE))
        if now - self._live_at >= QUIET_SECONDS:
            return room
        return 0 if busy else max(1, room // IDLE_SHARE)

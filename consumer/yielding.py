"""Replays yield to live traffic: how many replayed records may go into a batch. Pure.

A replay is never urgent, and what comes in is. So replayed records fill idle time in small portions while live ones
keep coming, have the whole consumer when none come, and always get a twentieth, so that no replay stands still. They
save that up to whole portions: every batch with one of them looks into their partitions and tells the ledger, and
that costs a batch of a few live records as much as the records do.
"""

from __future__ import annotations

import math

LEAST_SHARE = 20  # one for so many live ones; a portion is as much of a whole batch
MOST_SAVED = 4  # portions
IDLE_SHARE = 10  # one of so many, if nothing is being written
QUIET_SECONDS = 1.0  # without any live record: nobody needs the consumer


class Replays:
    """What replayed records are granted, by how many live ones came and how long ago the last."""

    def __init__(self) -> None:
        self._live_at = -math.inf
        self._saved = 0.0

    def kept(self, room: int) -> int:
        """How much of a batch is not for live records, however many there are."""
        return min(int(self._saved), room // 2) if self._saved >= _portion(room) else 0

    def granted(self, room: int, live: int, busy: bool, now: float) -> int:
        """How many replayed records may join so many live ones in a batch of at most `room`."""
        if live:
            self._live_at = now
            self._saved = min(self._saved + live / LEAST_SHARE, MOST_SAVED * _portion(room))
            return self._spent(min(room - live, int(self._saved))) if self._saved >= _portion(room) else 0
        if now - self._live_at >= QUIET_SECONDS:
            return room
        return 0 if busy else max(1, room // IDLE_SHARE)

    def _spent(self, count: int) -> int:
        self._saved -= count
        return count


def _portion(room: int) -> int:
    return max(1, room // LEAST_SHARE)

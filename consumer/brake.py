"""The brake: many invalid records in a row, or a large share of the latest ones, stop their partition. Pure.

So that a bad deploy of a producer, or of us, cannot drain a topic into the dead letters.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable

WINDOW = 200  # records over which the share is taken


class Brake:
    """Counts one partition's records in the order in which they are judged. A limit of 0 is none."""

    def __init__(self, most_in_a_row: int, most_share: float, released: bool = False) -> None:
        self._most_in_a_row = most_in_a_row
        self._most_share = most_share
        self._in_a_row = 0
        self._latest: deque[bool] = deque(maxlen=WINDOW)
        self.released = released

    def release(self) -> None:
        """Let everything pass up to the next valid record; from there on count anew."""
        self.released = True
        self._in_a_row = 0
        self._latest.clear()

    def judge(self, invalid: Iterable[bool]) -> str | None:
        """Count these records; why the partition must stop, if it must."""
        for bad in invalid:
            if self.released and bad:
                continue
            self.released = False
            self._in_a_row = self._in_a_row + 1 if bad else 0
            self._latest.append(bad)
        if self._most_in_a_row and self._in_a_row >= self._most_in_a_row:
            return f"{self._in_a_row} invalid records in a row"
        if self._most_share and len(self._latest) == WINDOW and sum(self._latest) > self._most_share * WINDOW:
            return f"{sum(self._latest)} of the latest {WINDOW} records are invalid"
        return None

"""The pace of a replay: so many records a second, reached slowly; when it must stop because too many fail. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

T = TypeVar("T")
LEAST_ENDED = 20  # before the share of failures means anything


@dataclass(slots=True)
class Pace:
    """Times are seconds of any clock that never goes back."""

    rate: float  # records a second
    ramp: float  # seconds until that rate is reached
    began: float
    next: float = 0.0

    def now(self, time: float) -> float:
        """The rate of this moment."""
        if time - self.began >= self.ramp:
            return self.rate
        return max(self.rate * (time - self.began) / self.ramp, min(self.rate, 1.0))

    def portion(self, time: float, most: int) -> int:
        """How many records to send together: about half a second's worth."""
        return max(1, min(most, int(self.now(time) / 2)))

    def sent(self, count: int, time: float) -> float:
        """So many were sent; how long to wait before the next."""
        self.next = max(self.next, time) + count / self.now(time)
        return self.next - time


def canary_first(many: Sequence[T], count: int) -> tuple[list[T], list[T]]:
    """A few, evenly spread over all, and the others."""
    count = min(count, len(many))
    picked = {index * len(many) // count for index in range(count)} if count else set()
    return [many[n] for n in sorted(picked)], [one for n, one in enumerate(many) if n not in picked]


def too_many_fail(failed: int, ended: int, share: float, canary: int) -> bool:
    """Whether the replay should stop: more than this share of those that ended has failed again."""
    least = min(LEAST_ENDED, canary) if canary else LEAST_ENDED
    return ended >= least and failed > share * ended

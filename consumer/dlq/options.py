"""How a replay is sent."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Options:
    """What the user may say; `resume` goes on with what was said first."""

    rate: float = 200.0  # records a second
    ramp: float = 0.0  # seconds until that rate is reached
    canary: int = 0  # letters to be sent first and waited for
    abort_share: float = 0.5  # of those that ended may fail again
    wait: float = 60.0  # seconds without any news that end the waiting for outcomes; 0: no waiting

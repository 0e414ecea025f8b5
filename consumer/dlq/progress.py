"""How far replays are, by what the ledger says of them. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

from consumer.dlq.ledger import Ledger

How = Literal["resolved", "sent", "partly", "aborted", "cancelled", "silent"]
ACTIVE_MS = 60_000  # a replay that sent something so recently is probably alive


@dataclass(slots=True)
class Progress:
    """How far one replay is, of all its letters; `ended` is how the process that sends it ended."""

    replay: str
    total: int = 0
    steps: Counter[str] = field(default_factory=Counter)
    sent_now: int = 0
    rate: float = 0.0
    ended: How | None = None

    @property
    def sent(self) -> int:
        """Letters that were sent, whatever became of them."""
        return sum(self.steps[step] for step in ("sent", "resolved", "failed"))

    @property
    def outstanding(self) -> int:
        """Letters that were sent and have not ended."""
        return self.steps["sent"]

    @property
    def through(self) -> int:
        """Letters of which the end is known."""
        return sum(self.steps[step] for step in ("resolved", "failed", "left"))

    @property
    def well(self) -> bool:
        """Whether all is done that was asked for."""
        return self.ended == "resolved" or (self.ended == "sent" and self.sent == self.total)


Report = Callable[[Progress], None]


def progress_of(ledger: Ledger, replay: str) -> Progress:
    """How far a replay is."""
    steps = Counter[str](one.state for one in ledger.of(replay))
    note = ledger.replays.get(replay)
    return Progress(replay, max(note.total if note else 0, steps.total()), steps)


def stage(ledger: Ledger, replay: str) -> str:
    """What a replay is doing, for people: one that has sent everything only waits, or is done."""
    note, steps = ledger.replays[replay], progress_of(ledger, replay).steps
    if note.state in ("running", "done") and not steps["planned"]:
        return "waiting" if steps["sent"] else "done"
    return note.state


def active(ledger: Ledger, now: int, but: str) -> str | None:
    """Another replay that is probably being sent by a living process."""
    for note in ledger.replays.values():
        if note.replay == but or note.state not in ("preparing", "running"):
            continue
        latest = max((one.at for one in ledger.of(note.replay) if one.state == "sent"), default=note.at)
        more_to_send = note.state == "preparing" or progress_of(ledger, note.replay).steps["planned"]
        if more_to_send and now - max(latest, note.at) < ACTIVE_MS:
            return note.replay
    return None

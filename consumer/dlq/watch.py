"""Watching a replay while it is sent: what the worker says of its letters, and whether to go on."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable

from consumer.dlq.desk import Desk
from consumer.dlq.ledger import Ledger
from consumer.dlq.options import Options
from consumer.dlq.pace import Pace, too_many_fail
from consumer.dlq.progress import Progress, Report, progress_of
from consumer.errors import KafkaAway

LOOK_SECONDS = 1.0  # between two looks at the ledger
MOST_OUTSTANDING = 5_000  # sent, and nobody has told how it ended
CANARY_SECONDS = 30.0  # the least that a canary is waited for
VISIBLE_SECONDS = 30.0  # a transaction is visible a moment after it was committed


class Watch:
    """The progress of one replay; once it has ended nothing more is to be sent."""

    def __init__(
        self, desk: Desk, ledger: Ledger, replay: str, total: int, options: Options, pace: Pace, report: Report
    ) -> None:
        self._desk = desk
        self._ledger = ledger
        self._options = options
        self._pace = pace
        self._report = report
        self._looked_at = 0.0
        self._news_at = time.monotonic()
        self._written = set[str]()  # letters of which we wrote a step that the ledger did not show yet
        self.progress = Progress(replay, total)
        self._before = progress_of(ledger, replay)  # what failed before somebody said `resume` is known

    @property
    def over(self) -> bool:
        """Whether nothing more is to be sent."""
        return self.progress.ended is not None

    def wrote(self, ids: Iterable[str]) -> None:
        """These letters were sent or left; what the ledger says of them before it shows that is old."""
        self._written.update(ids)

    async def rest(self, seconds: float) -> None:
        """Wait for the pace, and for the worker if it is far behind."""
        until = time.monotonic() + seconds
        while not self.over:
            await self.look()
            if (left := until - time.monotonic()) > 0:
                await asyncio.sleep(min(left, LOOK_SECONDS / 2))
            elif self._options.wait == 0 or self.progress.outstanding < MOST_OUTSTANDING:
                return
            elif self._silent_for(max(self._options.wait, CANARY_SECONDS)):
                self.progress.ended = "silent"
            else:
                await asyncio.sleep(0.1)

    async def outcomes(self, canary: bool = False) -> None:
        """Until everything that was sent has ended, or nothing has been heard for too long."""
        await self._caught_up()
        self._news_at = time.monotonic()
        patience = max(self._options.wait, CANARY_SECONDS) if canary else self._options.wait
        while not self.over:
            await self.look(at_once=True)
            if self.over or not self.progress.outstanding:
                return
            if self._silent_for(patience):
                self.progress.ended = "sent" if patience == 0 else "silent"
                return
            await asyncio.sleep(0.25)

    async def _caught_up(self) -> None:
        """Until the ledger shows everything that we wrote. Raises KafkaAway."""
        until = time.monotonic() + VISIBLE_SECONDS
        await self.look(at_once=True)
        while self._written:
            if time.monotonic() > until:
                raise KafkaAway("The ledger does not show what was written into it. Try again: `resume` goes on.")
            await asyncio.sleep(0.05)
            await self.look(at_once=True)

    def _silent_for(self, seconds: float) -> bool:
        return time.monotonic() - self._news_at >= seconds

    async def look(self, at_once: bool = False) -> None:
        """Read what has come, and decide whether to go on."""
        if not at_once and time.monotonic() - self._looked_at < LOOK_SECONDS:
            return
        await self._desk.follow(self._ledger)
        self._looked_at = time.monotonic()
        self._written = {id_ for id_ in self._written if self._ledger.step(id_, self.progress.replay) == "planned"}
        now, before = progress_of(self._ledger, self.progress.replay), self.progress
        now.sent_now, now.ended, now.rate = before.sent_now, before.ended, self._pace.now(time.monotonic())
        if now.through > before.through:
            self._news_at = time.monotonic()
        failed, resolved = (now.steps[step] - self._before.steps[step] for step in ("failed", "resolved"))
        note = self._ledger.replays.get(now.replay)
        if note is not None and note.state == "cancelled":
            now.ended = "cancelled"
        elif now.steps["planned"] and too_many_fail(
            failed, failed + resolved, self._options.abort_share, self._options.canary
        ):
            now.ended = "aborted"
        self.progress = now
        self._report(now)

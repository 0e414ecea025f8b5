"""Replaying a plan: paced, in transactions, watched; whatever kills it, `resume` sends exactly what was not sent.

The ledger holds the whole plan before anything is sent, then each letter's step: planned, sent, and from the worker
resolved or failed. A letter that is no longer what was planned is left, with the reason.
"""

from __future__ import annotations

import asyncio
import shlex
import time
from collections.abc import Iterable, Sequence
from contextlib import aclosing
from dataclasses import asdict, replace

from consumer.dlq.again import again, obstacle
from consumer.dlq.cases import Case, Cases
from consumer.dlq.desk import Desk, now_ms
from consumer.dlq.ledger import ReplayNote, Stage, Tried
from consumer.dlq.options import Options
from consumer.dlq.pace import Pace, canary_first
from consumer.dlq.pen import Pen, Posting, open_pen
from consumer.dlq.plan import Plan, place
from consumer.dlq.planned import changed, missing, not_as_planned
from consumer.dlq.progress import Progress, Report, active
from consumer.dlq.watch import VISIBLE_SECONDS, Watch
from consumer.errors import KafkaAway, KafkaUnusable
from consumer.records import Record

MOST_TOGETHER = 500  # records in one transaction
MOST_BYTES_TOGETHER = 16 * 2**20
AT_ONCE = 1_000  # entries of a plan written together


async def replay(desk: Desk, plan: Plan, options: Options, report: Report, take_over: bool = False) -> Progress:
    """Send what the plan says and was not sent yet, and wait for the outcomes. Raises KafkaUnusable, KafkaAway."""
    await desk.prepare()
    cases = await desk.cases()
    if not take_over and (other := active(cases.ledger, now_ms(), plan.replay)):
        raise KafkaUnusable(
            f"The replay {other} is going on. Wait for it, stop it (`lineagegraph dlq cancel {other}`), "
            "or say --take-over if its process is dead."
        )
    async with open_pen(desk.settings, desk.names, replaying=True) as pen:
        await desk.follow(cases.ledger)  # from here on nobody else sends
        return await _Run(desk, plan, options, report, cases, pen).run()


class _Run:
    """One process's share in a replay."""

    def __init__(self, desk: Desk, plan: Plan, options: Options, report: Report, cases: Cases, pen: Pen) -> None:
        self._desk = desk
        self._plan = plan
        self._options = options
        self._cases = cases
        self._pen = pen
        self._pace = Pace(options.rate, options.ramp, time.monotonic())
        self._watch = Watch(desk, cases.ledger, plan.replay, len(plan.items), options, self._pace, report)
        self._items = {item.id: item for item in plan.items}
        self._topic = desk.names.retry if plan.to == "retry" else desk.names.source
        self._partitions = desk.topics[self._topic].partitions

    async def run(self) -> Progress:
        """Everything from writing the plan down to its outcomes."""
        await self._prepare()
        canary, others = canary_first(self._waiting(), self._options.canary)
        if canary:
            await self._send_all(canary)
            await self._watch.outcomes(canary=True)
        await self._send_all(others)
        await self._watch.outcomes()
        await self._end()
        return self._watch.progress

    async def _prepare(self) -> None:
        """Write the plan into the ledger, as far as it does not stand there, and see that it does."""
        plan, ledger = self._plan, self._cases.ledger
        options = {**asdict(self._options), "to": plan.to, "most_attempts": plan.most_attempts, "letters": plan.letters}
        terms = shlex.join(plan.terms)
        note = ReplayNote(plan.replay, "preparing", now_ms(), len(plan.items), plan.by, terms, options=options)
        if entries := missing(plan, self._cases, now_ms()):
            await self._pen.together([], [note])
        for start in range(0, len(entries), AT_ONCE):
            await self._pen.together([], entries[start : start + AT_ONCE])
        await self._pen.together([], [replace(note, state="running")])
        until = time.monotonic() + VISIBLE_SECONDS
        while any(self._step(id_) is None for id_ in self._items) or not self._runs_since(note.at):
            if time.monotonic() > until:
                raise KafkaAway("The ledger does not show what was written into it. Try again: `resume` goes on.")
            await asyncio.sleep(0.05)
            await self._desk.follow(ledger)
        await self._watch.look(at_once=True)

    def _runs_since(self, at: int) -> bool:
        note = self._cases.ledger.replays.get(self._plan.replay)
        return note is not None and note.at >= at and note.state == "running"

    def _step(self, id_: str) -> str | None:
        return self._cases.ledger.step(id_, self._plan.replay)

    def _waiting(self) -> list[Case]:
        """The cases that are planned and not sent, in the plan's order."""
        found = (self._cases.get(id_) for id_ in self._items if self._step(id_) == "planned")
        return [case for case in found if case is not None]

    async def _send_all(self, cases: Sequence[Case]) -> None:
        """Send these, in portions of what the pace allows in half a second."""
        seen, batch, size = set[str](), list[tuple[Case, Record]](), 0
        async with aclosing(self._desk.values(cases)) as values:
            async for case, record in values:
                if self._watch.over:
                    return
                seen.add(case.letter.id)
                batch.append((case, record))
                size += len(record.value or b"")
                if len(batch) >= self._pace.portion(time.monotonic(), MOST_TOGETHER) or size >= MOST_BYTES_TOGETHER:
                    await self._send(batch)
                    batch, size = [], 0
        if not self._watch.over:
            await self._send(batch)
            await self._leave(case for case in cases if case.letter.id not in seen)

    async def _send(self, batch: Sequence[tuple[Case, Record]]) -> None:
        """One transaction: the records, and that they were sent."""
        postings, entries, name = list[Posting](), list[Tried](), self._plan.replay
        for case, record in batch:
            one = case.letter
            why = obstacle(one, record) or changed(self._items[one.id], case)
            why = why or not_as_planned(case, self._cases.ledger, name)
            step = Tried(one.id, name, "sent", now_ms(), one.attempts, place(case), one.sha256)
            entries.append(replace(step, state="left", note=why) if why else step)
            if not why:
                parcel = again(one, record, name, self._plan.most_attempts, self._partitions)
                postings.append(Posting(self._topic, parcel))
        if entries:
            await self._pen.together(postings, entries)
            self._watch.wrote(one.id for one in entries)
            self._watch.progress.sent_now += len(postings)
            await self._watch.rest(self._pace.sent(len(postings), time.monotonic()) if postings else 0.0)

    async def _leave(self, cases: Iterable[Case]) -> None:
        """Note those whose letters were purged meanwhile."""
        now, name = now_ms(), self._plan.replay
        entries = [Tried(case.letter.id, name, "left", now, note="its letter is gone from Kafka") for case in cases]
        if entries:
            await self._pen.together([], entries)
            self._watch.wrote(one.id for one in entries)

    async def _end(self) -> None:
        progress = self._watch.progress
        if progress.ended is None:
            progress.ended = "resolved" if progress.steps["resolved"] == progress.total else "partly"
        stage: Stage | None = "done" if progress.through == progress.total else None
        if progress.ended == "aborted":
            stage = "aborted"
        if stage is not None and progress.ended != "cancelled":
            note = self._cases.ledger.replays[self._plan.replay]
            await self._pen.together([], [replace(note, state=stage, at=now_ms())])

"""How far a replay is: a bar for people and lines for logs while it goes on, a sentence when it has ended."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

import click

from consumer.dlq.progress import Progress, Report

LINE_SECONDS = 10.0  # between two lines where there is no terminal


@contextmanager
def reporting(as_json: bool) -> Iterator[Report]:
    """Tells people on standard error: a bar on a terminal, else a line now and then, as JSON if wanted."""
    if as_json or not sys.stderr.isatty():
        yield _Lines(as_json)
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bar

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TextColumn("{task.fields[more]}"))
    with Bar(*columns, TimeRemainingColumn(), console=Console(stderr=True), transient=True) as bar:
        sent, ended = (bar.add_task(name, total=None, more="") for name in ("sent", "ended"))

        def show(progress: Progress) -> None:
            bar.update(sent, completed=progress.sent, total=progress.total, more=f"{progress.rate:.0f}/s")
            failed = f"{progress.steps['failed']} failed" if progress.steps["failed"] else ""
            bar.update(ended, completed=progress.through, total=progress.total, more=failed)

        yield show


class _Lines:
    """A line at the first report, and then from time to time."""

    def __init__(self, as_json: bool) -> None:
        self._as_json = as_json
        self._at = 0.0

    def __call__(self, progress: Progress) -> None:
        if time.monotonic() - self._at < LINE_SECONDS:
            return
        self._at = time.monotonic()
        left = seconds_left(progress)
        if self._as_json:
            click.echo(json.dumps({**as_json(progress), "seconds_left": left}), err=True)
            return
        more = "" if left is None else f", {left:.0f} s left"
        click.echo(
            f"{progress.replay}: {progress.sent} of {progress.total} sent at {progress.rate:.0f}/s{more}; "
            f"{progress.steps['resolved']} resolved, {progress.steps['failed']} failed again",
            err=True,
        )


def seconds_left(progress: Progress) -> float | None:
    """How long the sending will still take at this rate; None if that is not known."""
    return progress.steps["planned"] / progress.rate if progress.rate > 0 else None


def as_json(progress: Progress) -> dict[str, object]:
    """For programs: letters by step; `sent` is how many were ever sent, `waiting` how many have not ended."""
    steps = progress.steps
    return {
        "replay": progress.replay,
        "letters": progress.total,
        "planned": steps["planned"],
        "sent": progress.sent,
        "sent_now": progress.sent_now,
        "waiting": progress.outstanding,
        "resolved": steps["resolved"],
        "failed": steps["failed"],
        "left": steps["left"],
        "rate": progress.rate,
        "ended": progress.ended,
    }


def sentence(done: Progress) -> str:
    """How it ended, and what to do next."""
    return _SENTENCES[done.ended or "partly"].format(one=done, steps=done.steps)


_COUNTS = "{steps[resolved]} of {one.total} resolved, {steps[failed]} failed again, {steps[left]} left out"
_SENTENCES = {
    "resolved": "All {one.total} letters are resolved.",
    "sent": "{one.sent} of {one.total} letters are sent. See: lineagegraph dlq status {one.replay}",
    "partly": _COUNTS + ".",
    "aborted": "Stopped, because too many fail again: "
    + _COUNTS
    + ". Go on with: lineagegraph dlq resume {one.replay}",
    "cancelled": "Cancelled: " + _COUNTS + ". Go on with: lineagegraph dlq resume {one.replay}",
    "silent": (
        "No consumer says what becomes of them: {one.outstanding} wait in the retry topic, " + _COUNTS + ". "
        "Is one running? Then see: lineagegraph dlq status {one.replay}"
    ),
}

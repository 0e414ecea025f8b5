"""Rules about runs: how each ended, when it ran, and which runs execute one statement."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from typing import Literal

from lineagegraph.facts import Vertex, bucket
from lineagegraph.view import View, remembered

State = Literal["COMPLETE", "FAIL", "ABORT", "RUNNING"]
DAY_MS = 86_400_000
Span = tuple[float, float]  # milliseconds
LASTING = ("STREAMING", "SERVICE")  # jobs that make data while they run, not when they end


@remembered
def run_state(view: View, run: Vertex) -> State:
    """COMPLETE, FAIL, ABORT or RUNNING. Needs the Run.

    A run has failed iff its failure is not older than its latest START: Spark sends COMPLETE after FAIL, and
    a retry may use the id again.
    """
    started = view.number(run, "latest_start_at") or 0
    failed, aborted = view.number(run, "failed_at"), view.number(run, "aborted_at")
    if failed is not None and failed >= started:
        return "FAIL"
    if aborted is not None and aborted >= started:
        return "ABORT"
    completed = view.number(run, "completed_at")
    return "COMPLETE" if completed is not None and completed >= started else "RUNNING"


def started_at(view: View, run: Vertex) -> int | None:
    """The first moment the run is known to have started (milliseconds). Needs the Run."""
    return view.number(run, "first_start_at")


@remembered
def counts(view: View, run: Vertex) -> bool:
    """Whether what the run states about its outputs came true. Needs the Run.

    It did if the run completed. An attempt that completed before the id was used again did not come undone.
    """
    if view.corrections.ignores(run):
        return False
    completed, started = view.number(run, "completed_at"), view.number(run, "latest_start_at")
    return run_state(view, run) == "COMPLETE" or (completed is not None and started is not None and completed < started)


def made_data(view: View, run: Vertex, pipeline: Vertex) -> bool:
    """Whether the run's inputs are in its outputs. Needs the Run and the Pipeline.

    What a batch job writes is there when it ends. A stream writes all the time, and where nothing says that
    the job is a batch job, a run that still goes on is believed.
    """
    if counts(view, run):
        return True
    kind, state = view.text(pipeline, "processing_type"), run_state(view, run)
    if view.corrections.ignores(run):
        return False
    return kind in LASTING or (state == "RUNNING" and kind != "BATCH")


def pipeline_of(view: View, run: Vertex) -> Vertex | None:
    """The pipeline a run is of; where an id was used by several, the first by name. Needs RUN_OF out of the Run."""
    return min(view.out("RUN_OF", run), default=None)


def one_statement(view: View, run: Vertex) -> list[Vertex]:
    """The runs that execute one statement with this one, itself first.

    Spark shows CREATE TABLE AS and REPLACE TABLE AS as two runs, one inside the other: of one parent, but of
    different pipelines, of the same inputs, with the same output. Two threads that append to one table at the
    same time are not that.
    Needs what `may_be_shared` needs; if it may be, PARENT, RUN_OF, READ, WROTE out of the Run and out of the Runs
    that HOLDS out of its parents' Buckets of its days (`days_of`) leads to.
    """
    return list(_statement(view, run)) if may_be_shared(view, run) else [run]


@remembered
def may_be_shared(view: View, run: Vertex) -> bool:
    """Whether another run may execute one statement with this one: a pipeline of others writes what it wrote.

    Needs RUN_OF, WROTE out of the Run, and GENERATED_BY, PRODUCES into what it wrote.
    """
    mine = set(view.out("RUN_OF", run))
    others = (p for d in view.out("WROTE", run) for label in ("GENERATED_BY", "PRODUCES") for p in view.into(label, d))
    return any(pipeline not in mine for pipeline in others)


@remembered
def _statement(view: View, run: Vertex) -> tuple[Vertex, ...]:
    family, mine = {run: None}, span(view, run)
    days = [bucket(parent, day) for parent in view.out("PARENT", run) for day in days_of(view, run)]
    for output in view.out("WROTE", run):
        for day in days:
            for other in _beside(_writers_under(view, day).get(output, ()), mine):
                if other not in family and _same_work(view, run, other):
                    family[other] = None
    return tuple(family)


Ran = tuple[Vertex, Span, float]  # a run, its span, and the last end of all that started before it or with it


@remembered
def _writers_under(view: View, day: Vertex) -> dict[Vertex, list[Ran]]:
    """The runs that a Bucket holds, by what they wrote and in the order in which they started."""
    spans = [(when, run) for run in view.out("HOLDS", day) if run.label == "Run" and (when := span(view, run))]
    found: dict[Vertex, list[Ran]] = {}
    for when, run in sorted(spans):
        for output in view.out("WROTE", run):
            rows = found.setdefault(output, [])
            rows.append((run, when, max(when[1], rows[-1][2] if rows else when[1])))
    return found


def _beside(rows: Sequence[Ran], mine: Span | None) -> Iterator[Vertex]:
    """Those that lie inside this span or have it inside them; nearest first, so that the far ones are not looked at."""
    if mine is None:
        return
    for at in range(bisect_right(rows, mine[1], key=lambda row: row[1][0]) - 1, -1, -1):
        other, theirs, last = rows[at]
        if last < mine[0]:
            return
        if _inside(mine, theirs):
            yield other


def _inside(mine: Span, theirs: Span) -> bool:
    """Whether one of the two lies inside the other."""
    return mine[0] <= theirs[0] <= theirs[1] <= mine[1] or theirs[0] <= mine[0] <= mine[1] <= theirs[1]


def _same_work(view: View, run: Vertex, other: Vertex) -> bool:
    return set(view.out("READ", run)) == set(view.out("READ", other)) and not (
        set(view.out("RUN_OF", run)) & set(view.out("RUN_OF", other))
    )


def days_of(view: View, run: Vertex, more: int = 0) -> list[str]:
    """The UTC days on which the run is known to have run, and so many more after them. Needs the Run."""
    last = view.number(run, "seen_at")
    if last is None:
        return []
    first = min(started_at(view, run) or last, last)
    return [day_of(number * DAY_MS) for number in range(first // DAY_MS, last // DAY_MS + 1 + more)]


def day_of(moment: int) -> str:
    """The UTC day of a moment in milliseconds, as edges carry it."""
    return _day(moment // DAY_MS)


@lru_cache(maxsize=10_000)
def _day(number: int) -> str:
    return datetime.fromtimestamp(number * DAY_MS / 1000, UTC).strftime("%Y-%m-%d")


@remembered
def span(view: View, run: Vertex) -> Span | None:
    """From the run's first START to its last event, in milliseconds; a run that goes on has no end yet."""
    first, last = started_at(view, run), view.number(run, "seen_at")
    if last is None:
        return None
    end = float("inf") if run_state(view, run) == "RUNNING" else last
    return (last if first is None else first, end)

"""Rules about writing: which snapshot a run wrote.

The version on an output is the table's current one when the event was made, not the one that the run wrote:
a failed run, the inner run of REPLACE TABLE AS, a write to a branch and an ALTER all name another's. So a
version is a run's own only if nothing else could have made it; else it is unknown.
"""

from __future__ import annotations

from collections.abc import Iterable

from lineagegraph.facts import Vertex, bucket
from lineagegraph.rules.names import names_of, physical
from lineagegraph.rules.runs import days_of, one_statement, run_state, span, started_at
from lineagegraph.rules.snapshots import (
    EXACT,
    LIKELY,
    UNKNOWN,
    Snapshot,
    first_named,
    first_namer,
    rounded,
    rows_of,
    seen,
    settled,
    twins,
)
from lineagegraph.view import View, remembered

NAMES_OUTPUT = ("WROTE_NAMED", "WROTE_REPORTED")


def snapshots_written(view: View, run: Vertex) -> list[Snapshot]:
    """What the run wrote: per output the snapshot that only its statement can have made.

    R wrote S iff R completed and did not fail, R showed that it wrote (output statistics, or a commit report of
    S; a report of another snapshot shows that it wrote that one), R was the first to name S as an output, and S
    was first named by anyone after R started. The two runs of one statement share their evidence.
    Needs WROTE, WROTE_NAMED, WROTE_REPORTED out of the runs of `one_statement`; for each of these and each of its
    outputs the DatasetVersions that HOLDS out of `days_of_writers` leads to, with WROTE_NAMED, WROTE_REPORTED into
    them and WROTE_REPORTED, PARENT out of the Runs found there; and what `twins` needs for every version.
    """
    outputs = sorted({physical(view, d) for d in view.out("WROTE", run) if d.label == "Dataset"})
    family = [r for r in one_statement(view, run) if run_state(view, r) == "COMPLETE"] if outputs else []
    rows: list[Snapshot] = []
    for dataset in outputs:
        own = _own(view, family, dataset) if run in family else []
        rows += own or [Snapshot(dataset, None, UNKNOWN, None)]
    return rows


def _own(view: View, family: list[Vertex], dataset: Vertex) -> list[Snapshot]:
    """The statement's own snapshots of one output; none if nothing proves one."""
    starts = [at for run in family if (at := started_at(view, run)) is not None]
    began = max(starts, default=None)  # of the inner run, which is the one that commits
    reports = seen(view, "WROTE_REPORTED", family, dataset)
    named = {v for v in seen(view, "WROTE_NAMED", family, dataset) if _is_new(view, family, dataset, v, began)}
    certainty = EXACT if began is not None else LIKELY
    last_word = seen(view, "WROTE_NAMED", [_outer(view, family)], dataset) & named
    doubtful = bool(last_word) and last_word != named
    if doubtful:  # the inner run may name, and report again, what was there before
        named = last_word
    numbers = {rounded(report) for report in reports}
    if proven := {v for v in named if rounded(v) in numbers}:
        return rows_of({settled(view, dataset, v, certainty, "WROTE_REPORTED") for v in proven})
    if reports:
        return _only_reported(view, family, dataset, reports, began)
    if not any(_counted(view, run, dataset) for run in family) or _rivals(view, family, dataset, named):
        return []
    if doubtful:
        certainty = LIKELY
    return rows_of({settled(view, dataset, version, certainty, "WROTE_NAMED") for version in named})


def _outer(view: View, family: list[Vertex]) -> Vertex:
    """The run of a statement that ended last: it sees what the statement left behind."""
    return max(family, key=lambda run: (view.number(run, "seen_at") or 0, run))


def _only_reported(
    view: View, family: list[Vertex], dataset: Vertex, reports: Iterable[Vertex], began: int | None
) -> list[Snapshot]:
    """What only the commit report tells: a write to a branch, whose output shows the main branch's version.

    Reports are repeated on later runs of a session, so it must be the first that reports this number.
    """
    own = {
        report
        for report in reports
        if began is not None
        and _is_new(view, family, dataset, report, began)
        and all(first_namer(view, dataset, twin) in (None, *family) for twin in twins(view, dataset, report))
    }
    return rows_of({settled(view, dataset, report, LIKELY, "WROTE_REPORTED") for report in own})


def _is_new(view: View, family: list[Vertex], dataset: Vertex, version: Vertex, began: int | None) -> bool:
    """Whether this statement was the first to name the version as an output, and nobody named it before it began."""
    if first_namer(view, dataset, version) not in family:
        return False
    named = first_named(view, dataset, version)
    return began is None or (named is not None and named > began)


def _counted(view: View, run: Vertex, dataset: Vertex) -> bool:
    """Whether the run's output statistics tell of this dataset."""
    rows = view.text(run, "statistics") or ()
    return any(physical(view, view.dataset(row[0], row[1])) == dataset for row in rows)


def _rivals(view: View, family: list[Vertex], dataset: Vertex, versions: set[Vertex]) -> bool:
    """Whether another statement wrote the dataset, or may have, between the start of this one and its version.

    Two that commit at the same time both name the last snapshot, whoever made it; statistics do not tell them
    apart, only commit reports do.
    """
    since = min((s[0] for run in family if (s := span(view, run))), default=None)
    if since is None or not versions:
        return False
    until = max(first_named(view, dataset, v) or 0 for v in versions)
    kin = {*family, *(parent for run in family for parent in view.out("PARENT", run))}
    kin |= {child for run in family for child in view.into("PARENT", run)}
    days = {day for run in family for day in days_of_writers(view, run, dataset)}
    beside = (row for day in days for row in _writers_of(view, day) if row[1] <= until and row[2] >= since)
    return any(other not in kin and _may_have_written(view, other, dataset) for other, _, _ in beside)


def _may_have_written(view: View, run: Vertex, dataset: Vertex) -> bool:
    state = run_state(view, run)
    shows = seen(view, "WROTE_REPORTED", [run], dataset) or _counted(view, run, dataset)
    return state == "RUNNING" or (state == "COMPLETE" and bool(shows))


def days_of_writers(view: View, run: Vertex, dataset: Vertex) -> list[Vertex]:
    """The Buckets of the dataset, under all its names, in which those who wrote it beside this run left versions.

    They are those of the run's days and of the day after: who commits before midnight may tell of it later.
    Needs the Run and what `names_of` needs.
    """
    days = days_of(view, run, more=1)
    return [bucket(name, day) for name in sorted(names_of(view, dataset)) for day in days]


@remembered
def _writers_of(view: View, day: Vertex) -> tuple[tuple[Vertex, float, int], ...]:
    """The runs that name any version of a Bucket as an output, with their start and the last that was heard of them."""
    versions = [version for version in view.out("HOLDS", day) if version.label == "DatasetVersion"]
    runs = {run for version in versions for label in NAMES_OUTPUT for run in view.into(label, version)}
    spans = ((run, span(view, run), view.number(run, "seen_at")) for run in sorted(runs))
    return tuple((run, when[0], last) for run, when, last in spans if when is not None and last is not None)

"""Rules about one dataset: whether it is still there, and its latest version.

Each is the newest statement of a run that did not fail. Statements about an output depend on the run that made
them; what is read is there, whatever becomes of its reader.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from lineagegraph.facts import Vertex
from lineagegraph.rules.current import made
from lineagegraph.rules.names import names_of, physical
from lineagegraph.rules.runs import counts, day_of, pipeline_of, run_state
from lineagegraph.rules.snapshots import EXACT, Snapshot, settled
from lineagegraph.view import View, remembered


@dataclass(frozen=True, slots=True)
class Standing:
    """Whether a dataset is there. `at`: when that was stated (milliseconds); `now`: what it was renamed to."""

    state: Literal["exists", "dropped", "renamed"]
    at: int | None = None
    run: Vertex | None = None
    now: Vertex | None = None


@remembered
def standing(view: View, dataset: Vertex) -> Standing:
    """Whether the dataset exists, was dropped or renamed. Only what a completed run did counts; a later write revives.

    Needs, around every name of the dataset: RENAMED_TO out of it, GENERATED_BY into it, and of those Pipelines
    the Runs (through their Buckets) with WROTE and RUN_OF, if the register's own run did not complete or the
    last statement is that it is gone.
    """
    newest = latest_change(view, dataset)
    if newest.state == "exists" or not _written_since(view, dataset, newest):
        return newest
    return Standing("exists")


def latest_change(view: View, dataset: Vertex) -> Standing:
    """The newest statement on whether the dataset is there of a run that completed. Needs what `standing` needs."""
    changes = [c for c in _changes(view, dataset) if c.run is None or counts(view, c.run)]
    return max(changes, key=lambda c: (c.at or 0, c.state, c.run or dataset), default=Standing("exists"))


def _changes(view: View, dataset: Vertex) -> Iterator[Standing]:
    """Every statement on whether the dataset is there, also those that did not come true."""
    names = names_of(view, dataset)
    subjects = names | {new for name in names for new in view.out("RENAMED_TO", name)}
    for subject in sorted(subjects):
        at, said = view.stated_at(subject, "lifecycle"), view.text(subject, "lifecycle")
        if at is not None and said:
            run = Vertex("Run", (said[2],)) if said[2] else None
            yield from _change(view, dataset, subject, at, said[0], said[1], run)
        for at, change, earlier, run in _by_runs(view).get(subject, ()):
            yield from _change(view, dataset, subject, at, change, earlier, run)


@remembered
def _by_runs(view: View) -> dict[Vertex, list[tuple[int, str, list[str] | None, Vertex]]]:
    """What runs say of the lifecycle of datasets: a dataset keeps only the newest statement, each run its own."""
    found: dict[Vertex, list[tuple[int, str, list[str] | None, Vertex]]] = {}
    for run in view.all("Run"):
        for namespace, name, change, earlier in view.text(run, "lifecycle") or ():
            row = (view.stated_at(run, "lifecycle") or 0, change, earlier, run)
            found.setdefault(view.dataset(namespace, name), []).append(row)
    return found


def _change(
    view: View, dataset: Vertex, subject: Vertex, at: int, change: str, earlier: list[str] | None, run: Vertex | None
) -> Iterator[Standing]:
    """What one statement about `subject` says of the dataset."""
    about, before = physical(view, subject), physical(view, view.dataset(*earlier)) if earlier else None
    if about == dataset:
        yield Standing("dropped" if change == "DROP" else "exists", at, run)
    elif before == dataset and change == "RENAME":
        yield Standing("renamed", at, run, about)


def _written_since(view: View, dataset: Vertex, gone: Standing) -> bool:
    """Whether anything but what removed the dataset wrote it, or saw a version of it, after it was gone."""
    at = gone.at or 0
    names = names_of(view, dataset)
    seen = newest_statement(view, dataset, "version")
    if seen is not None and seen[0] > at:
        return True
    removed = {c.run for c in _changes(view, dataset) if c.state != "exists"}
    by = pipeline_of(view, gone.run) if gone.run else None
    for name in names:
        for pipeline, day in view.dated_into("GENERATED_BY", name):
            runs = [r for r in view.into("RUN_OF", pipeline) if name in view.out("WROTE", r) and r not in removed]
            if any(counts(view, run) and (view.number(run, "completed_at") or 0) > at for run in runs):
                return True
            if not runs and pipeline != by and day > day_of(at) and made(view, pipeline, dataset, day):
                return True
    return False


def latest_version(view: View, dataset: Vertex) -> Snapshot | None:
    """The dataset's latest version that anything names, None if nothing does. Evidence: `version`.

    The register holds the newest statement; if that is of a failed run about its output, the version that was
    first named last takes its place, of those that not only failed runs name.
    Needs the names of the dataset and the Run that the register names; else the DatasetVersions that HOLDS out of the
    names' Buckets leads to, with WROTE_NAMED into them and, if only failed runs name one, READ_*: these leave Runs that
    are in the Buckets of the pipelines with CONSUMES into the names, on or after the day when it was first named.
    """
    said = newest_statement(view, dataset, "version")
    if said is not None:
        return settled(view, dataset, Vertex("DatasetVersion", (*said[1].key, said[2])), EXACT, "version")
    names = {name.key for name in names_of(view, dataset)}
    known = [v for v in view.all("DatasetVersion") if v.key[:2] in names and not v.key[2].startswith("~")]
    real = [v for v in known if _is_believed(view, v)]
    newest = max(real, key=lambda v: (view.number(v, "first_named_at") or 0, v), default=None)
    return settled(view, dataset, newest, EXACT, "version") if newest else None


def _is_believed(view: View, version: Vertex) -> bool:
    if any(view.into(label, version) for label in ("READ_SCANNED", "READ_AT_START", "READ_LATER")):
        return True
    namers = view.into("WROTE_NAMED", version)
    return not namers or any(run_state(view, run) not in ("FAIL", "ABORT") for run in namers)


def newest_statement(view: View, dataset: Vertex, register: str) -> tuple[int, Vertex, str] | None:
    """(time, name, value) of the newest [value, run] statement under any name, unless that of a failed run.

    Needs the names of the dataset and the Runs that their registers name.
    """
    statements = [
        (at, name, said)
        for name in names_of(view, dataset)
        if (at := view.stated_at(name, register)) is not None and (said := view.text(name, register))
    ]
    believed = [
        (at, name, said[0])
        for at, name, said in statements
        if said[1] is None or run_state(view, Vertex("Run", (said[1],))) not in ("FAIL", "ABORT")
    ]
    return max(believed, default=None)

"""Rules about models: which count, what they were trained on, whether that can be repeated."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from lineagegraph.facts import Vertex
from lineagegraph.rules.datasets import standing
from lineagegraph.rules.lineage import consumers, targets
from lineagegraph.rules.names import physical
from lineagegraph.rules.runs import run_state
from lineagegraph.rules.snapshots import APPROXIMATE, EXACT, LIKELY, UNKNOWN, Snapshot, snapshots_read
from lineagegraph.view import View

Reproducible = Literal["yes", "no", "unknown"]
NO_SNAPSHOT = "no snapshot recorded"
GONE = "the dataset was dropped"
_REASONS = {
    UNKNOWN: NO_SNAPSHOT,
    LIKELY: "the snapshot is only likely",
    APPROXIMATE: "the snapshot's number is only approximate",
}


@dataclass(frozen=True, slots=True)
class Trained:
    """A snapshot that a model was trained on, and why that cannot be relied on (None: it can)."""

    snapshot: Snapshot
    reason: str | None


@dataclass(frozen=True, slots=True)
class Training:
    """What a model version was trained on, by which runs (none: a client states it)."""

    model: Vertex
    runs: tuple[Vertex, ...]
    trained_on: tuple[Trained, ...]
    reproducible: Reproducible


def training(view: View, model: Vertex) -> Training | None:
    """What the model version was trained on; None if it does not count.

    It counts only if a run that wrote it succeeded, or a client stated it (no run at all). It was trained on what
    that run read, with its certainty, and on what a client adds.
    Needs TRAINED_BY, TRAINED_ON out of the Model, and what `snapshots_read` needs for those runs.
    """
    runs = [run for run in view.out("TRAINED_BY", model) if not view.corrections.ignores(run)]
    good = tuple(run for run in runs if run_state(view, run) == "COMPLETE")
    if view.out("TRAINED_BY", model) and not good:
        return None
    rows = {snapshot for run in good for snapshot in snapshots_read(view, run)}
    read = {row.dataset for row in rows}
    rows |= {row for row in _stated(view, model) if row.dataset not in read}
    trained = tuple(Trained(row, _reason(view, row)) for row in sorted(rows, key=_order))
    return Training(model, good, trained, _reproducible(trained))


def trained_models(view: View, dataset: Vertex) -> list[Training]:
    """The models that were trained on a dataset, as far as they count.

    Needs TRAINED_ON into the dataset's names, and what `training` needs for each of those Models.
    """
    found = (training(view, model) for model in view.all("Model"))
    return [t for t in found if t and any(row.snapshot.dataset == dataset for row in t.trained_on)]


def is_orphan(view: View, dataset: Vertex) -> bool:
    """Whether the dataset is there and nothing uses it: no pipeline reads it, nothing was made of it, no model trained.

    Needs what `standing`, `consumers`, `targets` and `trained_models` need.
    """
    if standing(view, dataset).state != "exists" or consumers(view, dataset):
        return False
    return not any(output != dataset for output, _ in targets(view, dataset)) and not trained_models(view, dataset)


def _stated(view: View, model: Vertex) -> set[Snapshot]:
    """What the model's own edges say: a snapshot, or a dataset of which no snapshot is told."""
    ends = view.out("TRAINED_ON", model)
    named = {
        Snapshot(physical(view, Vertex("Dataset", end.key[:2])), end.key[2], _certainty(end), "TRAINED_ON")
        for end in ends
        if end.label == "DatasetVersion"
    }
    told = {row.dataset for row in named}
    bare = {physical(view, end) for end in ends if end.label == "Dataset"} - told
    return named | {Snapshot(dataset, None, UNKNOWN, None) for dataset in bare}


def _certainty(version: Vertex) -> Literal["exact", "approximate"]:
    return "approximate" if version.key[2].startswith("~") else "exact"


def _reason(view: View, row: Snapshot) -> str | None:
    if row.certainty == EXACT and standing(view, row.dataset).state == "dropped":
        return GONE
    return _REASONS.get(row.certainty)


def _reproducible(rows: tuple[Trained, ...]) -> Reproducible:
    """Yes if every snapshot is exact and still there, no if one is not known or gone; else nobody can tell."""
    if not rows:
        return "unknown"
    if any(row.reason in (NO_SNAPSHOT, GONE) for row in rows):
        return "no"
    return "unknown" if any(row.reason for row in rows) else "yes"


def _order(row: Snapshot) -> tuple[Vertex, str]:
    return row.dataset, row.version or ""

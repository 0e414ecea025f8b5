"""Who uses a dataset, and what a change of it would break: counted, with reasons and owners."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Literal

from lineagegraph import lineage, needs, rules
from lineagegraph.columns import Uses, users_of_columns
from lineagegraph.errors import LineageError
from lineagegraph.facts import Vertex
from lineagegraph.reader import Reader
from lineagegraph.view import View

Change = Literal["schema", "data", "removal"]
Severity = Literal["NONE", "LOW", "MEDIUM", "HIGH"]
ALL_LEVELS = 100
_DIRECT = {
    "schema": "reads it: its columns may no longer fit",
    "data": "reads it",
    "removal": "reads it: it would find nothing",
}


@dataclass(frozen=True, slots=True)
class Thresholds:
    """The most things affected that are still LOW, and still MEDIUM."""

    low: int = 5
    medium: int = 20

    def __post_init__(self) -> None:
        """Raises LineageError for thresholds out of order."""
        if not 0 <= self.low <= self.medium:
            raise LineageError("Thresholds are 0 or more, that of LOW not above that of MEDIUM.")

    def severity(self, affected: int) -> Severity:
        """NONE for nothing, HIGH above `medium`."""
        if affected == 0:
            return "NONE"
        return "LOW" if affected <= self.low else "MEDIUM" if affected <= self.medium else "HIGH"


@dataclass(frozen=True, slots=True)
class Affected:
    """One thing that a change affects, in how many steps, why, and who answers for it."""

    thing: Vertex
    depth: int
    reasons: tuple[str, ...]
    owners: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Impact:
    """What a change of the target affects; `cut` as in a lineage."""

    target: Vertex
    change: Change
    severity: Severity
    datasets: tuple[Affected, ...]
    pipelines: tuple[Affected, ...]
    models: tuple[Affected, ...]
    features: tuple[Affected, ...]
    cut: lineage.Cut | None

    @property
    def total(self) -> int:
        return len(self.datasets) + len(self.pipelines) + len(self.models) + len(self.features)


@dataclass(frozen=True, slots=True)
class Consumers:
    """Who uses a dataset directly: pipelines that read it, models trained on it, datasets and features made of it."""

    dataset: Vertex
    pipelines: tuple[Vertex, ...]
    models: tuple[Vertex, ...]
    datasets: tuple[Vertex, ...]
    features: tuple[Vertex, ...]
    cut: lineage.Cut | None


def consumers(reader: Reader, dataset: Vertex, all_time: bool = False) -> Consumers:
    """Who uses a dataset directly, now or ever."""
    found = lineage.downstream(reader, dataset, 1, all_time)
    readers = _readers(reader, [dataset], all_time)[dataset]
    ends = {label: _targets(found, label) for label in ("Model", "Dataset", "Feature")}
    models = {model.key[:2] for model in ends["Model"]}
    datasets = tuple(d for d in ends["Dataset"] if d.key not in models)
    return Consumers(dataset, tuple(readers), ends["Model"], datasets, ends["Feature"], found.cut)


def _targets(found: lineage.Lineage, label: str) -> tuple[Vertex, ...]:
    return tuple(sorted({step.target for step in found.steps if step.target.label == label}))


def _readers(reader: Reader, datasets: Collection[Vertex], all_time: bool = False) -> dict[Vertex, list[Vertex]]:
    needs.outputs(reader, datasets)
    every = {name for dataset in datasets for name in rules.names_of(reader.view, dataset)}
    needs.current(reader, {p for name in every for p in reader.view.into("CONSUMES", name)}, all_time)
    return {dataset: rules.consumers(reader.view, dataset, all_time) for dataset in datasets}


def impact(
    reader: Reader,
    target: Vertex,
    change: Change = "schema",
    columns: Collection[str] = (),
    thresholds: Thresholds = Thresholds(),
    depth: int = ALL_LEVELS,
) -> Impact:
    """What a change of a Dataset, Pipeline, Model or Feature affects; with `columns` only what may use those."""
    found = lineage.downstream(reader, target, depth)
    steps = [step for step in found.steps if step.target != target]
    uses: Uses | None = None
    if columns and change == "schema" and target.label == "Dataset":
        uses = users_of_columns(reader, target, columns, steps)
        steps = [step for step in steps if step.target in uses.reasons and step.source in uses.reasons]
    rows = _affected(reader, target, steps, change, uses)
    by = {label: tuple(r for r in rows if r.thing.label == label) for label in ("Dataset", "Pipeline", "Model")}
    features = tuple(row for row in rows if row.thing.label == "Feature")
    severity = thresholds.severity(len(rows))
    return Impact(target, change, severity, by["Dataset"], by["Pipeline"], by["Model"], features, found.cut)


def _affected(
    reader: Reader, target: Vertex, steps: list[lineage.Step], change: Change, uses: Uses | None
) -> list[Affected]:
    depth: dict[Vertex, int] = {}
    reasons: dict[Vertex, dict[str, None]] = {}

    def say(thing: Vertex, at: int, why: str) -> None:
        depth[thing] = min(at, depth.get(thing, at))
        reasons.setdefault(thing, {})[why] = None

    registered = {step.target.key[:2] for step in steps if step.target.label == "Model"}
    for step in steps:
        if step.target.label != "Dataset" or step.target.key not in registered:
            verb = "trained on" if step.basis == "trained" else "made of"
            why = f"{verb} {_called(reader.view, step.source)}"
            for text in uses.reasons[step.target] if uses else (why,):
                say(step.target, step.depth, text)
        for pipeline in step.pipelines:
            if pipeline != target:
                direct = step.source == target and target.label == "Dataset"
                say(pipeline, step.depth, _DIRECT[change] if direct else f"reads {_called(reader.view, step.source)}")
    if target.label == "Dataset" and uses is None:
        for pipeline in _readers(reader, [target])[target]:
            say(pipeline, 1, _DIRECT[change])
    return [Affected(t, depth[t], tuple(reasons[t]), owners(reader.view, t)) for t in sorted(depth, key=_order(depth))]


def _order(depth: dict[Vertex, int]) -> Callable[[Vertex], tuple[int, Vertex]]:
    return lambda thing: (depth[thing], thing)


def _called(view: View, thing: Vertex) -> str:
    return view.text(thing, "dataset_id") or thing.key[1] if thing.label == "Dataset" else thing.key[1]


def owners(view: View, thing: Vertex) -> tuple[str, ...]:
    """Who answers for a Dataset or Pipeline, as events say."""
    if thing.label not in ("Dataset", "Pipeline"):
        return ()
    return tuple(owner[0] for owner in view.text(thing, "owners") or ())

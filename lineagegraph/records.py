"""Answers as people read them in Python: objects with typed fields that can also be read like dictionaries."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from typing import Any

from lineagegraph import rules
from lineagegraph.around import Graph
from lineagegraph.facts import Vertex
from lineagegraph.lineage import Lineage
from lineagegraph.training import TrainingDataset
from lineagegraph.view import View

PROPERTIES = {
    "Dataset": ("dataset_id", "layer", "dataset_type", "description", "owners", "tags"),
    "Pipeline": ("pipeline_id", "version", "pipeline_type", "processing_type", "description", "owners", "tags"),
    "Model": ("model_name", "version", "framework"),
    "Feature": ("feature_view", "feature_names", "entities", "ttl"),
}


class Record(Mapping[str, Any]):
    """Fields that can be read as `record.name`, `record["name"]` and `record.get("name")`; None says: not known."""

    def __getitem__(self, key: str) -> Any:
        if key not in self:
            raise KeyError(key)
        return getattr(self, key)

    def get(self, key: str, default: Any = None) -> Any:
        """The field's value; the default also where it is not known, as a dictionary would lack it."""
        value = getattr(self, key) if key in self else None
        return default if value is None else value

    def __contains__(self, key: object) -> bool:
        return any(field.name == key for field in fields(self))  # type: ignore[arg-type]  # its kinds are dataclasses

    def __iter__(self) -> Iterator[str]:
        return iter([field.name for field in fields(self)])  # type: ignore[arg-type]  # its kinds are dataclasses

    def __len__(self) -> int:
        return len(fields(self))  # type: ignore[arg-type]  # its kinds are dataclasses


@dataclass(frozen=True, eq=False)
class DatasetRecord(Record):
    """A dataset. `version` is its latest, or in training lineage the one that was read, with its certainty."""

    dataset_id: str
    layer: str | None
    namespace: str
    name: str
    version: str | None = None
    depth: int | None = None
    certainty: str | None = None
    reason: str | None = None
    label: str = "Dataset"


@dataclass(frozen=True, eq=False)
class PipelineRecord(Record):
    """A pipeline."""

    pipeline_id: str
    version: str | None
    pipeline_type: str | None
    namespace: str
    label: str = "Pipeline"


@dataclass(frozen=True, eq=False)
class ModelRecord(Record):
    """A model version."""

    model_name: str
    version: str
    framework: str | None
    namespace: str
    label: str = "Model"


@dataclass(frozen=True, eq=False)
class Node(Record):
    """A vertex of a graph answer, by an id that edges name."""

    id: str
    label: str
    name: str
    properties: Mapping[str, Any]


@dataclass(frozen=True, eq=False)
class Line(Record):
    """An edge of a graph answer; the ends are ids of nodes, in the direction in which the graph stores it."""

    id: str
    label: str
    source: str
    target: str
    properties: Mapping[str, Any]


def layer_of(view: View, dataset: Vertex) -> str | None:
    """The layer that the dataset's name tells, else the one that a client states."""
    if told := view.text(dataset, "layer"):
        return str(told)
    tags = (tag for name in sorted(rules.names_of(view, dataset)) for tag in view.text(name, "tags") or ())
    return next((str(tag[1]) for tag in tags if tag[0] == "layer" and tag[1]), None)


def dataset_record(view: View, dataset: Vertex, depth: int | None = None) -> DatasetRecord:
    """A dataset with its latest version, as far as it is among the facts."""
    latest = rules.latest_version(view, dataset)
    return DatasetRecord(
        view.text(dataset, "dataset_id") or dataset.key[1],
        layer_of(view, dataset),
        namespace=dataset.key[0],
        name=dataset.key[1],
        version=latest.version if latest else None,
        depth=depth,
    )


def pipeline_record(view: View, pipeline: Vertex) -> PipelineRecord:
    """A pipeline."""
    namespace, name = pipeline.key
    return PipelineRecord(name, view.text(pipeline, "version"), view.text(pipeline, "pipeline_type"), namespace)


def model_record(view: View, model: Vertex) -> ModelRecord:
    """A model version."""
    namespace, name, version = model.key
    return ModelRecord(name, version, view.text(model, "framework"), namespace)


def name_of(view: View, vertex: Vertex) -> str:
    """What people call it."""
    return str((view.text(vertex, "dataset_id") if vertex.label == "Dataset" else None) or vertex.key[1])


def properties_of(view: View, vertex: Vertex) -> dict[str, Any]:
    """What is known of a vertex, by the names that the graph has for it."""
    found = {name: view.text(vertex, name) for name in PROPERTIES.get(vertex.label, ())}
    if vertex.label == "Dataset":
        latest = rules.latest_version(view, vertex)
        found |= {"layer": layer_of(view, vertex), "version": latest.version if latest else None}
    elif vertex.label == "Model":
        found["version"] = vertex.key[2]
    place = {"namespace": vertex.key[0], "name": vertex.key[1]}
    return place | {name: value for name, value in found.items() if value is not None}


def node(view: View, vertex: Vertex) -> Node:
    """A vertex of a graph answer."""
    return Node(vertex.id, vertex.label, name_of(view, vertex), properties_of(view, vertex))


def trained_record(row: TrainingDataset) -> DatasetRecord:
    """A dataset that a model was trained on."""
    namespace, name = row.dataset.key
    return DatasetRecord(
        row.dataset_id, row.layer, namespace, name, row.version, certainty=row.certainty, reason=row.reason
    )


def lines_of(found: Graph) -> tuple[Line, ...]:
    """The edges of a graph answer."""
    return tuple(Line(f"{a.id}>{label}>{b.id}", label, a.id, b.id, {}) for label, a, b in found.edges)


def reached(found: Lineage) -> dict[Vertex, int]:
    """The datasets of a walk in the order of their depth, each once and without the start."""
    depths: dict[Vertex, int] = {}
    for step in found.steps:
        for end in (step.source, step.target):
            if end != found.start and end.label == "Dataset":
                depths.setdefault(end, step.depth)
    return depths

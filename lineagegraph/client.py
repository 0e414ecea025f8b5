"""`JanusGraphClient`: the calls of the Data Lineage Tracking Guide, answered by the rules and written as facts.

Not for an event loop: it waits for the graph (`asyncio.to_thread` crosses over).
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from types import TracebackType
from typing import Any

from lineagegraph import around, lineage, training
from lineagegraph.errors import LineageError
from lineagegraph.facts import Vertex
from lineagegraph.gremlin import Connections
from lineagegraph.naming import Naming
from lineagegraph.reader import Reader
from lineagegraph.records import (
    DatasetRecord,
    Line,
    ModelRecord,
    Node,
    PipelineRecord,
    Record,
    dataset_record,
    model_record,
    node,
    pipeline_record,
)
from lineagegraph.settings import GraphSettings
from lineagegraph.statements import Statement, Version
from lineagegraph.store import GraphStore


@dataclass(frozen=True, eq=False)
class TrainingLineage(Record):
    """What a model version was trained on; `reproducible` is yes, no or unknown."""

    model: ModelRecord
    training_datasets: tuple[DatasetRecord, ...]
    upstream_pipelines: tuple[PipelineRecord, ...]
    reproducible: str


@dataclass(frozen=True, eq=False)
class Consumers(Record):
    """Who uses a dataset."""

    models: tuple[ModelRecord, ...]
    pipelines: tuple[PipelineRecord, ...]


@dataclass(frozen=True, eq=False)
class LineageGraph(Record):
    """Nodes and edges around one thing; `cut`: whether limits left something out."""

    nodes: tuple[Node, ...]
    edges: tuple[Line, ...]
    cut: bool


class JanusGraphClient:
    """A connection to one graph. Use it as a context manager, or call `connect` and `close`."""

    def __init__(
        self,
        url: str | None = None,
        settings: GraphSettings | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._settings = settings or (GraphSettings(urls=(url,)) if url else GraphSettings())
        self._clock = clock
        self._naming = Naming()
        self._store: GraphStore | None = None
        self._asked = Connections(self._settings)

    def connect(self) -> JanusGraphClient:
        """Reach the graph and check that it is ours. Raises GraphUnavailable, SchemaMismatch."""
        if self._store is None:
            naming = self._settings.naming()
            store = GraphStore(self._settings)
            try:
                store.open(naming.hash)
            except BaseException:
                with suppress(Exception):
                    store.close()
                raise
            self._naming, self._store = naming, store
        return self

    def close(self) -> None:
        """Leave the graph; `connect` comes back."""
        store, self._store = self._store, None
        if store is not None:
            store.close()
            self._asked.close()
            self._asked = Connections(self._settings)

    disconnect = close

    def __enter__(self) -> JanusGraphClient:
        return self.connect()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def add_dataset(
        self, dataset_id: str, layer: str | None = None, version: Version | None = None, namespace: str | None = None
    ) -> None:
        """State that a dataset exists, perhaps in this version (an Iceberg snapshot id)."""
        said = self._statement()
        said.dataset(dataset_id, version, layer, namespace)
        self._write(said)

    def add_pipeline_generates_dataset(
        self,
        pipeline_id: str,
        pipeline_version: Version | None,
        dataset_id: str,
        dataset_version: Version | None = None,
    ) -> None:
        """State that a pipeline writes a dataset."""
        said = self._statement()
        said.generates(said.pipeline(pipeline_id, pipeline_version), said.dataset(dataset_id, dataset_version))
        self._write(said)

    def add_pipeline_consumes_dataset(
        self,
        pipeline_id: str,
        pipeline_version: Version | None,
        dataset_id: str,
        dataset_version: Version | None = None,
    ) -> None:
        """State that a pipeline reads a dataset."""
        said = self._statement()
        said.consumes(said.pipeline(pipeline_id, pipeline_version), said.dataset(dataset_id, dataset_version))
        self._write(said)

    def add_model_trained_on_dataset(
        self,
        model_name: str,
        model_version: Version,
        dataset_id: str,
        dataset_version: Version | None = None,
        framework: str | None = None,
    ) -> None:
        """State that a model version was trained on a dataset, in that version of it if one is given."""
        said = self._statement()
        said.trained(said.model(model_name, model_version, framework), said.dataset(dataset_id), dataset_version)
        self._write(said)

    def add_dataset_derived_from(
        self, target_dataset_id: str, source_dataset_id: str, transformation: str | None = None
    ) -> None:
        """State that a dataset was made of another; with a transformation that is a promotion, described by it."""
        said = self._statement()
        if transformation is None:
            said.derived(said.dataset(target_dataset_id), said.dataset(source_dataset_id))
        else:
            said.promotion(source_dataset_id, target_dataset_id, transformation)
        self._write(said)

    def add_pipeline_produces_feature(
        self,
        pipeline_id: str,
        pipeline_version: Version | None,
        feature_view: str,
        feature_names: Sequence[str] = (),
    ) -> None:
        """State that a pipeline makes a feature view."""
        said = self._statement()
        said.feature(said.pipeline(pipeline_id, pipeline_version), feature_view, feature_names)
        self._write(said)

    def record_pipeline_execution(
        self,
        pipeline_id: str,
        pipeline_version: Version | None,
        input_datasets: Sequence[str],
        output_datasets: Sequence[str],
        run_id: str | None = None,
    ) -> None:
        """State one completed run of a pipeline. Give a run id to repeat the call safely."""
        said = self._statement()
        pipeline = said.pipeline(pipeline_id, pipeline_version)
        inputs, outputs = ([said.dataset(text) for text in many] for many in (input_datasets, output_datasets))
        said.execution(pipeline, run_id or str(uuid.uuid4()), inputs, outputs)
        self._write(said)

    def record_model_training(
        self,
        model_name: str,
        model_version: Version,
        training_datasets: Sequence[str],
        dataset_versions: Sequence[Version | None] = (),
        framework: str | None = None,
    ) -> None:
        """State what a model version was trained on, the versions in the order of the datasets."""
        if len(dataset_versions) > len(training_datasets):
            raise LineageError("There are more dataset versions than training datasets.")
        said = self._statement()
        model = said.model(model_name, model_version, framework)
        missing = [None] * (len(training_datasets) - len(dataset_versions))
        for dataset_id, version in zip(training_datasets, (*dataset_versions, *missing), strict=True):
            said.trained(model, said.dataset(dataset_id), version)
        self._write(said)

    def record_dataset_promotion(
        self, source_dataset: str, target_dataset: str, transformation: str | None = None
    ) -> None:
        """State that a dataset went up a layer."""
        said = self._statement()
        said.promotion(source_dataset, target_dataset, transformation)
        self._write(said)

    def get_upstream_datasets(
        self, dataset_id: str, max_depth: int = 10, namespace: str | None = None
    ) -> list[DatasetRecord]:
        """Every dataset that this one was made of, nearest first. Raises NotFound, Ambiguous."""
        return self._reached(lineage.upstream, dataset_id, max_depth, namespace)

    def get_downstream_datasets(
        self, dataset_id: str, max_depth: int = 10, namespace: str | None = None
    ) -> list[DatasetRecord]:
        """Every dataset that was made of this one, nearest first. Raises NotFound, Ambiguous."""
        return self._reached(lineage.downstream, dataset_id, max_depth, namespace)

    def get_model_training_lineage(
        self,
        model_name: str,
        version: Version | None = None,
        *,
        model_version: Version | None = None,
        namespace: str | None = None,
    ) -> TrainingLineage:
        """What a model version was trained on; without a version the newest. Raises NotFound, Ambiguous."""
        reader = self._reader()
        wanted = version if version is not None else model_version
        found = training.model_lineage(reader, model_name, wanted, namespace)
        view = reader.view
        return TrainingLineage(
            model_record(view, found.model),
            tuple(trained(row) for row in found.trained_on),
            tuple(pipeline_record(view, pipeline) for pipeline in found.pipelines),
            found.reproducible,
        )

    def get_dataset_consumers(self, dataset_id: str, namespace: str | None = None) -> Consumers:
        """The models that were trained on a dataset and the pipelines that read it. Raises NotFound, Ambiguous."""
        reader = self._reader()
        found = around.users(reader, lineage.find_dataset(reader, dataset_id, namespace))
        return Consumers(
            tuple(model_record(reader.view, model) for model in found.models),
            tuple(pipeline_record(reader.view, pipeline) for pipeline in found.readers),
        )

    def get_pipeline_outputs(self, pipeline_id: str, namespace: str | None = None) -> list[DatasetRecord]:
        """The datasets that a pipeline writes. Raises NotFound, Ambiguous."""
        reader = self._reader()
        found = around.pipeline_ends(reader, around.find_pipeline(reader, pipeline_id, namespace))
        return [dataset_record(reader.view, dataset) for dataset in found.outputs]

    def get_full_lineage_graph(
        self, node_id: str, node_type: str = "Dataset", depth: int = 3, namespace: str | None = None
    ) -> LineageGraph:
        """Everything up and down from a Dataset, Pipeline or Model. Raises NotFound, Ambiguous."""
        reader = self._reader()
        found = around.graph(reader, find(reader, node_type, node_id, namespace), depth)
        return LineageGraph(tuple(node(reader.view, v) for v in found.nodes), lines_of(found), found.cut)

    def _reached(
        self, walk: Callable[[Reader, Vertex, int], lineage.Lineage], name: str, depth: int, namespace: str | None
    ) -> list[DatasetRecord]:
        reader = self._reader()
        start = lineage.find_dataset(reader, name, namespace)
        return [dataset_record(reader.view, d, at) for d, at in reached(walk(reader, start, depth)).items()]

    def _connected(self) -> GraphStore:
        if self._store is None:
            raise LineageError("The client is not connected: call connect(), or use it in a `with` statement.")
        return self._store

    def _reader(self) -> Reader:
        self._connected()
        return Reader(self._asked.ask)

    def _statement(self) -> Statement:
        self._connected()
        return Statement(self._naming, int(self._clock() * 1000))

    def _write(self, said: Statement) -> None:
        self._connected().write(said.facts)


def reached(found: lineage.Lineage) -> dict[Vertex, int]:
    """The datasets of a walk in the order of their depth, each once and without the start."""
    depths: dict[Vertex, int] = {}
    for step in found.steps:
        for end in (step.source, step.target):
            if end != found.start and end.label == "Dataset":
                depths.setdefault(end, step.depth)
    return depths


def find(reader: Reader, label: str, name: str, namespace: str | None = None, version: Any = None) -> Vertex:
    """A thing by its label and name. Raises NotFound, Ambiguous, LineageError for a label that has no lineage."""
    match label.lower():
        case "dataset":
            return lineage.find_dataset(reader, name, namespace)
        case "pipeline":
            return around.find_pipeline(reader, name, namespace)
        case "model":
            return training.find_model(reader, name, version, namespace)
    raise LineageError(f"{label!r} has no lineage of its own. Ask for a Dataset, Pipeline or Model.")


def trained(row: training.TrainingDataset) -> DatasetRecord:
    """A dataset that a model was trained on."""
    namespace, name = row.dataset.key
    return DatasetRecord(
        row.dataset_id, row.layer, namespace, name, row.version, certainty=row.certainty, reason=row.reason
    )


def lines_of(found: around.Graph) -> tuple[Line, ...]:
    """The edges of a graph answer."""
    return tuple(Line(f"{a.id}>{label}>{b.id}", label, a.id, b.id, {}) for label, a, b in found.edges)

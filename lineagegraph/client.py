"""`JanusGraphClient`: the calls of the Data Lineage Tracking Guide, answered by the rules and written as facts.

Not for an event loop: it waits for the graph (`asyncio.to_thread` crosses over).
"""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from types import TracebackType

from lineagegraph import around, lineage, training
from lineagegraph.errors import LineageError
from lineagegraph.facts import Vertex
from lineagegraph.finding import find
from lineagegraph.gremlin import Connections
from lineagegraph.lineage import When
from lineagegraph.moments import millis
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
    lines_of,
    model_record,
    node,
    pipeline_record,
    reached,
    trained_record,
)
from lineagegraph.settings import GraphSettings
from lineagegraph.statements import Statement, Version
from lineagegraph.stating import Stating
from lineagegraph.store import GraphStore

Walk = Callable[[Reader, Vertex, int, bool, int | None], lineage.Lineage]


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


class JanusGraphClient(Stating):
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

    def get_upstream_datasets(
        self,
        dataset_id: str,
        max_depth: int = 10,
        namespace: str | None = None,
        all_time: bool = False,
        as_of: datetime | None = None,
    ) -> list[DatasetRecord]:
        """Every dataset that this one is (was ever, was then) made of, nearest first. Raises NotFound, Ambiguous."""
        return self._reached(lineage.upstream, dataset_id, max_depth, namespace, When(all_time, millis(as_of)))

    def get_downstream_datasets(
        self,
        dataset_id: str,
        max_depth: int = 10,
        namespace: str | None = None,
        all_time: bool = False,
        as_of: datetime | None = None,
    ) -> list[DatasetRecord]:
        """Every dataset that is (was ever, was then) made of this one, nearest first. Raises NotFound, Ambiguous."""
        return self._reached(lineage.downstream, dataset_id, max_depth, namespace, When(all_time, millis(as_of)))

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
            tuple(trained_record(row) for row in found.trained_on),
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
        self,
        node_id: str,
        node_type: str = "Dataset",
        depth: int = 3,
        namespace: str | None = None,
        all_time: bool = False,
        as_of: datetime | None = None,
    ) -> LineageGraph:
        """Everything up and down from a Dataset, Pipeline, Model or Feature. Raises NotFound, Ambiguous."""
        reader = self._reader()
        found = around.graph(reader, find(reader, node_type, node_id, namespace), depth, all_time, millis(as_of))
        return LineageGraph(tuple(node(reader.view, v) for v in found.nodes), lines_of(found), found.cut)

    def _reached(self, walk: Walk, name: str, depth: int, namespace: str | None, when: When) -> list[DatasetRecord]:
        reader = self._reader()
        found = walk(reader, lineage.find_dataset(reader, name, namespace), depth, when.all_time, when.as_of)
        return [dataset_record(reader.view, dataset, at) for dataset, at in reached(found).items()]

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

"""The calls of the Data Lineage Tracking Guide that state something, as facts of the kind that events become."""

from __future__ import annotations

import uuid
from abc import ABC, abstractmethod
from collections.abc import Sequence

from lineagegraph.errors import LineageError
from lineagegraph.statements import Statement, Version


class Stating(ABC):
    """Whoever can write a statement, with the guide's names for what can be stated."""

    @abstractmethod
    def _statement(self) -> Statement:
        """An empty statement, made now."""

    @abstractmethod
    def _write(self, said: Statement) -> None:
        """Write it; it is acknowledged. Raises GraphUnavailable."""

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

"""The statements of the GraphQL schema."""

from __future__ import annotations

import uuid

import strawberry

from lineagegraph.api.arguments import BadArgument, Version, few
from lineagegraph.api.question import Asking
from lineagegraph.facts import Vertex
from lineagegraph.statements import Statement

Info = strawberry.Info[Asking, None]


@strawberry.type
class Mutation:
    """Statements to the lineage graph. True: the graph has acknowledged it."""

    @strawberry.mutation
    async def record_pipeline_execution(
        self,
        info: Info,
        pipeline_id: str,
        pipeline_version: Version,
        input_datasets: list[str],
        output_datasets: list[str],
        run_id: str | None = None,
    ) -> bool:
        """One completed run of a pipeline. Give a run id to repeat this safely."""

        read, wrote = few(input_datasets, "inputDatasets"), few(output_datasets, "outputDatasets")

        def say(said: Statement) -> None:
            pipeline = said.pipeline(pipeline_id, pipeline_version)
            inputs, outputs = (list(map(said.dataset, many)) for many in (read, wrote))
            said.execution(pipeline, run_id or str(uuid.uuid4()), inputs, outputs)

        await info.context.state(say)
        return True

    @strawberry.mutation
    async def record_model_training(
        self,
        info: Info,
        model_name: str,
        model_version: Version,
        training_datasets: list[str],
        dataset_versions: list[Version | None] | None = None,
        framework: str | None = None,
    ) -> bool:
        """What a model version was trained on, the versions in the order of the datasets."""
        datasets = few(training_datasets, "trainingDatasets")
        versions = list(dataset_versions or ())
        if len(versions) > len(datasets):
            raise BadArgument("There are more dataset versions than training datasets.")
        versions += [None] * (len(datasets) - len(versions))

        def say(said: Statement) -> None:
            model: Vertex = said.model(model_name, model_version, framework)
            for dataset_id, version in zip(datasets, versions, strict=True):
                said.trained(model, said.dataset(dataset_id), version)

        await info.context.state(say)
        return True

    @strawberry.mutation
    async def record_dataset_promotion(
        self, info: Info, source_dataset: str, target_dataset: str, transformation: str | None = None
    ) -> bool:
        """A dataset went up a layer."""
        await info.context.state(lambda said: said.promotion(source_dataset, target_dataset, transformation))
        return True

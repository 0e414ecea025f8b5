"""The GraphQL schema and its questions by the guide's names. `schema.graphql` beside it is what they amount to."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import strawberry
from strawberry.schema.config import StrawberryConfig
from strawberry.types import ExecutionContext

from lineagegraph import around, impact, lineage, training
from lineagegraph.answers import run_answer
from lineagegraph.api import limits
from lineagegraph.api.arguments import VERSION, BadArgument, Version, few, steps
from lineagegraph.api.further import Further
from lineagegraph.api.impact import ImpactAnalysis, Run
from lineagegraph.api.letters import MILLISECONDS, Milliseconds, OfLetters
from lineagegraph.api.listing import Listing
from lineagegraph.api.question import Asking
from lineagegraph.api.stating import Mutation
from lineagegraph.api.types import DatasetLineage, LineageGraph, ModelLineage, PipelineLineage, latest
from lineagegraph.finding import find
from lineagegraph.moments import millis
from lineagegraph.reader import Reader
from lineagegraph.records import layer_of, name_of

CHANGES: dict[str, impact.Change] = {"schema": "schema", "data": "data", "removal": "removal"}
Info = strawberry.Info[Asking, None]


@strawberry.type
class Query(Further, Listing, OfLetters):
    """Questions to the lineage graph."""

    @strawberry.field
    async def dataset_lineage(
        self,
        info: Info,
        dataset_id: str,
        depth: int = 5,
        namespace: str | None = None,
        all_time: bool = False,
        as_of: datetime | None = None,
    ) -> DatasetLineage:
        """The lineage (now, ever, as of then) of a dataset by its dataset_id, or with a namespace by its whole name."""
        question, depth = info.context.question(), steps(depth)

        def begin(reader: Reader) -> DatasetLineage:
            start = lineage.find_dataset(reader, dataset_id, namespace)
            view = reader.view
            return DatasetLineage(
                question=question,
                start=start,
                depth=depth,
                when=lineage.When(all_time, millis(as_of)),
                dataset_id=name_of(view, start),
                namespace=start.key[0],
                name=start.key[1],
                layer=layer_of(view, start),
                version=latest(view, start),
            )

        return await question.ask("start", begin)

    @strawberry.field
    async def model_lineage(
        self, info: Info, model_name: str, model_version: Version | None = None, namespace: str | None = None
    ) -> ModelLineage:
        """What a model version was trained on; without a version the one trained last."""
        question = info.context.question()
        found = await question.ask("model", lambda r: training.model_lineage(r, model_name, model_version, namespace))
        return ModelLineage(
            question=question,
            found=found,
            model_name=found.name,
            model_version=Version(found.version),
            namespace=found.model.key[0],
            framework=found.framework,
        )

    @strawberry.field
    async def pipeline_lineage(
        self,
        info: Info,
        pipeline_id: str,
        pipeline_version: Version | None = None,
        namespace: str | None = None,
    ) -> PipelineLineage:
        """What a pipeline reads and writes now. Its lineage is that of its latest version; another is an error."""
        question = info.context.question()

        def begin(reader: Reader) -> PipelineLineage:
            start = around.find_pipeline(reader, pipeline_id, namespace)
            known = reader.view.text(start, "version")
            if pipeline_version is not None and known is not None and pipeline_version != known:
                raise BadArgument(f"The latest version of this pipeline is {known}; only that one's lineage is kept.")
            return PipelineLineage(
                question=question,
                start=start,
                found=around.pipeline_ends(reader, start),
                pipeline_id=start.key[1],
                namespace=start.key[0],
                pipeline_version=Version(known) if known else None,
                pipeline_type=reader.view.text(start, "pipeline_type"),
            )

        return await question.ask("start", begin)

    @strawberry.field
    async def lineage_graph(
        self,
        info: Info,
        node_id: str,
        node_type: str = "Dataset",
        depth: int = 3,
        namespace: str | None = None,
        all_time: bool = False,
        as_of: datetime | None = None,
    ) -> LineageGraph:
        """Everything up and down from a Dataset, Pipeline, Model or Feature, now, ever, or as of then."""
        question, depth = info.context.question(), steps(depth)

        def begin(reader: Reader) -> around.Graph:
            start = find(reader, node_type, node_id, namespace)
            return around.graph(reader, start, depth, all_time, millis(as_of))

        found = await question.ask("graph", begin)
        return LineageGraph(
            question=question,
            found=found,
            node_count=len(found.nodes),
            edge_count=len(found.edges),
            cut=found.cut,
        )

    @strawberry.field
    async def impact_analysis(
        self,
        info: Info,
        dataset_id: str,
        change_type: str = "schema",
        columns: list[str] | None = None,
        namespace: str | None = None,
        low: int = 5,
        medium: int = 20,
    ) -> ImpactAnalysis:
        """What a change (schema, data, removal) of a dataset affects; of a schema change perhaps only these columns.

        `low` and `medium`: how many affected things are at most LOW and MEDIUM.
        """
        question = info.context.question()
        change, fields = CHANGES.get(change_type.lower()), few(columns, "columns")
        thresholds = impact.Thresholds(low, medium)
        if change is None:
            raise BadArgument(f"`changeType` is one of {', '.join(CHANGES)}.")

        def begin(reader: Reader) -> impact.Impact:
            dataset = lineage.find_dataset(reader, dataset_id, namespace)
            return impact.impact(reader, dataset, change, fields, thresholds)

        return ImpactAnalysis(question=question, found=await question.ask("impact", begin))

    @strawberry.field
    async def run(self, info: Info, run_id: str) -> Run:
        """One run: its state, and the snapshots that it read and wrote."""
        question = info.context.question()

        def work(reader: Reader) -> dict[str, Any]:
            known = lineage.find_run(reader, run_id)
            return run_answer(reader.view, known)

        found = await question.ask("run", work)
        return Run(found=found, run_id=found["run"], state=found["state"], pipeline=found["pipeline"])


class _Schema(strawberry.Schema):
    def process_errors(self, errors: list[Any], execution_context: ExecutionContext | None = None) -> None:
        """Nothing: whoever answers the request decides what is told and what is logged."""


SCHEMA = _Schema(
    Query,
    Mutation,
    config=StrawberryConfig(scalar_map={Version: VERSION, Milliseconds: MILLISECONDS}, sort_schema=True),
)

for _type in SCHEMA._schema.type_map.values():
    for _name, _field in getattr(_type, "fields", {}).items():
        if (_first := getattr(_field, "args", {}).get("first")) is not None:
            limits.LISTS[_name] = max(limits.LISTS.get(_name, 0), _first.default_value)

"""Further questions about one thing; their answers are JSON, the same that the command line gives with --json."""

from __future__ import annotations

from typing import Any, Literal

import strawberry
from strawberry.scalars import JSON

from lineagegraph import around, audit, history, impact, lineage, provenance
from lineagegraph.api.arguments import MOST, Version, few, first_of, steps
from lineagegraph.api.listing import Info, asked, asked_in_part
from lineagegraph.columns import column_lineage as column_walk
from lineagegraph.reader import Reader


@strawberry.type
class Further:
    """Questions whose answers are JSON.

    Where a page ends, `after` of the answer is what to ask the next one with; answers without `after` are worked out
    as a whole, and `first` and `offset` choose a part of each list in them.
    """

    @strawberry.field
    async def snapshot_provenance(
        self,
        info: Info,
        dataset_id: str,
        version: Version,
        depth: int = 10,
        namespace: str | None = None,
        first: int = MOST,
        offset: int = 0,
    ) -> JSON:
        """Every snapshot that this one was made of, and by which runs, with certainty."""
        steps(depth)

        def work(reader: Reader) -> Any:
            return provenance.provenance(reader, lineage.find_dataset(reader, dataset_id, namespace), version, depth)

        return await asked_in_part(info, work, ("writers", "origins", "ends"), first, offset)

    @strawberry.field
    async def column_lineage(
        self,
        info: Info,
        dataset_id: str,
        columns: list[str] | None = None,
        downstream: bool = False,
        depth: int = 5,
        namespace: str | None = None,
        first: int = MOST,
        offset: int = 0,
    ) -> JSON:
        """What columns (all, if none are given) were made of, or what was made of them, with the transformations."""
        steps(depth)
        fields = few(columns, "columns")
        way: Literal["upstream", "downstream"] = "downstream" if downstream else "upstream"

        def work(reader: Reader) -> Any:
            dataset = lineage.find_dataset(reader, dataset_id, namespace)
            return column_walk(reader, dataset, fields, way, depth)

        return await asked_in_part(info, work, ("fields", "steps"), first, offset)

    @strawberry.field
    async def pipeline_runs(
        self,
        info: Info,
        pipeline_id: str,
        first: int = 50,
        after: str | None = None,
        namespace: str | None = None,
    ) -> JSON:
        """The runs of a pipeline, newest first."""
        first_of(first)
        return await asked(
            info, lambda r: history.runs(r, around.find_pipeline(r, pipeline_id, namespace), first, after)
        )

    @strawberry.field
    async def dataset_versions(
        self,
        info: Info,
        dataset_id: str,
        first: int = 50,
        after: str | None = None,
        namespace: str | None = None,
    ) -> JSON:
        """The versions of a dataset, newest first, and which runs wrote them."""
        first_of(first)
        return await asked(
            info, lambda r: history.versions(r, lineage.find_dataset(r, dataset_id, namespace), first, after)
        )

    @strawberry.field
    async def dataset_schemas(
        self, info: Info, dataset_id: str, namespace: str | None = None, first: int = MOST, offset: int = 0
    ) -> JSON:
        """Every schema that a dataset has had, and its columns now."""

        def work(reader: Reader) -> Any:
            return history.schemas(reader, lineage.find_dataset(reader, dataset_id, namespace))

        return await asked_in_part(info, work, ("schemas",), first, offset)

    @strawberry.field
    async def schema_drift(
        self,
        info: Info,
        dataset_id: str,
        old: str | None = None,
        new: str | None = None,
        namespace: str | None = None,
    ) -> JSON:
        """What changed between two schemas, by (the beginning of) their hashes; the last two if none is given."""
        return await asked(info, lambda r: history.drift(r, lineage.find_dataset(r, dataset_id, namespace), old, new))

    @strawberry.field
    async def dataset_consumers(
        self,
        info: Info,
        dataset_id: str,
        all_time: bool = False,
        namespace: str | None = None,
        first: int = MOST,
        offset: int = 0,
    ) -> JSON:
        """Who uses a dataset directly: pipelines, models, datasets and features; with `allTime` also who once did."""

        def work(reader: Reader) -> Any:
            return impact.consumers(reader, lineage.find_dataset(reader, dataset_id, namespace), all_time)

        return await asked_in_part(info, work, ("pipelines", "models", "datasets", "features"), first, offset)

    @strawberry.field
    async def model_audit(
        self,
        info: Info,
        model_name: str,
        model_version: Version | None = None,
        namespace: str | None = None,
        first: int = MOST,
        offset: int = 0,
    ) -> JSON:
        """The audit report on a model version: what it was trained on, whether that can be read again, and how."""
        at = info.context.now()

        def work(reader: Reader) -> Any:
            return audit.as_json(audit.audit(reader, at, model_name, model_version, namespace))

        return await asked_in_part(info, work, ("training_datasets", "training_runs", "pipelines"), first, offset)

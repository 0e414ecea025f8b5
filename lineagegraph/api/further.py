"""Further questions about one thing; their answers are JSON, the same that the command line gives with --json."""

from __future__ import annotations

import time
from typing import Any, Literal

import strawberry
from strawberry.scalars import JSON

from lineagegraph import around, audit, history, impact, lineage, provenance
from lineagegraph.api.arguments import Version, few, first_of, steps
from lineagegraph.api.listing import Info, asked
from lineagegraph.columns import column_lineage as column_walk
from lineagegraph.reader import Reader


@strawberry.type
class Further:
    """Questions whose answers are JSON. Where a page ends, `after` of the answer is what to ask the next one with."""

    @strawberry.field
    async def snapshot_provenance(
        self, info: Info, dataset_id: str, version: Version, depth: int = 10, namespace: str | None = None
    ) -> JSON:
        """Every snapshot that this one was made of, and by which runs, with certainty."""
        steps(depth)
        return await asked(
            info,
            lambda r: provenance.provenance(r, lineage.find_dataset(r, dataset_id, namespace), version, depth),
        )

    @strawberry.field
    async def column_lineage(
        self,
        info: Info,
        dataset_id: str,
        columns: list[str] | None = None,
        downstream: bool = False,
        depth: int = 5,
        namespace: str | None = None,
    ) -> JSON:
        """What columns (all, if none are given) were made of, or what was made of them, with the transformations."""
        steps(depth)
        fields = few(columns, "columns")
        way: Literal["upstream", "downstream"] = "downstream" if downstream else "upstream"

        def work(reader: Reader) -> Any:
            dataset = lineage.find_dataset(reader, dataset_id, namespace)
            return column_walk(reader, dataset, fields, way, depth)

        return await asked(info, work)

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
    async def dataset_schemas(self, info: Info, dataset_id: str, namespace: str | None = None) -> JSON:
        """Every schema that a dataset has had, and its columns now."""
        return await asked(info, lambda r: history.schemas(r, lineage.find_dataset(r, dataset_id, namespace)))

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
        self, info: Info, dataset_id: str, all_time: bool = False, namespace: str | None = None
    ) -> JSON:
        """Who uses a dataset directly: pipelines, models, datasets and features; with `allTime` also who once did."""
        return await asked(
            info, lambda r: impact.consumers(r, lineage.find_dataset(r, dataset_id, namespace), all_time)
        )

    @strawberry.field
    async def model_audit(
        self, info: Info, model_name: str, model_version: Version | None = None, namespace: str | None = None
    ) -> JSON:
        """The audit report on a model version: what it was trained on, whether that can be read again, and how."""
        at = int(time.time() * 1000)
        return await asked(info, lambda r: audit.as_json(audit.audit(r, at, model_name, model_version, namespace)))

"""What a change breaks, and how a run went: further types of the GraphQL schema."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import strawberry
from strawberry.scalars import JSON

from lineagegraph import impact
from lineagegraph.api.arguments import Version, page
from lineagegraph.api.nodes import LineageNode, node
from lineagegraph.api.question import Question


@strawberry.type
class ImpactAnalysis:
    """What a change of a dataset affects; each node tells why, in how many steps and who answers for it."""

    question: strawberry.Private[Question]
    found: strawberry.Private[impact.Impact]

    @strawberry.field
    def total_affected(self) -> int:
        return self.found.total

    @strawberry.field
    def severity(self) -> str:
        """NONE for nothing, LOW up to `low`, MEDIUM up to `medium`, HIGH above."""
        return self.found.severity

    @strawberry.field
    def change_type(self) -> str:
        return self.found.change

    @strawberry.field
    def cut(self) -> bool:
        return self.found.cut is not None

    @strawberry.field
    def target_node(self) -> LineageNode:
        return node(self.question.reader.view, self.found.target)

    def _nodes(self, rows: Iterable[impact.Affected], first: int, offset: int) -> list[LineageNode]:
        view = self.question.reader.view
        return [
            node(view, row.thing, depth=row.depth, reasons=list(row.reasons), owners=list(row.owners))
            for row in page(rows, first, offset)
        ]

    @strawberry.field
    def affected_datasets(self, first: int = 100, offset: int = 0) -> list[LineageNode]:
        return self._nodes(self.found.datasets, first, offset)

    @strawberry.field
    def affected_pipelines(self, first: int = 100, offset: int = 0) -> list[LineageNode]:
        return self._nodes(self.found.pipelines, first, offset)

    @strawberry.field
    def affected_models(self, first: int = 100, offset: int = 0) -> list[LineageNode]:
        return self._nodes(self.found.models, first, offset)

    @strawberry.field
    def affected_features(self, first: int = 100, offset: int = 0) -> list[LineageNode]:
        return self._nodes(self.found.features, first, offset)


@strawberry.type
class Snapshot:
    """A version of a dataset that a run read or wrote, with its certainty and evidence."""

    namespace: str
    name: str
    version: Version | None
    certainty: str
    evidence: str | None


@strawberry.type
class Run:
    """One run, and the snapshots that it read and wrote."""

    found: strawberry.Private[Mapping[str, Any]]
    run_id: str
    state: str
    pipeline: JSON | None

    @strawberry.field
    def read(self, first: int = 1000, offset: int = 0) -> list[Snapshot]:
        return [Snapshot(**row) for row in page(self.found["read"], first, offset)]

    @strawberry.field
    def wrote(self, first: int = 1000, offset: int = 0) -> list[Snapshot]:
        return [Snapshot(**row) for row in page(self.found["wrote"], first, offset)]

"""The types of the GraphQL schema, by the guide's field names."""

from __future__ import annotations

import strawberry
from strawberry.scalars import JSON

from lineagegraph import around, lineage, rules, training
from lineagegraph.api.arguments import Version, page
from lineagegraph.api.nodes import Cut, LineageEdge, LineageNode, cut_of, node
from lineagegraph.api.question import Question
from lineagegraph.facts import Vertex
from lineagegraph.records import lines_of, reached
from lineagegraph.view import View


@strawberry.type
class DatasetLineage:
    """What a dataset was made of and what was made of it, in at most `depth` steps."""

    question: strawberry.Private[Question]
    start: strawberry.Private[Vertex]
    depth: strawberry.Private[int]
    when: strawberry.Private[lineage.When]
    dataset_id: str
    namespace: str
    name: str
    layer: str | None
    version: Version | None

    async def _found(self, way: str) -> lineage.Lineage:
        walk = lineage.upstream if way == "upstream" else lineage.downstream
        all_time, as_of = self.when.all_time, self.when.as_of
        return await self.question.ask(way, lambda reader: walk(reader, self.start, self.depth, all_time, as_of))

    async def _walk(self, way: str) -> dict[Vertex, int]:
        return reached(await self._found(way))

    async def _cut(self, way: str) -> Cut | None:
        return cut_of(self.question.reader.view, (await self._found(way)).cut)

    async def _nodes(self, way: str, first: int, offset: int) -> list[LineageNode]:
        found = page((await self._walk(way)).items(), first, offset)
        view = self.question.reader.view
        return [node(view, dataset, depth=depth) for dataset, depth in found]

    async def _users(self) -> around.Users:
        return await self.question.ask("users", lambda reader: around.users(reader, self.start))

    @strawberry.field
    async def upstream_count(self) -> int:
        return len(await self._walk("upstream"))

    @strawberry.field
    async def downstream_count(self) -> int:
        return len(await self._walk("downstream"))

    @strawberry.field
    async def upstream_cut(self) -> Cut | None:
        """What limits left out upstream; null: nothing."""
        return await self._cut("upstream")

    @strawberry.field
    async def downstream_cut(self) -> Cut | None:
        """What limits left out downstream; null: nothing."""
        return await self._cut("downstream")

    @strawberry.field
    async def upstream_datasets(self, first: int = 100, offset: int = 0) -> list[LineageNode]:
        return await self._nodes("upstream", first, offset)

    @strawberry.field
    async def downstream_datasets(self, first: int = 100, offset: int = 0) -> list[LineageNode]:
        return await self._nodes("downstream", first, offset)

    @strawberry.field
    async def generating_pipelines(self, first: int = 100, offset: int = 0) -> list[LineageNode]:
        found = page((await self._users()).makers, first, offset)
        return [node(self.question.reader.view, pipeline) for pipeline in found]

    @strawberry.field
    async def consuming_pipelines(self, first: int = 100, offset: int = 0) -> list[LineageNode]:
        found = page((await self._users()).readers, first, offset)
        return [node(self.question.reader.view, pipeline) for pipeline in found]

    @strawberry.field
    async def consuming_models(self, first: int = 100, offset: int = 0) -> list[LineageNode]:
        found = page((await self._users()).models, first, offset)
        return [node(self.question.reader.view, model) for model in found]


@strawberry.type
class ModelLineage:
    """What a model version was trained on. `isReproducible` is null where nobody can tell."""

    question: strawberry.Private[Question]
    found: strawberry.Private[training.ModelLineage]
    model_name: str
    model_version: Version
    namespace: str
    framework: str | None

    @strawberry.field
    def is_reproducible(self) -> bool | None:
        return {"yes": True, "no": False}.get(self.found.reproducible)

    @strawberry.field
    def training_datasets(self, first: int = 100, offset: int = 0) -> list[LineageNode]:
        view = self.question.reader.view
        return [
            node(
                view,
                row.dataset,
                version=row.version,
                certainty=row.certainty,
                reason=row.reason,
                timeTravel=row.sql,
            )
            for row in page(self.found.trained_on, first, offset)
        ]

    @strawberry.field
    def upstream_pipelines(self, first: int = 100, offset: int = 0) -> list[LineageNode]:
        found = page(self.found.pipelines, first, offset)
        return [node(self.question.reader.view, pipeline) for pipeline in found]

    @strawberry.field
    def dataset_snapshots(self, first: int = 1000, offset: int = 0) -> list[str]:
        return page([row.version for row in self.found.trained_on if row.version is not None], first, offset)

    @strawberry.field
    def cut(self) -> Cut | None:
        """What limits left out of `upstreamPipelines`; null: nothing."""
        return cut_of(self.question.reader.view, self.found.upstream.cut)


@strawberry.type
class PipelineLineage:
    """What a pipeline reads and writes now."""

    question: strawberry.Private[Question]
    start: strawberry.Private[Vertex]
    found: strawberry.Private[around.PipelineEnds]
    pipeline_id: str
    namespace: str
    pipeline_version: Version | None
    pipeline_type: str | None

    @strawberry.field
    def input_datasets(self, first: int = 100, offset: int = 0) -> list[LineageNode]:
        return [node(self.question.reader.view, d) for d in page(self.found.inputs, first, offset)]

    @strawberry.field
    def output_datasets(self, first: int = 100, offset: int = 0) -> list[LineageNode]:
        return [node(self.question.reader.view, d) for d in page(self.found.outputs, first, offset)]

    @strawberry.field
    def features(self, first: int = 100, offset: int = 0) -> list[LineageNode]:
        return [node(self.question.reader.view, d) for d in page(self.found.features, first, offset)]

    @strawberry.field
    async def downstream_models(self, first: int = 100, offset: int = 0) -> list[LineageNode]:
        found = await self.question.ask("below", lambda reader: lineage.downstream(reader, self.start, 5))
        models = sorted({step.target for step in found.steps if step.target.label == "Model"})
        return [node(self.question.reader.view, model) for model in page(models, first, offset)]


@strawberry.type
class LineageGraph:
    """Nodes and edges around one thing. `cut`: whether limits left something out."""

    question: strawberry.Private[Question]
    found: strawberry.Private[around.Graph]
    node_count: int
    edge_count: int
    cut: bool

    @strawberry.field
    def nodes(self, first: int = 1000, offset: int = 0) -> list[LineageNode]:
        return [node(self.question.reader.view, v) for v in page(self.found.nodes, first, offset)]

    @strawberry.field
    def edges(self, first: int = 1000, offset: int = 0) -> list[LineageEdge]:
        return [
            LineageEdge(id=row.id, label=row.label, source=row.source, target=row.target, properties=JSON({}))
            for row in page(lines_of(self.found), first, offset)
        ]


def latest(view: View, dataset: Vertex) -> Version | None:
    """A dataset's latest version."""
    found = rules.latest_version(view, dataset)
    return Version(found.version) if found and found.version else None

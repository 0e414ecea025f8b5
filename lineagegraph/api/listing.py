"""Questions about what there is; their answers are JSON pages, the same that the command line gives with --json."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import Any

import strawberry
from strawberry.scalars import JSON

from lineagegraph import inventory
from lineagegraph.api.arguments import first_of, page, steps
from lineagegraph.api.question import Asking
from lineagegraph.facts import Vertex
from lineagegraph.reader import Reader
from lineagegraph.shown import shown

Info = strawberry.Info[Asking, None]


async def asked(info: Info, work: Callable[[Reader], Any]) -> JSON:
    """The answer to one question as JSON."""
    return JSON(await info.context.question().ask("answer", lambda reader: shown(work(reader))))


async def asked_in_part(
    info: Info, work: Callable[[Reader], Any], rows: Collection[str], first: int, offset: int
) -> JSON:
    """The answer as JSON with only that part of each of its lists `rows`. Raises BadArgument."""
    page((), first, offset)

    def part(reader: Reader) -> Any:
        answer = shown(work(reader))
        return {**answer, **{name: page(answer[name], first, offset) for name in rows}}

    return JSON(await info.context.question().ask("answer", part))


@strawberry.type
class Listing:
    """Pages of things. Where one ends, its `after` is what to ask the next one with; `cut`: it is not full."""

    @strawberry.field
    async def datasets_by_layer(self, info: Info, layer: str, first: int = 50, after: str | None = None) -> JSON:
        """The datasets of a layer."""
        first_of(first)
        return await asked(info, lambda r: inventory.by_layer(r, layer, first, after))

    @strawberry.field
    async def search(self, info: Info, text: str, first: int = 50, after: str | None = None) -> JSON:
        """Datasets, pipelines, models and features in whose name this text stands; names are up to a minute old."""
        first_of(first)
        names = await info.context.names(inventory.NAMED)
        return await asked(info, lambda r: inventory.search(r, names, text, first, after))

    @strawberry.field
    async def orphans(self, info: Info, layer: str | None = None, first: int = 50, after: str | None = None) -> JSON:
        """Datasets (of a layer) that no pipeline reads, of which nothing was made, on which no model was trained."""
        first_of(first)
        names: Sequence[Vertex] = () if layer else await info.context.names(["Dataset"])
        return await asked(info, lambda r: inventory.orphans(r, names, first, after, layer))

    @strawberry.field
    async def models_without_snapshots(self, info: Info, first: int = 50, after: str | None = None) -> JSON:
        """Model versions that were trained on anything whose snapshot is not recorded."""
        first_of(first)
        names = await info.context.names(["Model"])
        return await asked(info, lambda r: inventory.without_snapshots(r, names, first, after))

    @strawberry.field
    async def paths_to_models(
        self, info: Info, layer: str = "bronze", first: int = 50, after: str | None = None, depth: int = 10
    ) -> JSON:
        """A shortest path from each dataset of a layer to each model below it; `first` ends at a whole dataset."""
        first_of(first)
        steps(depth)
        return await asked(info, lambda r: inventory.paths_to_models(r, layer, first, after, depth))

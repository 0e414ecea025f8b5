"""Vertices and edges as the GraphQL schema has them."""

from __future__ import annotations

from typing import Any

import strawberry
from strawberry.scalars import JSON

from lineagegraph import lineage, records
from lineagegraph.facts import Vertex
from lineagegraph.finding import LABELS
from lineagegraph.view import View

MOST_AT = 20  # things from which one can ask on that are shown


@strawberry.type
class LineageNode:
    """A vertex of the graph."""

    id: str
    label: str
    name: str
    properties: JSON

    @strawberry.field
    def node_type(self) -> str:
        return self.label


@strawberry.type
class LineageEdge:
    """An edge of the graph; its ends are ids of nodes."""

    id: str
    label: str
    source: str
    target: str
    properties: JSON

    @strawberry.field
    def edge_type(self) -> str:
        return self.label


@strawberry.type
class Cut:
    """Why an answer is not whole (time, size, edges); `at`: some of the things from which one can ask on."""

    why: str
    at: list[LineageNode]


def cut_of(view: View, cut: lineage.Cut | None) -> Cut | None:
    """What was cut off, if anything was."""
    if cut is None:
        return None
    known = [thing for thing in cut.at if thing.label in LABELS]
    return Cut(why=cut.why, at=[node(view, thing) for thing in known[:MOST_AT]])


def node(view: View, vertex: Vertex, **more: Any) -> LineageNode:
    """A vertex as an answer, with what this answer says of it instead of what the graph does."""
    shown = records.node(view, vertex)
    properties = JSON({**shown.properties, **more})
    return LineageNode(id=shown.id, label=shown.label, name=shown.name, properties=properties)

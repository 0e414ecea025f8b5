"""Answers as drawings: a lineage as nodes and edges under the labels of the graph, columns, snapshots, paths."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

from lineagegraph import lineage
from lineagegraph.columns import ColumnLineage, ColumnStep
from lineagegraph.facts import Edge, Vertex
from lineagegraph.inventory import Path
from lineagegraph.provenance import Provenance
from lineagegraph.reader import Reader
from lineagegraph.rules import Snapshot
from lineagegraph.sketches import Sketch
from lineagegraph.view import View


@dataclass(frozen=True, slots=True)
class Drawing:
    """Nodes and edges; an edge points as it is stored (CONSUMES: from the pipeline to what it reads)."""

    start: Vertex
    nodes: tuple[Vertex, ...]
    edges: tuple[Edge, ...]
    cut: lineage.Cut | None


def graph(
    reader: Reader,
    start: Vertex,
    depth: int = 3,
    direction: Literal["upstream", "downstream", "both"] = "both",
    all_time: bool = False,
    as_of: int | None = None,
) -> Drawing:
    """What is around a Dataset, Pipeline, Model or Feature."""
    walks = [
        walk(reader, start, depth, all_time, as_of)
        for name, walk in (("upstream", lineage.upstream), ("downstream", lineage.downstream))
        if direction in (name, "both")
    ]
    return drawn(start, *walks)


def drawn(start: Vertex, *walks: lineage.Lineage) -> Drawing:
    """The steps of these walks from one start."""
    edges = sorted({edge for found in walks for step in found.steps for edge in _edges(step)})
    nodes = sorted({start, *(end for edge in edges for end in (edge.source, edge.target))})
    return Drawing(start, tuple(nodes), tuple(edges), next((w.cut for w in walks if w.cut), None))


def _edges(step: lineage.Step) -> Iterator[Edge]:
    target, source = step.target, step.source
    if step.basis == "trained":
        yield Edge("TRAINED_ON", target, source)
        return
    if step.basis == "stated":
        yield Edge("DERIVED_FROM", target, source)
    for pipeline in step.pipelines:
        if source.label == "Dataset":
            yield Edge("CONSUMES", pipeline, source)
        if target.label == "Dataset":
            yield Edge("GENERATED_BY", pipeline, target)
        elif target.label == "Feature":
            yield Edge("PRODUCES", pipeline, target)


def called(view: View, vertex: Vertex) -> str:
    """What people call it."""
    if vertex.label == "Dataset":
        return view.text(vertex, "dataset_id") or vertex.key[1]
    return f"{vertex.key[1]} v{vertex.key[2]}" if vertex.label == "Model" else vertex.key[1]


def as_dot(view: View, drawing: Drawing) -> str:
    """Graphviz; data flows from left to right."""
    return sketch(view, drawing).as_dot()


def as_mermaid(view: View, drawing: Drawing) -> str:
    """Mermaid, as GitHub and GitLab draw it."""
    return sketch(view, drawing).as_mermaid()


def sketch(view: View, drawing: Drawing) -> Sketch:
    """The drawing by the names that people use. What a pipeline makes comes out of it, all else goes in."""
    made = Sketch()
    for node in drawing.nodes:
        made.node(node, called(view, node), node.label)
    for label, source, target in drawing.edges:
        ends = (source, target) if label in ("GENERATED_BY", "PRODUCES") else (target, source)
        made.edge(*ends, label)
    return made


def of_columns(view: View, found: ColumnLineage) -> Sketch:
    """Columns, and by which transformations one was made of another."""
    made = Sketch()
    for field in found.fields:
        made.node((found.start, field), f"{called(view, found.start)}.{field}")
    for step in found.steps:
        for dataset, field in ((step.source, step.source_field), (step.target, step.target_field)):
            made.node((dataset, field), f"{called(view, dataset)}.{field}")
        made.edge((step.source, step.source_field), (step.target, step.target_field), how(step))
    return made


def how(step: ColumnStep) -> str:
    """The transformations of a step."""
    return ", ".join("/".join(p for p in (t[0], t[1], "masked" if t[2] else None) if p) for t in step.transformations)


def of_snapshots(view: View, found: Provenance) -> Sketch:
    """Snapshots, and with what certainty one was made of another."""
    made = Sketch()

    def node(one: Snapshot) -> tuple[Vertex, str | None]:
        made.node((one.dataset, one.version), snapshot_called(view, one))
        return one.dataset, one.version

    node(found.start)
    for origin in found.origins:
        made.edge(node(origin.source), node(origin.target), origin.source.certainty)
    return made


def snapshot_called(view: View, one: Snapshot) -> str:
    """A snapshot as people read it."""
    return f"{called(view, one.dataset)} @ {one.version or 'unknown'}"


def of_paths(view: View, paths: Iterable[Path]) -> Sketch:
    """All the paths, what they share drawn once."""
    made = Sketch()
    for path in paths:
        for thing in path.things:
            made.node(thing, called(view, thing), thing.label)
        for source, target in pairwise(path.things):
            made.edge(source, target)
    return made

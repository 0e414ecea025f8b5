"""A lineage as nodes and edges under the labels of the graph, and as text for Graphviz and Mermaid."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from lineagegraph import lineage
from lineagegraph.facts import Edge, Vertex
from lineagegraph.reader import Reader
from lineagegraph.view import View

SHAPES = {"Dataset": "box", "Pipeline": "ellipse", "Model": "hexagon", "Feature": "note"}


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
    number = {node: f"n{at}" for at, node in enumerate(drawing.nodes)}
    lines = ["digraph lineage {", "  rankdir=LR;"]
    for node, name in number.items():
        text = called(view, node).replace("\\", "\\\\").replace('"', '\\"')
        lines.append(f'  {name} [label="{text}", shape={SHAPES[node.label]}];')
    lines += [f'  {number[a]} -> {number[b]} [label="{label}"];' for label, a, b in _flow(drawing)]
    return "\n".join([*lines, "}"])


def as_mermaid(view: View, drawing: Drawing) -> str:
    """Mermaid, as GitHub and GitLab draw it."""
    number = {node: f"n{at}" for at, node in enumerate(drawing.nodes)}
    open_, close = (
        {"Pipeline": "([", "Model": "{{", "Feature": "[/"},
        {"Pipeline": "])", "Model": "}}", "Feature": "/]"},
    )
    lines = ["flowchart LR"]
    for node, name in number.items():
        text = called(view, node).replace('"', "#quot;").replace("\n", " ")
        lines.append(f'  {name}{open_.get(node.label, "[")}"{text}"{close.get(node.label, "]")}')
    return "\n".join([*lines, *(f"  {number[a]} -->|{label}| {number[b]}" for label, a, b in _flow(drawing))])


def _flow(drawing: Drawing) -> Iterator[tuple[str, Vertex, Vertex]]:
    """Edges in the direction in which data flows: what a pipeline makes comes out of it, all else goes in."""
    for label, source, target in drawing.edges:
        out = label in ("GENERATED_BY", "PRODUCES")
        yield (label, source, target) if out else (label, target, source)

"""What stands around one thing: who uses a dataset, what a pipeline reads and writes, the graph both ways."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from lineagegraph import lineage, needs, rules
from lineagegraph.errors import Ambiguous, NotFound
from lineagegraph.facts import Vertex
from lineagegraph.reader import Reader

CONSUMERS = (((needs.IN, "CONSUMES"), (needs.IN, "GENERATED_BY")),)
MADE = (((needs.OUT, "CONSUMES"), (needs.OUT, "GENERATED_BY"), (needs.OUT, "PRODUCES")),)


@dataclass(frozen=True, slots=True)
class Users:
    """Who makes a dataset, who reads it, and the models that were trained on it."""

    makers: tuple[Vertex, ...]
    readers: tuple[Vertex, ...]
    models: tuple[Vertex, ...]


def users(reader: Reader, dataset: Vertex) -> Users:
    """Who uses a dataset now."""
    below = lineage.downstream(reader, dataset, 1)
    models = {step.target for step in below.steps if step.target.label == "Model"}
    names = sorted(rules.names_of(reader.view, dataset))
    reader.fetch(names, CONSUMERS)
    pipelines = {p for name in names for label in ("CONSUMES", "GENERATED_BY") for p in reader.view.into(label, name)}
    needs.current(reader, pipelines)
    view = reader.view
    return Users(tuple(rules.producers(view, dataset)), tuple(rules.consumers(view, dataset)), tuple(sorted(models)))


def find_pipeline(reader: Reader, name: str, namespace: str | None = None) -> Vertex:
    """The pipeline of that name. Raises NotFound, Ambiguous."""
    found = sorted(
        v
        for v in reader.look_up([[("pipeline_id", name)]])
        if v.label == "Pipeline" and namespace in (None, v.key[0]) and not reader.view.corrections.ignores(v)
    )
    if not found:
        raise NotFound(f"No pipeline is called {name!r}.")
    if len(found) > 1:
        places = ", ".join(v.key[0] for v in found)
        raise Ambiguous(f"Pipeline {name!r} is in several namespaces: {places}. Say which one with the namespace.")
    return found[0]


@dataclass(frozen=True, slots=True)
class PipelineEnds:
    """What a pipeline reads and writes now."""

    inputs: tuple[Vertex, ...]
    outputs: tuple[Vertex, ...]
    features: tuple[Vertex, ...]


def pipeline_ends(reader: Reader, pipeline: Vertex) -> PipelineEnds:
    """What a pipeline reads and writes now."""
    reader.fetch([pipeline], MADE)
    needs.current(reader, [pipeline])
    view = reader.view
    since = rules.current_since(view, pipeline)

    def ends(label: str) -> set[Vertex]:
        return {rules.physical(view, d) for d, day in view.dated_out(label, pipeline) if day >= since}

    outputs = {d for d in ends("GENERATED_BY") if rules.made(view, pipeline, d, since)}
    return PipelineEnds(
        tuple(sorted(ends("CONSUMES"))), tuple(sorted(outputs)), tuple(sorted(view.out("PRODUCES", pipeline)))
    )


@dataclass(frozen=True, slots=True)
class Graph:
    """Vertices and (label, source, target) edges, as the graph stores them."""

    nodes: tuple[Vertex, ...]
    edges: tuple[tuple[str, Vertex, Vertex], ...]
    cut: bool


def graph(reader: Reader, start: Vertex, depth: int, all_time: bool = False, as_of: int | None = None) -> Graph:
    """Everything upstream and downstream of a thing, in so many steps each way."""
    found = [walk(reader, start, depth, all_time, as_of) for walk in (lineage.upstream, lineage.downstream)]
    edges = {edge for way in found for step in way.steps for edge in _edges(step)}
    nodes = {start} | {end for _, *ends in edges for end in ends}
    return Graph(tuple(sorted(nodes)), tuple(sorted(edges)), any(way.cut for way in found))


def _edges(step: lineage.Step) -> Iterator[tuple[str, Vertex, Vertex]]:
    """One step as the edges that say it: the derivation, and the pipelines that it goes through."""
    match step.target.label, step.source.label:
        case "Dataset", "Dataset":
            yield "DERIVED_FROM", step.target, step.source
            for pipeline in step.pipelines:
                yield "GENERATED_BY", pipeline, step.target
                yield "CONSUMES", pipeline, step.source
        case "Model", _:
            yield "TRAINED_ON", step.target, step.source
        case "Pipeline", _:
            yield "CONSUMES", step.target, step.source
        case "Feature", "Pipeline":
            yield "PRODUCES", step.source, step.target
        case "Feature", _:
            for pipeline in step.pipelines:
                yield "PRODUCES", pipeline, step.target
                yield "CONSUMES", pipeline, step.source
        case _, "Pipeline":
            yield "GENERATED_BY", step.source, step.target

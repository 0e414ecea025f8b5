"""Questions about datasets and runs: the rules decide each next step, the reader fetches what they need for it.

Depth counts datasets: all that are reached in at most so many steps, each once, at its smallest depth.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from lineagegraph import needs, rules
from lineagegraph.errors import LineageError
from lineagegraph.facts import Vertex
from lineagegraph.naming import Naming
from lineagegraph.reader import Reader

MOST_DATASETS = 5_000  # in one answer


class NotFound(LineageError):
    """Nothing in the graph has this name; the message says how names are given."""


class Ambiguous(LineageError):
    """Several things have this name; the message lists them."""


@dataclass(frozen=True, slots=True)
class Step:
    """One dataset made of another: `target` of `source`, by what basis, and the snapshots that were read for it."""

    depth: int
    target: Vertex
    source: Vertex
    basis: str
    pipelines: tuple[Vertex, ...]
    read: tuple[rules.Snapshot, ...] = ()


@dataclass(frozen=True, slots=True)
class Lineage:
    """The steps from a dataset, nearest first, and whether limits cut anything off."""

    start: Vertex
    steps: tuple[Step, ...]
    cut: bool


def find_dataset(reader: Reader, name: str, namespace: str | None = None) -> Vertex:
    """The dataset that people mean by a dataset_id, a name, or a catalogue's name. Raises NotFound, Ambiguous."""
    if namespace is not None:
        found = [Vertex("Dataset", (namespace, name))]
        needs.names(reader, found)
        found = [vertex for vertex in found if vertex in reader.facts.vertices]
    else:
        found = [v for v in reader.look_up(_lookups(name)) if name in (v.key[1], reader.view.text(v, "dataset_id"))]
        needs.names(reader, found)
    meant = sorted({rules.physical(reader.view, vertex) for vertex in found})
    if not meant:
        where = f" in namespace {namespace}" if namespace else ""
        raise NotFound(
            f"No dataset is called {name!r}{where}. Give a dataset_id (gold/customers), or a name with --namespace."
        )
    if len(meant) > 1:
        listed = "; ".join(f"{vertex.key[1]} in {vertex.key[0]}" for vertex in meant)
        raise Ambiguous(f"{name!r} is ambiguous: {listed}. Say which one with --namespace.")
    return meant[0]


def _lookups(name: str) -> list[list[tuple[str, str]]]:
    """Names are not indexed, but by the default rules a name tells its dataset_id."""
    return [[("dataset_id", text)] for text in dict.fromkeys((name, Naming().dataset_id("", name)))]


def find_run(reader: Reader, run_id: str) -> Vertex:
    """The run of this id, with all that the rules need for its answers. Raises NotFound."""
    run = Vertex("Run", (run_id.lower(),))
    needs.snapshots(reader, [run])
    if run not in reader.facts.vertices:
        raise NotFound(f"No run has the id {run_id!r}.")
    return run


def upstream(reader: Reader, start: Vertex, depth: int, all_time: bool = False) -> Lineage:
    """What made this dataset, with the snapshots that the latest completed runs read."""
    steps: list[Step] = []
    seen, front = {start}, [start]
    for level in range(1, depth + 1):
        needs.sources(reader, front)
        new = [
            Step(level, target, source.dataset, source.basis, source.pipelines)
            for target in front
            for source in rules.sources(reader.view, target, all_time)
        ]
        steps += new
        front = _unseen((step.source for step in new), seen)
        if not front:
            break
    return Lineage(start, _with_snapshots(reader, steps), bool(reader.unfinished) or len(seen) >= MOST_DATASETS)


def downstream(reader: Reader, start: Vertex, depth: int, all_time: bool = False) -> Lineage:
    """What was made of this dataset, by the same rules seen from the other side."""
    steps: list[Step] = []
    seen, front = {start}, [start]
    for level in range(1, depth + 1):
        needs.outputs(reader, front)
        outputs = sorted({o for dataset in front for o in rules.outputs_of(reader.view, dataset)})
        needs.sources(reader, outputs)
        new = [
            Step(level, output, source.dataset, source.basis, source.pipelines)
            for output in outputs
            for source in rules.sources(reader.view, output, all_time)
            if source.dataset in front
        ]
        steps += new
        front = _unseen((step.target for step in new), seen)
        if not front:
            break
    return Lineage(start, _with_snapshots(reader, steps), bool(reader.unfinished) or len(seen) >= MOST_DATASETS)


def _unseen(reached: Iterable[Vertex], seen: set[Vertex]) -> list[Vertex]:
    front = [v for v in dict.fromkeys(reached) if v not in seen][: max(0, MOST_DATASETS - len(seen))]
    seen.update(front)
    return front


def _with_snapshots(reader: Reader, steps: list[Step]) -> tuple[Step, ...]:
    """The steps with what the latest completed run of each pipeline read of the source."""
    makers = {pipeline for step in steps for pipeline in step.pipelines}
    latest = {p: run for p in makers if (run := rules.latest_run(reader.view, p))}
    needs.snapshots(reader, latest.values())
    view = reader.view
    read = {p: rules.snapshots_read(view, run) for p, run in latest.items()}

    def of(step: Step) -> tuple[rules.Snapshot, ...]:
        rows = {s for p in step.pipelines for s in read.get(p, ()) if rules.physical(view, s.dataset) == step.source}
        return tuple(sorted(rows, key=lambda row: (row.version or "", row.certainty)))

    return tuple(Step(s.depth, s.target, s.source, s.basis, s.pipelines, of(s)) for s in steps)

"""Questions about lineage: the rules decide each next step, the reader fetches what they need for it.

Depth counts datasets: all that are reached in at most so many steps, each once, at its smallest depth.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Literal

from lineagegraph import needs, rules
from lineagegraph.errors import Ambiguous, NotFound
from lineagegraph.facts import Vertex
from lineagegraph.naming import Naming
from lineagegraph.reader import Reader

__all__ = ["Ambiguous", "NotFound"]  # of those who catch what is raised here

MOST_DATASETS = 5_000  # in one answer
AHEAD = 10  # levels that are fetched together, before the rules decide which of their edges count
Direction = Literal["upstream", "downstream"]
Basis = Literal["stated", "inferred", "trained", "reads", "writes"]
# A step before it is known what was read for it: target, source, basis, pipelines, and what is known of it already.
_Found = tuple[Vertex, Vertex, Basis, tuple[Vertex, ...], tuple[rules.Snapshot, ...]]


@dataclass(frozen=True, slots=True)
class Step:
    """One thing made of another: `target` of `source`, on what basis, and the snapshots that were read for it.

    Ends are Datasets, except where a walk starts at a Pipeline, Model or Feature, or ends at a Model or Feature.
    """

    depth: int
    target: Vertex
    source: Vertex
    basis: Basis
    pipelines: tuple[Vertex, ...]
    read: tuple[rules.Snapshot, ...] = ()


@dataclass(frozen=True, slots=True)
class Cut:
    """Why an answer is not whole, and the things from which one can ask on."""

    why: Literal["time", "size", "edges"]
    at: tuple[Vertex, ...]


@dataclass(frozen=True, slots=True)
class Lineage:
    """The steps from a start, nearest first, and what limits cut off (None: nothing)."""

    start: Vertex
    steps: tuple[Step, ...]
    cut: Cut | None


@dataclass(frozen=True, slots=True)
class When:
    """Which lineage is meant: the current one, all there ever was, or that of a moment (milliseconds since 1970)."""

    all_time: bool = False
    as_of: int | None = None


NOW = When()


def find_dataset(reader: Reader, name: str, namespace: str | None = None) -> Vertex:
    """The dataset that people mean by a dataset_id, a name, or a catalogue's name. Raises NotFound, Ambiguous."""
    if namespace is not None:
        found = [Vertex("Dataset", (namespace, name))]
        needs.names(reader, found)
        found = [vertex for vertex in found if reader.view.knows(vertex)]
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
    if not reader.view.knows(run):
        raise NotFound(f"No run has the id {run_id!r}.")
    return run


def upstream(reader: Reader, start: Vertex, depth: int, all_time: bool = False, as_of: int | None = None) -> Lineage:
    """What made a Dataset, Pipeline, Model or Feature, with the snapshots that the runs in question read."""
    return _walk(reader, start, depth, "upstream", When(all_time, as_of))


def downstream(reader: Reader, start: Vertex, depth: int, all_time: bool = False, as_of: int | None = None) -> Lineage:
    """What was made of a Dataset, Pipeline, Model or Feature, by the same rules seen from the other side."""
    return _walk(reader, start, depth, "downstream", When(all_time, as_of))


def _walk(reader: Reader, start: Vertex, depth: int, direction: Direction, when: When) -> Lineage:
    level = _above if direction == "upstream" else _below
    steps: list[tuple[int, _Found]] = []
    seen, front, fetched = {start}, [start], 0
    why: Literal["time", "size"] | None = None
    for number in range(1, depth + 1):
        if (why := reader.exhausted or ("size" if len(seen) >= MOST_DATASETS else None)) is not None:
            break
        datasets = [v for v in front if v.label == "Dataset"]
        if direction == "upstream" and number > fetched and datasets:
            fetched = min(number + AHEAD - 1, depth)
            ahead = reader.above if when == NOW else partial(needs.ahead, reader)
            ahead(datasets, fetched - number + 1)
        new = list(level(reader, front, when))
        steps += [(number, step) for step in new]
        front = _unseen([step[1] if direction == "upstream" else step[0] for step in new], seen)
        if not front:
            break
    if when.as_of is not None and when.as_of < reader.horizon:
        raise NotFound(f"Lineage as of then is not known: runs before {rules.day_of(reader.horizon)} were removed.")
    cut = Cut(why, tuple(front)) if why else None
    if cut is None and reader.unfinished:
        cut = Cut("edges", tuple(sorted(reader.unfinished)))
    return Lineage(start, _with_snapshots(reader, steps, when), cut)


def _unseen(reached: Iterable[Vertex], seen: set[Vertex]) -> list[Vertex]:
    """The datasets to go on from; models and features end a walk."""
    front = [v for v in dict.fromkeys(reached) if v not in seen and v.label == "Dataset"]
    seen.update(front)
    return front


def _above(reader: Reader, front: list[Vertex], when: When) -> Iterator[_Found]:
    datasets = [v for v in front if v.label == "Dataset"]
    plain = needs.plain_sources(reader, datasets) if when == NOW else {}
    if rest := [v for v in datasets if v not in plain]:
        needs.sources(reader, rest, when.all_time, when.as_of)
    for target in datasets:
        rows = plain.get(target)
        for source in rules.sources(reader.view, target, when.all_time, when.as_of) if rows is None else rows:
            yield target, source.dataset, source.basis, source.pipelines, ()
    for other in front:
        if other.label == "Model":
            yield from _trained_on(reader, other)
        elif other.label in ("Pipeline", "Feature"):
            yield from _inputs(reader, other, when)


def _trained_on(reader: Reader, model: Vertex) -> Iterator[_Found]:
    needs.training(reader, [model])
    found = rules.training(reader.view, model)
    rows = found.trained_on if found else ()
    makers = {p for run in (found.runs if found else ()) if (p := rules.pipeline_of(reader.view, run))}
    for dataset in sorted({row.snapshot.dataset for row in rows}):
        read = tuple(row.snapshot for row in rows if row.snapshot.dataset == dataset)
        yield model, dataset, "trained", tuple(sorted(makers)), read


def _inputs(reader: Reader, of: Vertex, when: When) -> Iterator[_Found]:
    makers = [of]
    if of.label == "Feature":
        reader.fetch([of], (((needs.IN, "PRODUCES"),),))
        needs.current(reader, reader.view.into("PRODUCES", of), when.all_time, when.as_of)
        makers = rules.feature_makers(reader.view, of)
    needs.jobs(reader, makers, when.all_time, when.as_of)
    by: dict[Vertex, list[Vertex]] = {}
    for maker in makers:
        for source in rules.inputs_of(reader.view, maker, when.all_time, when.as_of):
            by.setdefault(source, []).append(maker)
    for source, pipelines in sorted(by.items()):
        yield of, source, "reads" if of.label == "Pipeline" else "inferred", tuple(pipelines), ()


def _below(reader: Reader, front: list[Vertex], when: When) -> Iterator[_Found]:
    datasets = [v if v.label == "Dataset" else Vertex("Dataset", v.key[:2]) for v in front if v.label != "Pipeline"]
    needs.outputs(reader, datasets)
    known = set(datasets)
    outputs = sorted({o for dataset in datasets for o in rules.outputs_of(reader.view, dataset)})
    needs.sources(reader, outputs, when.all_time, when.as_of)
    for output in outputs:
        for source in rules.sources(reader.view, output, when.all_time, when.as_of):
            if source.dataset in known:
                yield output, source.dataset, source.basis, source.pipelines, ()
    yield from _ends(reader, datasets, when)
    for pipeline in (v for v in front if v.label == "Pipeline"):
        needs.jobs(reader, [pipeline], when.all_time, when.as_of)
        for output in rules.made_by(reader.view, pipeline, when.all_time, when.as_of):
            yield output, pipeline, "writes", (pipeline,), ()


def _ends(reader: Reader, datasets: list[Vertex], when: When) -> Iterator[_Found]:
    """The models that were trained on these datasets, and the features that are made of them."""
    models = needs.trained(reader, datasets)
    view = reader.view
    readers = {p for d in datasets for name in rules.names_of(view, d) for p in view.into("CONSUMES", name)}
    needs.jobs(reader, {p for p in readers if view.out("PRODUCES", p)}, when.all_time)
    for model in models:
        found = rules.training(reader.view, model)
        rows = found.trained_on if found else ()
        makers = {p for run in (found.runs if found else ()) if (p := rules.pipeline_of(reader.view, run))}
        for dataset in sorted({row.snapshot.dataset for row in rows} & set(datasets)):
            read = tuple(row.snapshot for row in rows if row.snapshot.dataset == dataset)
            yield model, dataset, "trained", tuple(sorted(makers)), read
    for dataset in datasets:
        by: dict[Vertex, list[Vertex]] = {}
        for feature, pipeline in rules.features_from(reader.view, dataset, when.all_time):
            by.setdefault(feature, []).append(pipeline)
        for feature, pipelines in sorted(by.items()):
            yield feature, dataset, "inferred", tuple(pipelines), ()


def _with_snapshots(reader: Reader, steps: list[tuple[int, _Found]], when: When) -> tuple[Step, ...]:
    """The steps with what the latest completed run of each pipeline read of the source."""
    makers = {pipeline for _, (_, _, _, pipelines, known) in steps if not known for pipeline in pipelines}
    read = needs.plain_reads(reader, makers) if when == NOW else {}
    if rest := makers - read.keys():
        read |= _weighed(reader, rest, when)

    def of(pipelines: tuple[Vertex, ...], source: Vertex) -> tuple[rules.Snapshot, ...]:
        if len(pipelines) == 1:
            return read[pipelines[0]].get(source, ())
        rows = {row for pipeline in pipelines for row in read[pipeline].get(source, ())}
        return tuple(sorted(rows, key=_by_version))

    return tuple(
        [
            Step(depth, target, source, basis, pipelines, known or of(pipelines, source))
            for depth, (target, source, basis, pipelines, known) in steps
        ]
    )


def _weighed(reader: Reader, pipelines: set[Vertex], when: When) -> dict[Vertex, rules.Snapshots]:
    """What the latest runs of pipelines read, by the rules."""
    latest = {p: run for p in pipelines if (run := rules.latest_run(reader.view, p, when.as_of))}
    if latest:
        needs.reads(reader, latest.values())
    view, read = reader.view, {}
    for pipeline in pipelines:
        rows: dict[Vertex, list[rules.Snapshot]] = {}
        for row in rules.snapshots_read(view, latest[pipeline]) if pipeline in latest else ():
            rows.setdefault(rules.physical(view, row.dataset), []).append(row)
        read[pipeline] = {dataset: tuple(sorted(set(some), key=_by_version)) for dataset, some in rows.items()}
    return read


def _by_version(row: rules.Snapshot) -> tuple[str, str]:
    return row.version or "", row.certainty

"""Rules about lineage: which datasets made which, now, ever, or as of a moment."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

from lineagegraph.facts import Vertex
from lineagegraph.rules.current import ALWAYS, came_true, current_since, latest_run, made
from lineagegraph.rules.names import names_of, physical
from lineagegraph.rules.runs import day_of
from lineagegraph.view import View, remembered

Basis = Literal["stated", "inferred"]


@dataclass(frozen=True, slots=True)
class Source:
    """A dataset that an output was made of, and the pipelines that did it (none: a client states it)."""

    dataset: Vertex
    basis: Basis
    pipelines: tuple[Vertex, ...]


class Found:
    """The sources of one output, as they are gathered."""

    def __init__(self, view: View, output: Vertex) -> None:
        self._retracted = _retracted(view, output)
        self._bases: dict[Vertex, set[Basis]] = {}
        self._pipelines: dict[Vertex, set[Vertex]] = {}

    def add(self, source: Vertex, basis: Basis, pipelines: Iterable[Vertex]) -> None:
        if source not in self._retracted:
            self._bases.setdefault(source, set()).add(basis)
            self._pipelines.setdefault(source, set()).update(pipelines)

    def rows(self) -> list[Source]:
        return [
            Source(dataset, "stated" if "stated" in bases else "inferred", tuple(sorted(self._pipelines[dataset])))
            for dataset, bases in sorted(self._bases.items())
        ]


def sources(view: View, output: Vertex, all_time: bool = False, until: int | None = None) -> list[Source]:
    """Which datasets made this one: per pipeline its stated lineage, only else its inputs times its outputs.

    By default the current ones; with `all_time` also those of history; with `until` (milliseconds) those of each
    pipeline's latest run that completed by then.
    Needs, around every name of the output: GENERATED_BY and STATES_LINEAGE_OF into it, DERIVED_FROM out of it;
    CONSUMES out of those Pipelines and what `current_since` and `came_true` need of them; and the names of all
    these Datasets as `physical` needs them.
    """
    found = Found(view, output)
    names = names_of(view, output)
    makers = {p for name in names for label in ("GENERATED_BY", "STATES_LINEAGE_OF") for p in view.into(label, name)}
    stated = _stated(view, output, names, makers)
    for pipeline in sorted(makers):
        if until is not None:
            _of_run(view, pipeline, output, stated, until, found)
        else:
            _of_pipeline(view, pipeline, output, stated, ALWAYS if all_time else current_since(view, pipeline), found)
    for source, (day, speaking) in stated.items():
        if not speaking and (until is None or day <= day_of(until)):
            found.add(source, "stated", ())
    return found.rows()


Stated = dict[Vertex, tuple[str, frozenset[Vertex]]]  # by source: the newest day, and whose statement it is


def _stated(view: View, output: Vertex, names: frozenset[Vertex], makers: set[Vertex]) -> Stated:
    """The stated derivations of an output. The edge does not say whose statement it is.

    Among the pipelines that state this output's lineage it is that of those which read the source, and only if
    none of them does it may be anyone's; if no pipeline states this output's lineage it is a client's.
    """
    stating = {p for p in makers if _says(view, p, output, "STATES_LINEAGE_OF")}
    found: Stated = {}
    for name in names:
        for start, day in view.dated_out("DERIVED_FROM", name):
            source = physical(view, start)
            speaking = frozenset(p for p in stating if source in _reads(view, p)) or frozenset(stating)
            found[source] = (max(day, found[source][0] if source in found else ""), speaking)
    return found


def _of_pipeline(view: View, pipeline: Vertex, output: Vertex, stated: Stated, since: str, found: Found) -> None:
    """What the pipeline has said of the output since that day."""
    said, wrote = (_says(view, pipeline, output, label) for label in ("STATES_LINEAGE_OF", "GENERATED_BY"))
    its: set[Vertex] = set()
    if said is not None and said >= since:
        its = {source for source, (day, speaking) in stated.items() if pipeline in speaking and day >= since}
        for source in its:
            if came_true(view, pipeline, source, output, since):
                found.add(source, "stated", [pipeline])
        # A statement that names the output alone says that it was rewritten, not where its new rows came from.
        if its != {output}:
            return
    if wrote is None or wrote < since:
        return
    for source, day in _reads(view, pipeline).items():
        if day >= since and source not in its and came_true(view, pipeline, source, output, since):
            found.add(source, "inferred", [pipeline])


def _of_run(view: View, pipeline: Vertex, output: Vertex, stated: Stated, until: int, found: Found) -> None:
    """What the pipeline's latest run of that time made the output of."""
    run = latest_run(view, pipeline, until)
    if run is not None:
        _made_by_run(view, run, pipeline, output, stated, found)


def run_sources(view: View, run: Vertex, output: Vertex) -> list[Source]:
    """Which datasets this one run made the output of: what its pipeline states and it read, only else all it read.

    Needs READ, WROTE and RUN_OF out of the Run; around the names of the output STATES_LINEAGE_OF into it and
    DERIVED_FROM out of it; CONSUMES and STATES_LINEAGE_OF out of the Pipelines.
    """
    found, names = Found(view, output), names_of(view, output)
    makers = {p for name in names for p in view.into("STATES_LINEAGE_OF", name)} | set(view.out("RUN_OF", run))
    stated = _stated(view, output, names, makers)
    for pipeline in view.out("RUN_OF", run):
        _made_by_run(view, run, pipeline, output, stated, found)
    return found.rows()


def _made_by_run(view: View, run: Vertex, pipeline: Vertex, output: Vertex, stated: Stated, found: Found) -> None:
    if output not in {physical(view, d) for d in view.out("WROTE", run)}:
        return
    read = {physical(view, d) for d in view.out("READ", run) if d.label == "Dataset"}
    its = {source for source, (_, speaking) in stated.items() if pipeline in speaking}
    meant = its & read  # a statement that names nothing the run read was made of other runs
    if meant or not read:
        meant |= its - set(_reads(view, pipeline))  # stated without being an input, as dbt does with seeds
    for source in meant:
        found.add(source, "stated", [pipeline])
    if not meant or meant == {output}:
        for source in read - meant:
            found.add(source, "inferred", [pipeline])


def outputs_of(view: View, source: Vertex) -> list[Vertex]:
    """Whatever may have been made of a dataset; `sources` of each says whether it was.

    Needs, around every name of the dataset: DERIVED_FROM and CONSUMES into it, GENERATED_BY out of those Pipelines.
    """
    found: set[Vertex] = set()
    for name in names_of(view, source):
        found |= set(view.into("DERIVED_FROM", name))
        found |= {output for p in view.into("CONSUMES", name) for output in view.out("GENERATED_BY", p)}
    return sorted({physical(view, output) for output in found})


def targets(
    view: View, source: Vertex, all_time: bool = False, until: int | None = None
) -> list[tuple[Vertex, Source]]:
    """Which datasets were made of this one, each with the row of `sources` that says so.

    Needs what `outputs_of` needs, and what `sources` needs for each of those.
    """
    return [
        (output, row)
        for output in outputs_of(view, source)
        for row in sources(view, output, all_time, until)
        if row.dataset == source
    ]


def consumers(view: View, dataset: Vertex, all_time: bool = False) -> list[Vertex]:
    """The pipelines that read the dataset. Needs CONSUMES into its names, and what `current_since` needs."""
    return sorted({pipeline for pipeline, _ in _around(view, "CONSUMES", dataset, all_time)})


def producers(view: View, dataset: Vertex, all_time: bool = False) -> list[Vertex]:
    """The pipelines that write the dataset. Needs GENERATED_BY into its names, what `current_since` and `made` need."""
    found = _around(view, "GENERATED_BY", dataset, all_time)
    return sorted({pipeline for pipeline, since in found if made(view, pipeline, dataset, since)})


def _around(view: View, label: str, dataset: Vertex, all_time: bool) -> Iterator[tuple[Vertex, str]]:
    for name in names_of(view, dataset):
        for pipeline, day in view.dated_into(label, name):
            since = ALWAYS if all_time else current_since(view, pipeline)
            if day >= since:
                yield pipeline, since


@remembered
def _says(view: View, pipeline: Vertex, output: Vertex, label: str) -> str | None:
    """The newest day on which the pipeline's edge to any name of the output was stated."""
    days = [day for dataset, day in view.dated_out(label, pipeline) if physical(view, dataset) == output]
    return max(days, default=None)


@remembered
def _reads(view: View, pipeline: Vertex) -> dict[Vertex, str]:
    """The datasets that the pipeline names as inputs, each with the newest day."""
    found: dict[Vertex, str] = {}
    for dataset, day in view.dated_out("CONSUMES", pipeline):
        source = physical(view, dataset)
        found[source] = max(day, found.get(source, ""))
    return found


@remembered
def _retracted(view: View, output: Vertex) -> frozenset[Vertex]:
    """What the operator says this output was not made of."""
    pairs = (
        (physical(view, view.corrections.dataset(a)), physical(view, view.corrections.dataset(b)))
        for a, b in view.corrections.retracted
    )
    return frozenset(source for made, source in pairs if made == output)

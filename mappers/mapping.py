"""Event to facts: what this one event states, and nothing that needs a second event.

A facet that does not fit costs itself and is named in `bad_facets`; only a broken envelope or a cap that is
exceeded costs the event (`Malformed`).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from lineagegraph.facts import Facts, Vertex
from lineagegraph.naming import Naming
from lineagegraph.registers import newest
from mappers import names
from mappers.context import BadFacet, Context, Place
from mappers.event import Dataset, Event
from mappers.facets import MOST_REMEMBERED, used
from mappers.fields import Unfit

_ENDS = {"COMPLETE": "completed_at", "FAIL": "failed_at", "ABORT": "aborted_at"}
_MODEL_SCHEMES = ("mlflow:", "models:")


@dataclass(frozen=True, slots=True)
class Mapped:
    """What one event states, and which of its facets could not be read."""

    facts: Facts
    bad_facets: tuple[BadFacet, ...] = ()


def map_event(event: Event, naming: Naming) -> Mapped:
    """The facts of one event. A pure function of the event and the naming rules. Raises Malformed."""
    c = Context(event, naming)
    inputs: list[Place] = []
    outputs: list[Place] = []
    subjects: list[Place] = []
    if event.job:
        _job(c, event)
        inputs, outputs = _places(c, event.inputs, "input"), _places(c, event.outputs, "output")
    elif event.dataset:
        subjects = _places(c, [event.dataset], "dataset")
    places = (*inputs, *outputs, *subjects)
    for place in places:
        _dataset(c, place)
    if event.job:
        _read(c, "job", event.job.facets, outputs, late=True)
    for place in places:
        _read(c, "dataset", place.dataset.facets, place, late=True)
    _models(c, inputs, outputs)
    _close(c)
    return Mapped(c.facts, tuple(c.bad))


def _job(c: Context, event: Event) -> None:
    """The pipeline and, unless the event only tells of topology, the run."""
    assert event.job  # noqa: S101  (the caller asked)
    c.pipeline = c.facts.vertex(names.pipeline(event.job.namespace, event.job.name, c.naming))
    if event.run and not _is_definition(event.job.facets):
        c.run = Vertex("Run", (event.run.id,))
        _run(c, c.run, c.pipeline)
        _read(c, "run", event.run.facets)
    _read(c, "job", event.job.facets)


def _is_definition(facets: dict[str, Any]) -> bool:
    """Feast sends the shape of its feature views as a run that never happened."""
    kind = facets.get("feast_jobKind")
    return isinstance(kind, dict) and kind.get("kind") == "definition"


def _run(c: Context, run: Vertex, pipeline: Vertex) -> None:
    kind, time = c.event.event_type, c.time
    moments = {"seen_at": time}
    if kind == "START":
        moments |= {"first_start_at": -time, "latest_start_at": time}
    elif kind in _ENDS:
        moments[_ENDS[kind]] = time
    c.facts.vertex(run, moments)
    c.facts.edge("RUN_OF", run, pipeline)
    c.hold(pipeline, run)
    if kind == "COMPLETE":
        c.say(pipeline, latest_run=run.key[0])


def _places(c: Context, datasets: Iterable[Dataset], role: str) -> list[Place]:
    """The datasets in their role, with the edges that their mere naming states, without those that never were."""
    found = []
    for dataset in datasets:
        known = names.described(dataset.namespace, dataset.name, c.naming)
        if known.artificial or (c.naming.rules.default_filters and _is_temporary(dataset)):
            continue
        vertex = c.dataset(dataset.namespace, dataset.name)
        found.append(Place(vertex, role, dataset))
        if c.pipeline:
            c.edge("CONSUMES" if role == "input" else "GENERATED_BY", c.pipeline, vertex, daily=True)
        if c.run:
            c.facts.edge("READ" if role == "input" else "WROTE", c.run, vertex)
    return found


def _is_temporary(dataset: Dataset) -> bool:
    """An artificial node between two steps of one job; the spec allows consumers to skip it."""
    kind = dataset.facets.get("datasetType")
    if not isinstance(kind, dict):
        return False
    return [str(kind.get(name)).upper() for name in ("datasetType", "subType")] == ["JOB_OUTPUT", "TEMPORARY"]


def _dataset(c: Context, place: Place) -> None:
    facets, dataset = place.dataset.facets, place.dataset
    _read(c, "dataset", facets, place)
    if place.role == "input":
        _read(c, "input", dataset.input_facets, place)
    elif place.role == "output":
        legacy = {"stats": facets["stats"]} if "stats" in facets else {}
        _read(c, "output", {**legacy, **dataset.output_facets}, place)
    if place.feature and c.pipeline:
        if place.role == "output":
            c.edge("PRODUCES", c.pipeline, place.feature)
        if c.run:
            c.facts.edge("WROTE" if place.role == "output" else "READ", c.run, place.feature)


def _read(c: Context, where: str, facets: dict[str, Any], *about: Any, late: bool = False) -> None:
    """Every facet that a row of the table uses; one that does not fit is named and costs nothing else."""
    if not facets:
        return
    keys = tuple(facets)
    find = used if len(keys) <= MOST_REMEMBERED else used.__wrapped__
    for row, read in find(where, late, keys):
        facet = facets[row.key]
        if facet is None:
            continue
        try:
            if not isinstance(facet, dict):
                raise Unfit("is not an object")
            if facet.get("_deleted") is True and where in ("job", "dataset"):
                _forget(c, about[0].vertex if where == "dataset" else c.pipeline, row.resets)
            else:
                read(c, *about, facet)
        except Unfit as error:
            c.bad.append(BadFacet(where, row.key, str(error)[:200]))
        except (ValueError, TypeError, AttributeError, LookupError, OverflowError, RecursionError):
            # Whatever a facet's shape provokes is the facet's fault and costs only the facet.
            c.bad.append(BadFacet(where, row.key, "has an unexpected shape"))


def _forget(c: Context, subject: Vertex | None, registers: tuple[str, ...]) -> None:
    """A `_deleted` facet: from now on nothing is said. What only grows (edges, versions) stays."""
    if subject and registers:
        c.say(subject, **dict.fromkeys(registers))


def _models(c: Context, inputs: list[Place], outputs: list[Place]) -> None:
    """A model version among the outputs, by our documented convention (docs/mapping.md)."""
    if c.run is None:
        return
    for place in outputs:
        is_model = place.type == "MODEL" or place.vertex.key[0].startswith(_MODEL_SCHEMES)
        if not is_model or place.version is None:
            continue
        model = c.facts.vertex(Vertex("Model", (*place.vertex.key, place.version)))
        if place.subtype:
            c.say(model, framework=place.subtype)
        c.facts.edge("TRAINED_BY", model, c.run)
        if c.event.event_type != "COMPLETE":
            continue
        for source in inputs:
            c.facts.edge("TRAINED_ON", model, source.vertex)
            seen = source.scanned or source.version
            if seen:
                c.facts.edge("TRAINED_ON", model, names.version(source.vertex, seen))


def _close(c: Context) -> None:
    """What only the whole event tells: the pipeline's type, and what the run keeps of its datasets' facets."""
    kind = c.types.get("jobType") or c.types.get("engine") or c.types.get("dialect")
    if kind and c.pipeline:
        c.say(c.pipeline, pipeline_type=kind)
    if c.run is None:
        return
    kept: dict[str, Any] = {}
    if c.statistics:
        kept["statistics"] = sorted(c.statistics, key=repr)
    if c.lifecycle:
        kept["lifecycle"] = sorted(c.lifecycle, key=repr)
    if c.bad:
        kept["bad_facets"] = sorted({f"{b.where}.{b.facet}" for b in c.bad})
    if kept:
        c.facts.vertex(c.run, {name: newest(c.time, value) for name, value in kept.items()})

"""Event to facts: what this one event states, and nothing that needs a second event.

A facet that does not fit costs itself and is named in `bad_facets`; only a broken envelope or a cap that is
exceeded costs the event (`Malformed`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from lineagegraph.facts import Facts, Vertex
from lineagegraph.naming import Naming
from lineagegraph.registers import newest
from mappers import dataset_facets, names
from mappers.context import Context, Place
from mappers.event import Dataset, Event
from mappers.facets import rows_of
from mappers.fields import Unfit, mapping, objects, required

_ENDS = {"COMPLETE": "completed_at", "FAIL": "failed_at", "ABORT": "aborted_at"}
_MODEL_SCHEMES = ("mlflow:", "models:")


@dataclass(frozen=True, slots=True)
class BadFacet:
    """A facet that did not fit: where it stood, its name and why, without its content."""

    where: str
    facet: str
    reason: str


@dataclass(frozen=True, slots=True)
class Mapped:
    """What one event states, and which of its facets could not be read."""

    facts: Facts
    bad_facets: tuple[BadFacet, ...] = ()


def map_event(event: Event, naming: Naming) -> Mapped:
    """The facts of one event. A pure function of the event and the naming rules. Raises Malformed."""
    c = Context(event, naming)
    bad: list[BadFacet] = []
    if event.job:
        c.pipeline = c.facts.vertex(names.pipeline(event.job.namespace, event.job.name, naming))
    if event.run and not _is_definition(event):
        _run(c)
    if event.run:
        _read(c, bad, "run", event.run.facets if c.run else {})
    if event.job:
        _read(c, bad, "job", event.job.facets)
        inputs = [p for d in event.inputs if (p := _place(c, d, "input"))]
        outputs = [p for d in event.outputs if (p := _place(c, d, "output"))]
        _job_lineage(c, bad, outputs)
        for place, dataset in _pairs(c, event, inputs, outputs):
            _dataset(c, bad, place, dataset)
        _models(c, inputs, outputs)
    elif event.dataset and (subject := _place(c, event.dataset, "dataset")):
        _dataset(c, bad, subject, event.dataset)
    _close(c, bad)
    return Mapped(c.facts, tuple(bad))


def _is_definition(event: Event) -> bool:
    """Feast sends the shape of its feature views as a run that never happened."""
    kind = event.job.facets.get("feast_jobKind") if event.job else None
    return isinstance(kind, dict) and kind.get("kind") == "definition"


def _run(c: Context) -> None:
    event, time = c.event, c.time
    assert event.run and c.pipeline  # noqa: S101  (decode refuses a run without a job)
    c.run = Vertex("Run", (event.run.id,))
    moments: dict[str, Any] = {"seen_at": time}
    if event.event_type == "START":
        moments |= {"first_start_at": -time, "latest_start_at": time}
    elif event.event_type in _ENDS:
        moments[_ENDS[event.event_type]] = time
    c.facts.vertex(c.run, moments)
    c.facts.edge("RUN_OF", c.run, c.pipeline)
    c.hold(c.pipeline, c.run)
    if event.event_type == "COMPLETE":
        c.say(c.pipeline, latest_run=event.run.id)


def _place(c: Context, dataset: Dataset, role: str) -> Place | None:
    """The dataset in its role, with the edges that its mere naming states; None if it never was one."""
    vertex = names.dataset(dataset.namespace, dataset.name, c.naming)
    if c.naming.artificial("/".join(vertex.key)) or _is_temporary(dataset):
        return None
    vertex = c.dataset(dataset.namespace, dataset.name)
    place = Place(vertex, role, dataset.facets)
    if role == "dataset" or c.pipeline is None:
        return place
    c.facts.edge("CONSUMES" if role == "input" else "GENERATED_BY", c.pipeline, vertex, c.day)
    if c.run:
        c.facts.edge("READ" if role == "input" else "WROTE", c.run, vertex)
        if role == "input":
            c.hold(vertex, c.run)
    return place


def _is_temporary(dataset: Dataset) -> bool:
    """An artificial node between two steps of one job; the spec allows consumers to skip it."""
    kind = dataset.facets.get("datasetType")
    if not isinstance(kind, dict):
        return False
    return (kind.get("datasetType"), kind.get("subType")) == ("JOB_OUTPUT", "TEMPORARY")


def _pairs(c: Context, event: Event, inputs: list[Place], outputs: list[Place]) -> list[tuple[Place, Dataset]]:
    """Each place beside its dataset; those that were filtered out have no place."""
    kept = iter((*inputs, *outputs))
    pairs, place = [], next(kept, None)
    for dataset in (*event.inputs, *event.outputs):
        if place is not None and place.facets is dataset.facets:
            pairs.append((place, dataset))
            place = next(kept, None)
    return pairs


def _dataset(c: Context, bad: list[BadFacet], place: Place, dataset: Dataset) -> None:
    _read(c, bad, "dataset", dataset.facets, place)
    if place.role == "input":
        _read(c, bad, "input", dataset.input_facets, place)
    elif place.role == "output":
        legacy = {"stats": dataset.facets["stats"]} if "stats" in dataset.facets else {}
        _read(c, bad, "output", {**legacy, **dataset.output_facets}, place)
    if place.feature and c.pipeline:
        if place.role == "output":
            c.facts.edge("PRODUCES", c.pipeline, place.feature)
        if c.run:
            c.facts.edge("WROTE" if place.role == "output" else "READ", c.run, place.feature)


def _read(c: Context, bad: list[BadFacet], where: str, facets: dict[str, Any], place: Place | None = None) -> None:
    """Every facet that a row of the table uses; one that does not fit is named and costs nothing else."""
    about = (c,) if place is None else (c, place)
    for row, facet in rows_of(facets, where):
        if facet is None:
            continue
        try:
            if not isinstance(facet, dict):
                raise ValueError("is not an object")
            if facet.get("_deleted") is True and row.resets:
                c.say(place.vertex if place else c.pipeline, **dict.fromkeys(row.resets))  # type: ignore[arg-type]  # resets exist on job and dataset rows only
            elif row.read is not None:
                row.read(*about, facet)
        except (ValueError, TypeError, AttributeError, KeyError, IndexError, OverflowError, RecursionError) as error:
            # Whatever a facet's shape provokes is the facet's fault and costs only the facet.
            reason = str(error) if type(error) in (ValueError, Unfit) else "has an unexpected shape"
            bad.append(BadFacet(where, row.key, reason[:200]))


def _job_lineage(c: Context, bad: list[BadFacet], outputs: list[Place]) -> None:
    """The job's explicit `lineage` facet: the complete word on each output it names, even if that is nothing."""
    facet = c.event.job.facets.get("lineage") if c.event.job else None
    if facet is None:
        return
    try:
        for entry in objects(mapping({"lineage": facet}, "lineage"), "entries"):
            if entry.get("type", "DATASET") != "DATASET":
                continue
            vertex = c.dataset(required(entry, "namespace"), required(entry, "name"))
            place = next((p for p in outputs if p.vertex == vertex), Place(vertex, "output", {}))
            dataset_facets.state_lineage(c, place, dataset_facets.lineage_inputs(c, vertex, entry))
            place.states_lineage = True
            if c.pipeline:
                c.facts.edge("STATES_LINEAGE_OF", c.pipeline, vertex, c.day)
    except (ValueError, TypeError, AttributeError) as error:
        bad.append(BadFacet("job", "lineage", str(error)[:200]))


def _models(c: Context, inputs: list[Place], outputs: list[Place]) -> None:
    """A model version among the outputs, by our documented convention (docs/graph.md)."""
    if c.run is None:
        return
    for place in outputs:
        is_model = place.type == "MODEL" or place.vertex.key[0].startswith(_MODEL_SCHEMES)
        if not is_model or place.version is None:
            continue
        model = c.facts.vertex(Vertex("Model", (*place.vertex.key, place.version)))
        framework = place.facets.get("datasetType")
        sub = framework.get("subType") if isinstance(framework, dict) else None
        if isinstance(sub, str) and sub:
            c.say(model, framework=sub[:200])
        c.facts.edge("TRAINED_BY", model, c.run)
        if c.event.event_type != "COMPLETE":
            continue
        for source in inputs:
            c.facts.edge("TRAINED_ON", model, source.vertex)
            seen = source.scanned or source.version
            if seen:
                c.facts.edge("TRAINED_ON", model, names.version(source.vertex, seen))


def _close(c: Context, bad: list[BadFacet]) -> None:
    """What the run as a whole keeps of its datasets' facets."""
    if c.run is None:
        return
    kept: dict[str, Any] = {}
    if c.statistics:
        kept["statistics"] = sorted(c.statistics, key=repr)
    if c.lifecycle:
        kept["lifecycle"] = sorted(c.lifecycle, key=repr)
    if bad:
        kept["bad_facets"] = sorted({f"{b.where}.{b.facet}" for b in bad})
    if kept:
        c.facts.vertex(c.run, {name: newest(c.time, value) for name, value in kept.items()})

"""What the rules about lineage need: sources, outputs, the ends of jobs, and which run is the latest."""

from __future__ import annotations

from collections.abc import Iterable

from lineagegraph import rules
from lineagegraph.facts import Vertex
from lineagegraph.needs.alike import names
from lineagegraph.needs.hops import DAYS, ENDS, HELD, JOB, MADE, MAKERS, NAMED, RUN, USERS
from lineagegraph.reader import Reader


def ahead(reader: Reader, datasets: Iterable[Vertex], levels: int) -> None:
    """Most of what `sources` needs for so many levels above these datasets, whether current or not, in two requests."""
    reader.fetch_all(guess=(sorted(datasets), (*NAMED, *MADE) * levels + NAMED))
    names(reader, guess=(_latest(reader, reader.view.all("Pipeline")).values(), RUN))


def _latest(reader: Reader, pipelines: Iterable[Vertex]) -> dict[Vertex, Vertex]:
    """The runs that the pipelines' registers name as their latest completed ones."""
    view = reader.view
    return {p: run for p in pipelines if (run := rules.latest_stated(view, p))}


def sources(reader: Reader, outputs: Iterable[Vertex], all_time: bool = False, until: int | None = None) -> None:
    """For `sources` of these outputs."""
    outputs = list(outputs)
    names(reader, outputs)
    reader.fetch({name for output in outputs for name in rules.names_of(reader.view, output)}, MAKERS)
    names(reader)
    view = reader.view
    all_names = {name for output in outputs for name in rules.names_of(view, output)}
    makers = {
        p for name in all_names for label in ("GENERATED_BY", "STATES_LINEAGE_OF") for p in view.into(label, name)
    }
    current(reader, makers, all_time, until)


def outputs(reader: Reader, datasets: Iterable[Vertex]) -> None:
    """For `outputs_of` these datasets."""
    datasets = list(datasets)
    names(reader, datasets)
    reader.fetch({name for dataset in datasets for name in rules.names_of(reader.view, dataset)}, USERS)
    names(reader)


def jobs(reader: Reader, pipelines: Iterable[Vertex], all_time: bool = False, until: int | None = None) -> None:
    """For `inputs_of` and `made_by` these pipelines."""
    pipelines = sorted(pipelines)
    reader.fetch(pipelines, JOB)
    names(reader)
    current(reader, pipelines, all_time, until)


def current(reader: Reader, pipelines: Iterable[Vertex], all_time: bool = False, until: int | None = None) -> None:
    """For `latest_run`, `current_since`, `made` and `came_true` of these pipelines."""
    pipelines = sorted(pipelines)
    hints = _latest(reader, pipelines)
    reader.fetch_all(([p for p in pipelines if p not in hints], DAYS[:1]), (hints.values(), RUN))
    for pipeline in (p for p in hints if rules.latest_run(reader.view, p, until) is None):
        _latest_before(reader, pipeline, until)
    names(reader)
    if until is not None:
        return
    since = {p: day for p in pipelines if (day := rules.unsettled(reader.view, p, all_time)) is not None}
    reader.fetch(since, DAYS)
    reader.fetch((day for p, first in since.items() for day in days_since(reader, p, first)), (HELD, ENDS))
    names(reader)


def _latest_before(reader: Reader, pipeline: Vertex, until: int | None = None) -> None:
    """The newest completed run, where the register names one that failed after all or is too new: day by day back."""
    reader.fetch([pipeline], DAYS)
    enough, last = "", "~" if until is None else rules.day_of(until)
    for day in sorted(days_since(reader, pipeline), key=lambda vertex: vertex.key[1], reverse=True):
        if day.key[1] > last:
            continue
        if day.key[1] < enough:
            return
        reader.fetch([day], (HELD, ENDS))
        if (run := rules.latest_run(reader.view, pipeline, until)) is not None:
            enough = rules.day_of(reader.view.number(run, "completed_at") or 0)


def days_since(reader: Reader, owner: Vertex, first: str = "") -> list[Vertex]:
    """The owner's day Buckets from that day on. Needs DAYS out of the owner."""
    years = reader.view.out("BUCKET", owner)
    return [day for year in years for day in reader.view.out("BUCKET", year) if day.key[1] >= first]

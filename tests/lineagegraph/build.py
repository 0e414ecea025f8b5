"""Events in one line each, and what the rules see of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Union

import orjson

from lineagegraph.corrections import NONE, Corrections
from lineagegraph.facts import Facts, Vertex, fold
from lineagegraph.naming import Naming
from lineagegraph.view import View
from mappers import decode, map_event

LAKE = "s3://lake"
DAY = 24 * 60
Event = dict[str, Any]


def moment(minutes: float) -> str:
    """So many minutes after the first of November 2026."""
    seconds = int(minutes * 60)
    days, rest = divmod(seconds, DAY * 60)
    return f"2026-11-{1 + days:02}T{rest // 3600:02}:{rest // 60 % 60:02}:{rest % 60:02}Z"


def ds(
    name: str,
    *,
    namespace: str = LAKE,
    version: str | None = None,
    scanned: float | None = None,
    reported: float | None = None,
    rows: int | None = None,
    of: Iterable[str] | None = None,
    change: str | None = None,
    was: str | None = None,
    called: str | None = None,
    columns: Iterable[str] | None = None,
    kind: str | None = None,
) -> dict[str, Any]:
    """A dataset of an event. `of`: its column lineage; `change`, `was`: lifecycle; `called`: its catalogue's name."""
    facets: dict[str, Any] = {}
    if version is not None:
        facets["version"] = {"datasetVersion": version}
    if of is not None:
        fields = [{"namespace": LAKE, "name": source, "field": "id"} for source in of]
        facets["columnLineage"] = {"fields": {"id": {"inputFields": fields}}}
    if change is not None:
        facets["lifecycleStateChange"] = {"lifecycleStateChange": change}
        if was is not None:
            facets["lifecycleStateChange"]["previousIdentifier"] = {"namespace": namespace, "name": was}
    if called is not None:
        facets["symlinks"] = {"identifiers": [{"namespace": "catalog", "name": called, "type": "TABLE"}]}
    if columns is not None:
        facets["schema"] = {"fields": [{"name": column, "type": "long"} for column in columns]}
    if kind is not None:
        facets["datasetType"] = {"datasetType": kind}
    made: dict[str, Any] = {"namespace": namespace, "name": name, "facets": facets}
    if scanned is not None:
        made["inputFacets"] = {"icebergScanReport": {"snapshotId": scanned}}
    if reported is not None:
        made.setdefault("outputFacets", {})["icebergCommitReport"] = {"snapshotId": reported}
    if rows is not None:
        made.setdefault("outputFacets", {})["outputStatistics"] = {"rowCount": rows}
    return made


def event(
    kind: str | None,
    at: float,
    inputs: Iterable[dict[str, Any]] = (),
    outputs: Iterable[dict[str, Any]] = (),
    *,
    run: str = "r1",
    job: str = "job",
    parent: str | None = None,
    processing: str | None = "BATCH",
) -> Event:
    """A run event, so many minutes after the first day began."""
    made: Event = {
        "eventTime": moment(at),
        "run": {"runId": run, "facets": {}},
        "job": {"namespace": "made", "name": job, "facets": {}},
        "inputs": list(inputs),
        "outputs": list(outputs),
    }
    if kind is not None:
        made["eventType"] = kind
    if processing is not None:
        made["job"]["facets"]["jobType"] = {"processingType": processing, "integration": "MADE"}
    if parent is not None:
        made["run"]["facets"]["parent"] = {"run": {"runId": parent}, "job": {"namespace": "made", "name": "app"}}
    return made


def ran(
    at: float, inputs: Iterable[dict[str, Any]] = (), outputs: Iterable[dict[str, Any]] = (), **more: Any
) -> list[Event]:
    """A run of one minute that completed: both events name all."""
    inputs, outputs = list(inputs), list(outputs)
    bare = [{k: v for k, v in d.items() if k != "outputFacets"} for d in outputs]
    bare = [{**d, "facets": {k: v for k, v in d["facets"].items() if k != "version"}} for d in bare]
    return [event("START", at, inputs, bare, **more), event("COMPLETE", at + 1, inputs, outputs, **more)]


def failed(
    at: float, inputs: Iterable[dict[str, Any]] = (), outputs: Iterable[dict[str, Any]] = (), **more: Any
) -> list[Event]:
    """The same, but it failed."""
    start, end = ran(at, inputs, outputs, **more)
    return [start, {**end, "eventType": "FAIL"}]


Events = Union[Event, Sequence["Events"]]  # noqa: UP007  (a type that names itself)


def flat(events: Events) -> Iterator[Event]:
    """One event after another, however they are nested."""
    if isinstance(events, dict):
        yield events
    else:
        for some in events:
            yield from flat(some)


def mapped(one: Event) -> Facts:
    """What one event states."""
    return map_event(decode(orjson.dumps(one)), Naming()).facts


def facts(*events: Events) -> Facts:
    """What these events state together."""
    return fold(map(mapped, flat(events)))


def view(*events: Events, corrections: Corrections = NONE) -> View:
    """What the rules see of these events."""
    return View(facts(*events), corrections)


def dataset(name: str, namespace: str = LAKE) -> Vertex:
    """A Dataset by its name."""
    return Vertex("Dataset", (namespace, name))


def a_run(run: str = "r1") -> Vertex:
    """A Run by its id."""
    return Vertex("Run", (run,))


def pipeline(job: str = "job") -> Vertex:
    """A Pipeline by its job's name."""
    return Vertex("Pipeline", ("made", job))

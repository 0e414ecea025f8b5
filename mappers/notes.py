"""Why an event became what it became: ignored facets, identity decisions and warnings, for people.

Made on request only, so that mapping itself spends nothing on it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from lineagegraph.facts import Facts, Vertex
from lineagegraph.naming import Naming
from mappers import names
from mappers.event import Dataset, Event
from mappers.facets import FACETS, UNKNOWN
from mappers.mapping import Mapped

Note = dict[str, str]
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def notes(event: Event, mapped: Mapped, naming: Naming) -> list[Note]:
    """Each note once, as {"kind": ignored | identity | warning, "about": …, "says": …}."""
    rows = [_note("warning", f"{b.where}.{b.facet}", f"the facet is left out: {b.reason}") for b in mapped.bad_facets]
    rows += _warnings(event, mapped.facts)
    rows += _renamed(event, naming)
    rows += _stated(event, mapped.facts)
    rows += _ignored(event)
    unique = {(row["kind"], row["about"], row["says"]): row for row in rows}
    return list(unique.values())


def _note(kind: str, about: str, says: str) -> Note:
    return {"kind": kind, "about": about, "says": says}


def _warnings(event: Event, facts: Facts) -> Iterator[Note]:
    if event.run and event.event_type is None:
        yield _note("warning", "eventType", "is missing: the event changes no state")
    if event.dataset and (event.run or event.job):
        kind = "RunEvent" if event.run else "JobEvent"
        yield _note("warning", "dataset", f"is passed over: a {event.kind} makes this a {kind}")
    if event.run and not _UUID.fullmatch(event.run.id):
        yield _note("warning", f"run {event.run.id}", "has an id that is no UUID: it is taken as it is")
    for dataset in event.outputs:
        typed = dataset.facets.get("datasetType")
        is_model = isinstance(typed, dict) and str(typed.get("datasetType")).upper() == "MODEL"
        if is_model and event.run and not dataset.facets.get("version"):
            yield _note("warning", f"{dataset.namespace} {dataset.name}", "is a model without a version: no Model")
    for vertex, properties in facts.vertices.items():
        for name, value in properties.items():
            if isinstance(value, str) and "***" in value:
                says = "holds ***: a secret was cut out, here or by the producer"
                yield _note("warning", f"{vertex.label}.{name}", says)


def _renamed(event: Event, naming: Naming) -> Iterator[Note]:
    """Names that are not kept as the event gives them."""
    if event.job:
        key = names.pipeline(event.job.namespace, event.job.name, naming).key
        if key != (event.job.namespace, event.job.name):
            yield _note("identity", f"job {event.job.name}", f"is the pipeline {key[1]} ({key[0]})")
    for dataset in _datasets(event):
        vertex = names.dataset(dataset.namespace, dataset.name, naming)
        about = f"{dataset.namespace} {dataset.name}"
        if (found := naming.artificial("/".join(vertex.key))) is not None:
            yield _note("identity", about, f"is left out: artificial by {found!r}")
        elif vertex.key != (dataset.namespace, dataset.name):
            yield _note("identity", about, f"is the dataset {_called(vertex)}")


def _stated(event: Event, facts: Facts) -> Iterator[Note]:
    """What the event says of names that are one thing."""
    for label, source, target in facts.edges:
        if label == "SAME_AS":
            yield _note("identity", _called(target), f"is claimed as its name by {_called(source)}")
        elif label == "RENAMED_TO":
            yield _note("identity", _called(source), f"is renamed to {_called(target)}, if the run completes")
        elif label == "TRAINED_BY":
            yield _note("identity", _called(source), f"is version {source.key[2]} of a model, if the run completes")
    for dataset in _datasets(event):
        kept = names.normalised(dataset.namespace, dataset.name)
        if any(str(link.get("name")).strip("/") == "" for link in _links(dataset)):
            yield _note("identity", f"{kept[1]} ({kept[0]})", "the symlink / is no name: it is left out")
    if event.run and not any(vertex.label == "Run" for vertex in facts.vertices):
        yield _note("identity", f"run {event.run.id}", "is a definition: it states topology, nothing ran")


def _links(dataset: Dataset) -> list[dict[str, Any]]:
    symlinks = dataset.facets.get("symlinks")
    links = symlinks.get("identifiers") if isinstance(symlinks, dict) else None
    return [link for link in links if isinstance(link, dict)] if isinstance(links, list) else []


def _ignored(event: Event) -> Iterator[Note]:
    places: list[tuple[str, dict[str, Any]]] = []
    places += [("run", event.run.facets)] if event.run else []
    places += [("job", event.job.facets)] if event.job else []
    for dataset in _datasets(event):
        places += [("dataset", dataset.facets), ("input", dataset.input_facets), ("output", dataset.output_facets)]
    for where, facets in places:
        for name in facets:
            row = FACETS.get((where, name))
            says = row.says if row else UNKNOWN
            if says.startswith("ignored: "):
                yield _note("ignored", f"{where}.{name}", says.removeprefix("ignored: "))


def _datasets(event: Event) -> list[Dataset]:
    return [*event.inputs, *event.outputs, *([event.dataset] if event.dataset and not event.job else [])]


def _called(vertex: Vertex) -> str:
    return f"{vertex.key[1]} ({vertex.key[0]})"

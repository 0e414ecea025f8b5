"""Why an event became what it became: ignored facets, identity decisions and warnings, for people.

Made on request only, so that mapping itself spends nothing on it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from lineagegraph.naming import Naming
from mappers import names
from mappers.event import Dataset, Event
from mappers.facets import FACETS, UNKNOWN
from mappers.mapping import Mapped


def notes(event: Event, mapped: Mapped, naming: Naming) -> list[dict[str, str]]:
    """Each note as {"kind": ignored | identity | warning, "about": …, "says": …}."""
    rows = [{"kind": "warning", "about": f"{b.where}.{b.facet}", "says": b.reason} for b in mapped.bad_facets]
    rows += _warnings(event)
    rows += _identity(event, naming)
    rows += _ignored(event)
    unique = {(row["kind"], row["about"], row["says"]): row for row in rows}
    return list(unique.values())


def _warnings(event: Event) -> Iterator[dict[str, str]]:
    if event.run and event.event_type is None:
        yield {"kind": "warning", "about": "eventType", "says": "is missing: the event changes no state"}
    if event.run and event.dataset:
        yield {"kind": "warning", "about": "dataset", "says": "is passed over: a run makes this a RunEvent"}


def _identity(event: Event, naming: Naming) -> Iterator[dict[str, str]]:
    if event.job:
        key = names.pipeline(event.job.namespace, event.job.name, naming).key
        if key != (event.job.namespace, event.job.name):
            yield {"kind": "identity", "about": f"job {event.job.name}", "says": f"is the pipeline {key[1]}"}
    for dataset in _datasets(event):
        key = names.dataset(dataset.namespace, dataset.name, naming).key
        about = f"{dataset.namespace} {dataset.name}"
        if (found := naming.artificial("/".join(key))) is not None:
            yield {"kind": "identity", "about": about, "says": f"is left out: artificial by {found!r}"}
        elif key != (dataset.namespace, dataset.name):
            yield {"kind": "identity", "about": about, "says": f"is the dataset {key[0]} {key[1]}"}


def _ignored(event: Event) -> Iterator[dict[str, str]]:
    places: list[tuple[str, dict[str, Any]]] = []
    places += [("run", event.run.facets)] if event.run else []
    places += [("job", event.job.facets)] if event.job else []
    for dataset in _datasets(event):
        places += [("dataset", dataset.facets), ("input", dataset.input_facets), ("output", dataset.output_facets)]
    for where, facets in places:
        for name in facets:
            row = FACETS.get((where, name))
            if row is None or row.says.startswith("ignored"):
                yield {"kind": "ignored", "about": f"{where}.{name}", "says": row.says if row else UNKNOWN}


def _datasets(event: Event) -> list[Dataset]:
    return [*event.inputs, *event.outputs, *([event.dataset] if event.dataset and not event.job else [])]

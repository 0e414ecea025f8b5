"""Facets that name a version of a dataset: which evidence names it is the label of the edge, never more than that.

The version facet shows what its producer saw, which need not be what was read or written; Iceberg's reports are
its own word. What follows from all of them together is for the rules.
"""

from __future__ import annotations

from typing import Any

from mappers.context import Context, Place
from mappers.fields import Unfit, number, required, snapshot_id

Facet = dict[str, Any]


def claimant(c: Context, p: Place) -> str | None:
    """The run on whose success a statement about the dataset depends: what is read is there, whatever comes of it."""
    return c.run.key[0] if c.run and p.role == "output" else None


def version(c: Context, p: Place, facet: Facet) -> None:
    """The version the producer saw: of an input at START that is likely what was read, later it may not be."""
    value = facet.get("datasetVersion")
    said = snapshot_id(value) if isinstance(value, int | float) else required(facet, "datasetVersion")
    if said is None:
        raise Unfit("datasetVersion is negative")
    if isinstance(value, str) and said.startswith("~"):
        raise Unfit("datasetVersion starts with ~")
    p.version = said
    seen = c.name_version(p.vertex, said)
    c.say(p.vertex, version=[said, claimant(c, p)])
    if c.run is None:
        return
    if p.role == "input":
        at_start = c.event.event_type == "START"
        c.facts.edge("READ_AT_START" if at_start else "READ_LATER", c.run, seen)
    elif p.role == "output":
        c.facts.edge("WROTE_NAMED", c.run, seen)
        c.facts.vertex(seen, {"first_output_namer": c.earliest(c.run.key[0])})


def scan_report(c: Context, p: Place, facet: Facet) -> None:
    """Iceberg's own word on the snapshot that was scanned."""
    said = snapshot_id(facet.get("snapshotId"))
    if said is None or c.run is None:
        return
    p.scanned = said
    c.facts.edge("READ_SCANNED", c.run, c.name_version(p.vertex, said))


def commit_report(c: Context, p: Place, facet: Facet) -> None:
    """A commit of this Spark job; it may be repeated on later runs, so it proves nothing alone."""
    said = snapshot_id(facet.get("snapshotId"))
    if said is not None and c.run is not None:
        made = c.name_version(p.vertex, said)
        c.facts.edge("WROTE_REPORTED", c.run, made)
        c.facts.vertex(made, {"first_output_namer": c.earliest(c.run.key[0])})


def output_statistics(c: Context, p: Place, facet: Facet) -> None:
    """That something was written, and how much."""
    counts = [number(facet, name) for name in ("rowCount", "size", "fileCount")]
    c.statistics.append([*p.vertex.key, *counts])

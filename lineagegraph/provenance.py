"""From one snapshot back through the runs that made it to every snapshot that it was made of, with certainty.

An engine does not tell that an append also keeps what was there before: earlier snapshots of the same dataset are
named only where a run read them.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from lineagegraph import needs, rules
from lineagegraph.errors import NotFound
from lineagegraph.facts import Vertex
from lineagegraph.lineage import Cut
from lineagegraph.reader import Reader

MOST_SNAPSHOTS = 5_000  # in one answer
NO_WRITER = "no run is known to have written this snapshot"
NO_VERSION = "the snapshot is not known"


@dataclass(frozen=True, slots=True)
class Origin:
    """One snapshot made of another by a run: `wrote` is the certainty that the run wrote `target`."""

    depth: int
    target: rules.Snapshot
    run: Vertex
    pipeline: Vertex | None
    wrote: rules.Certainty
    source: rules.Snapshot


@dataclass(frozen=True, slots=True)
class End:
    """A snapshot behind which nothing is known, and why."""

    snapshot: rules.Snapshot
    reason: str


@dataclass(frozen=True, slots=True)
class Provenance:
    """Everything a snapshot was made of, nearest first; `writers` are the runs that may have written it itself."""

    start: rules.Snapshot
    writers: tuple[tuple[Vertex, rules.Snapshot], ...]
    origins: tuple[Origin, ...]
    ends: tuple[End, ...]
    cut: Cut | None


def provenance(reader: Reader, dataset: Vertex, version: str, depth: int = 10) -> Provenance:
    """What this snapshot of a dataset was made of. Raises NotFound if nothing names the snapshot."""
    start = rules.Snapshot(dataset, version, rules.EXACT, None)
    writers = _writers(reader, [start])[start]
    if not _known(reader, start):
        raise NotFound(f"No snapshot {version!r} of {dataset.key[1]} is known.")
    origins: list[Origin] = []
    ends: dict[rules.Snapshot, End] = {}
    seen, front, why = {_key(start)}, [start], None
    for number in range(1, depth + 1):
        why = reader.exhausted or ("size" if len(seen) >= MOST_SNAPSHOTS else None)
        if why or not front:
            break
        new = list(_made_of(reader, front, ends))
        origins += [replace(row, depth=number) for row in new]
        front = []
        for row in new:
            if row.source.version is None:
                ends[row.source] = End(row.source, NO_VERSION)
            elif _key(row.source) not in seen:
                seen.add(_key(row.source))
                front.append(row.source)
    cut = Cut(why, tuple(sorted({s.dataset for s in front}))) if why and front else None
    if cut is None and reader.unfinished:
        cut = Cut("edges", tuple(sorted(reader.unfinished)))
    return Provenance(start, tuple(writers), tuple(origins), tuple(ends.values()), cut)


def _key(snapshot: rules.Snapshot) -> tuple[Vertex, str | None]:
    return snapshot.dataset, snapshot.version


def _vertices(reader: Reader, snapshot: rules.Snapshot) -> list[Vertex]:
    """The version under every name of its dataset."""
    names = sorted(rules.names_of(reader.view, snapshot.dataset))
    return [Vertex("DatasetVersion", (*name.key, snapshot.version or "")) for name in names]


def _known(reader: Reader, snapshot: rules.Snapshot) -> bool:
    return any(reader.view.knows(vertex) for vertex in _vertices(reader, snapshot))


def _writers(
    reader: Reader, snapshots: Iterable[rules.Snapshot]
) -> dict[rules.Snapshot, list[tuple[Vertex, rules.Snapshot]]]:
    """Of each snapshot the runs that wrote it, with how certain that is."""
    snapshots = list(snapshots)
    needs.names(reader, {snapshot.dataset for snapshot in snapshots})
    versions = {v for snapshot in snapshots for v in _vertices(reader, snapshot)}
    needs.namers(reader, versions)
    return {s: rules.writers_of(reader.view, s.dataset, s.version or "") for s in snapshots}


def _made_of(reader: Reader, front: list[rules.Snapshot], ends: dict[rules.Snapshot, End]) -> Iterable[Origin]:
    writers = _writers(reader, front)
    runs = {run for rows in writers.values() for run, _ in rows}
    needs.runs_made_of(reader, runs)
    for target in front:
        if not writers[target]:
            ends[target] = End(target, NO_WRITER)
        for run, wrote in writers[target]:
            for source in rules.made_of(reader.view, run, target.dataset):
                yield Origin(0, target, run, rules.pipeline_of(reader.view, run), wrote.certainty, source)

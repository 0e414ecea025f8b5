"""Rules about snapshots: what a version is called exactly, and which snapshots a run read.

Every answer about a snapshot carries its certainty and its evidence; where the facts do not tell, the answer
is *unknown*: never a guess.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from lineagegraph.facts import Vertex, identity
from lineagegraph.rules.names import names_of, physical
from lineagegraph.rules.runs import one_statement, started_at
from lineagegraph.view import View, remembered

Certainty = Literal["exact", "likely", "approximate", "unknown"]
EXACT: Certainty = "exact"
LIKELY: Certainty = "likely"
APPROXIMATE: Certainty = "approximate"
UNKNOWN: Certainty = "unknown"
CERTAINTIES = (EXACT, LIKELY, APPROXIMATE, UNKNOWN)


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A version of a dataset that a run read or wrote. `version` is None where it is not known.

    An approximate version is `~` and the damaged number.
    """

    dataset: Vertex
    version: str | None
    certainty: Certainty
    evidence: str | None


def snapshots_read(view: View, run: Vertex) -> list[Snapshot]:
    """What the run read: per input the snapshot that was scanned, else the one seen at START, else a later one.

    A version seen after START may be the one that the run itself wrote, or that another wrote meanwhile.
    Needs READ, WROTE and the READ_* edges out of the runs of `one_statement`, the Datasets as `physical` does,
    and the DatasetVersions that round to the same number as a damaged one (index byRoundedVersion).
    """
    family = one_statement(view, run)
    written = {physical(view, dataset) for member in family for dataset in view.out("WROTE", member)}
    inputs = {physical(view, d) for d in view.out("READ", run) if d.label == "Dataset"}
    return [row for dataset in sorted(inputs) for row in _read(view, family, dataset, dataset in written)]


def _read(view: View, family: list[Vertex], dataset: Vertex, also_written: bool) -> list[Snapshot]:
    for run in family:  # itself first: only what it does not show is taken from the other run of its statement
        if scanned := seen(view, "READ_SCANNED", [run], dataset):
            # Two snapshots of one table in one statement are two inputs of one name: each is a row.
            return rows_of({settled(view, dataset, version, EXACT, "READ_SCANNED") for version in scanned})
    if at_start := seen(view, "READ_AT_START", family, dataset):
        return rows_of({settled(view, dataset, version, LIKELY, "READ_AT_START") for version in at_start})
    later = seen(view, "READ_LATER", family, dataset)
    rows = rows_of({settled(view, dataset, version, LIKELY, "READ_LATER") for version in later})
    if len(rows) == 1 and not also_written and not _made_meanwhile(view, family, dataset, later):
        return rows
    return [Snapshot(dataset, None, UNKNOWN, None)]


def _made_meanwhile(view: View, family: list[Vertex], dataset: Vertex, versions: Iterable[Vertex]) -> bool:
    """Whether another run may have written one of these versions after this statement began to read."""
    began = min((at for run in family if (at := started_at(view, run)) is not None), default=None)
    return any(
        began is not None
        and (first_named(view, dataset, version) or 0) > began
        and first_namer(view, dataset, version) not in (None, *family)
        for version in versions
    )


def rows_of(rows: set[Snapshot]) -> list[Snapshot]:
    """Snapshots of one dataset in a stable order."""
    return sorted(rows, key=lambda row: row.version or "")


def seen(view: View, label: str, runs: Iterable[Vertex], dataset: Vertex) -> set[Vertex]:
    """The versions of a dataset, under any of its names, that these runs point to with edges of this label."""
    found = {version for run in runs for version in view.out(label, run)}
    names = {name.key for name in names_of(view, dataset)} if found else ()
    return {version for version in found if version.key[:2] in names}


def settled(view: View, dataset: Vertex, version: Vertex, certainty: Certainty, evidence: str) -> Snapshot:
    """The version as an answer; a damaged number is exact only if just one exact version rounds to it.

    Needs what `twins` needs.
    """
    if not version.key[2].startswith("~"):
        return Snapshot(dataset, version.key[2], certainty, evidence)
    matches = {v.key[2] for v in twins(view, dataset, version) if not v.key[2].startswith("~")}
    if len(matches) == 1:
        return Snapshot(dataset, matches.pop(), certainty, evidence)
    return Snapshot(dataset, version.key[2], APPROXIMATE, evidence)


def rounded(version: Vertex) -> str | None:
    """The double that the version's number becomes; None for what is no snapshot id."""
    return identity(version).get("rounded")


def twins(view: View, dataset: Vertex, version: Vertex) -> list[Vertex]:
    """The same version under all names of the dataset, and whatever cannot be told from it by a damaged number.

    Needs the DatasetVersions of that rounded number (index byRoundedVersion), for each name of the dataset.
    """
    number = rounded(version)
    names = names_of(view, dataset)
    if number is None:
        found = (Vertex("DatasetVersion", (*name.key, version.key[2])) for name in names)
        return [vertex for vertex in found if view.knows(vertex)]
    return [v for name in names for v in _by_number(view).get((name.key, number), ())]


def first_named(view: View, dataset: Vertex, version: Vertex) -> int | None:
    """When anything first named the version in any role, in milliseconds. Needs what `twins` finds.

    A damaged number may be any version that rounds to it, and was named when the first of them was.
    """
    texts = {version.key[2], f"~{rounded(version)}"}
    found = [v for v in twins(view, dataset, version) if version.key[2].startswith("~") or v.key[2] in texts]
    times = (view.number(v, "first_named_at") for v in found)
    return min((at for at in times if at is not None), default=None)


def first_namer(view: View, dataset: Vertex, version: Vertex) -> Vertex | None:
    """The run that was the first to name this very version as an output. Needs the DatasetVersion."""
    stated = [
        (at, view.text(v, "first_output_namer"))
        for v in twins(view, dataset, version)
        if v.key[2] == version.key[2] and (at := view.stated_at(v, "first_output_namer")) is not None
    ]
    return Vertex("Run", (min(stated)[1],)) if stated else None


@remembered
def _by_number(view: View) -> dict[tuple[tuple[str, ...], str], list[Vertex]]:
    found: dict[tuple[tuple[str, ...], str], list[Vertex]] = {}
    for version in view.all("DatasetVersion"):
        if (number := rounded(version)) is not None:
            found.setdefault((version.key[:2], number), []).append(version)
    return found

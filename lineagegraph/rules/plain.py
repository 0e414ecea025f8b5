"""The plain case: what `sources` and `snapshots_read` come to where nothing has to be weighed, found in few steps.

Most datasets are made by pipelines whose latest run completed, wrote them and read all that is stated; no client speaks
of them, and no name of theirs was ever another's. Here is no rule of its own: whatever is not as plain as that gives
None, and the rules decide. The tests hold both against each other.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from operator import itemgetter
from typing import Any

import orjson

from lineagegraph.facts import Vertex
from lineagegraph.rules.lineage import Basis, Source
from lineagegraph.rules.runs import day_of
from lineagegraph.rules.snapshots import EXACT, LIKELY, UNKNOWN, Certainty, Snapshot
from lineagegraph.view import CLIENT, View, remembered

SEEN: tuple[tuple[str, Certainty], ...] = (("READ_SCANNED", EXACT), ("READ_AT_START", LIKELY), ("READ_LATER", LIKELY))
Days = Mapping[Vertex, Any]  # the newest day (text) of edges, by what stands at their other end
Snapshots = dict[Vertex, tuple[Snapshot, ...]]  # by the physical dataset that was read
_NOTHING: dict[Vertex, Any] = {}  # shared, never written


@dataclass(slots=True)
class Latest:
    """A pipeline's latest run, since when the pipeline's edges are current, and what the two read and wrote."""

    run: Vertex
    since: str
    reads: Days
    read: set[Vertex]
    wrote: set[Vertex]


@dataclass(slots=True)
class Makers:
    """The pipelines that write an output, and that state its lineage; and the latest runs of all of them."""

    wrote: Days
    said: Days
    latest: dict[Vertex, Latest]


class Plain:
    """The plain case over one state of a view."""

    def __init__(self, view: View) -> None:
        self._view = view
        self._stored, self._owner = view.stored, view.claims
        self._doubtful = set(view.clients)  # names that are not plainly their own, or another's
        for name, owner in self._owner.items():
            if owner in self._owner or view.stored(owner) is None or owner.key[0] == CLIENT:
                self._doubtful |= {name, owner}
        self._generated, self._stating = view.arriving("GENERATED_BY"), view.arriving("STATES_LINEAGE_OF")
        self._derived, self._consumes = view.leaving("DERIVED_FROM"), view.leaving("CONSUMES")
        self._read, self._wrote, self._run_of = (view.leaving(label) for label in ("READ", "WROTE", "RUN_OF"))
        self._seen = [(label, certainty, view.leaving(label)) for label, certainty in SEEN]
        self._ran = view.leaving("BUCKET")
        self._latest: dict[Vertex, Latest | None] = {}

    def names(self, dataset: Vertex) -> tuple[Vertex, ...] | None:
        """All names of a dataset, itself first; None if its names have a history, or a client may speak of it."""
        if not self._view.corrections.none or dataset in self._doubtful or dataset in self._owner:
            return None
        claimed = self._view.claimed(dataset)
        for name in claimed:
            if self._owner.get(name) != dataset or name in self._doubtful:
                return None
        return (dataset, *claimed)

    def makers(self, names: tuple[Vertex, ...]) -> Makers | None:
        """The pipelines that made an output with these names."""
        wrote, said = _newest(self._generated, names), _newest(self._stating, names)
        latest, known, output = {}, self._latest, names[0]
        for pipeline in wrote.keys() | said.keys() if said.keys() != wrote.keys() else wrote:
            one = known[pipeline] if pipeline in known else self.latest(pipeline)
            if one is None or output not in one.wrote:
                return None
            latest[pipeline] = one
        return Makers(wrote, said, latest)

    def sources(self, output: Vertex, names: tuple[Vertex, ...], makers: Makers) -> list[Source] | None:
        """The current `sources` of an output."""
        stated = self._owned(_newest(self._derived, names))
        if stated is None:
            return None
        found: dict[Vertex, tuple[Basis, list[Vertex]]] = {}
        wrote, said = makers.wrote, makers.said
        if not said:
            found = {source: ("stated", []) for source in stated}
        speaking = [makers.latest[pipeline].reads for pipeline in said]
        for pipeline, latest in sorted(makers.latest.items(), key=_first):
            since, reads, read = latest.since, latest.reads, latest.read
            its: list[Vertex] = []
            speaks = pipeline in said and said[pipeline] >= since
            if speaks:
                its = [source for source, day in stated.items() if day >= since and _its(source, reads, speaking)]
            rows: list[tuple[Vertex, Basis]] = [(source, "stated") for source in its]
            if (not speaks or its == [output]) and wrote.get(pipeline, "") >= since and pipeline in wrote:
                rows += [(source, "inferred") for source, day in reads.items() if day >= since and source not in its]
            for source, basis in rows:
                if source not in read and source in reads and reads[source] >= since:
                    return None  # other runs may have read it, and made nothing of it
                before = found.get(source)
                if before is None:
                    found[source] = (basis, [pipeline])
                else:
                    found[source] = ("stated" if basis == "stated" else before[0], [*before[1], pipeline])
        rows_ = sorted(found.items(), key=_first) if len(found) > 1 else found.items()
        return [Source(dataset, basis, tuple(pipelines)) for dataset, (basis, pipelines) in rows_]

    def latest(self, pipeline: Vertex) -> Latest | None:
        """The pipeline's latest run, if it plainly completed and nothing is known of others."""
        known = self._latest
        if pipeline not in known:
            known[pipeline] = self._find_latest(pipeline)
        return known[pipeline]

    def _find_latest(self, pipeline: Vertex) -> Latest | None:
        hint = (self._stored(pipeline) or _NO_PROPERTIES).get("latest_run")
        if hint is None or pipeline in self._ran:
            return None
        run = Vertex("Run", (orjson.loads(str(hint)[14:]),))  # what follows the moment, see `registers`
        ended: Mapping[str, Any] = self._stored(run) or _NO_PROPERTIES
        completed, started = ended.get("completed_at"), ended.get("latest_start_at")
        if completed is None or "failed_at" in ended or "aborted_at" in ended or (started or 0) > completed:
            return None
        reads = self._owned(_newest(self._consumes, (pipeline,)))
        read, wrote = self._ends(self._read.get(run, ())), self._ends(self._wrote.get(run, ()))
        if reads is None or read is None or wrote is None:
            return None
        return Latest(run, day_of(completed if started is None else started), reads, read, wrote)

    def snapshots(self, latest: Latest) -> Snapshots | None:
        """`snapshots_read` of a pipeline's latest run.

        No other run may be of the same statement, and no number damaged; what was seen later counts without more only
        where no START is known.
        """
        run, owner, doubtful, read = latest.run, self._owner, self._doubtful, latest.read
        mine = self._run_of.get(run, _NOTHING).keys()
        for output in self._wrote.get(run, ()):
            if output.label != "Dataset" or not self._generated.get(output, _NOTHING).keys() <= mine:
                return None
        found: Snapshots = {}
        for label, certainty, index in self._seen:
            rows: dict[Vertex, set[str]] = {}
            for version in index.get(run, ()):
                namespace, name, text = version.key
                dataset = Vertex("Dataset", (namespace, name))
                if dataset in doubtful or text[:1] == "~":
                    return None
                dataset = owner.get(dataset, dataset)
                if dataset in read and dataset not in found:
                    rows.setdefault(dataset, set()).add(text)
            if label == "READ_LATER" and rows and self._weighs(latest, rows):
                return None
            for dataset, texts in rows.items():
                found[dataset] = tuple([Snapshot(dataset, text, certainty, label) for text in sorted(texts)])
        if len(found) < len(read):
            for dataset in read - found.keys():
                found[dataset] = (Snapshot(dataset, None, UNKNOWN, None),)
        return found

    def _weighs(self, latest: Latest, rows: dict[Vertex, set[str]]) -> bool:
        """Whether a version that was seen later may have been made meanwhile, or is one of several."""
        began = "first_start_at" in (self._stored(latest.run) or _NO_PROPERTIES)
        return began or any(dataset in latest.wrote or len(texts) > 1 for dataset, texts in rows.items())

    def _owned(self, days: Days) -> Days | None:
        """The same by the datasets that these names plainly belong to."""
        owner, doubtful = self._owner, self._doubtful
        if doubtful and not doubtful.isdisjoint(days):
            return None
        if owner.keys().isdisjoint(days):
            return days
        found: dict[Vertex, str] = {}
        for name, day in days.items():
            source = owner.get(name, name)
            found[source] = max(day, found.get(source, ""))
        return found

    def _ends(self, names: Iterable[Vertex]) -> set[Vertex] | None:
        if None in map(self._stored, names):
            return None
        found = {self._owner.get(name, name) for name in names if name.label == "Dataset"}
        return None if self._doubtful and not self._doubtful.isdisjoint(names) else found


@remembered
def plain(view: View) -> Plain:
    """The plain case over a view. Needs what `sources` and `snapshots_read` need, as far as that is plain."""
    return Plain(view)


def _newest(index: Mapping[Vertex, Mapping[Vertex, str | None]], names: tuple[Vertex, ...]) -> Days:
    """What stands at the other ends of all edges of these names, each with the newest day."""
    some = [ends for name in names if (ends := index.get(name))]
    if not some:
        return _NOTHING
    if len(some) == 1 and None not in some[0].values():
        return some[0]
    found: dict[Vertex, str] = {}
    for ends in some:
        for end, day in ends.items():
            found[end] = max(day or "", found.get(end, ""))
    return found


def _its(source: Vertex, reads: Days, speaking: list[Days]) -> bool:
    """Whether a statement is of the pipeline that reads this, among those that state: of those that read the source."""
    return source in reads or not any(source in others for others in speaking)


_first = itemgetter(0)
_NO_PROPERTIES: dict[str, Any] = {}  # shared, never written

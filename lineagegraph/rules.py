"""The rules: everything that needs more than one event is inferred here, on read, and nowhere else.

Pure functions from facts to answers. Every answer about a snapshot carries its certainty and its evidence;
where the facts do not tell, the answer is *unknown*: never a guess.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

from lineagegraph.facts import Vertex
from lineagegraph.view import View

EXACT, LIKELY, APPROXIMATE, UNKNOWN = "exact", "likely", "approximate", "unknown"
NEVER = "~"  # later than every day


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A version of a dataset that a run read or wrote. `version` is None where it is not known."""

    dataset: Vertex
    version: str | None
    certainty: str
    evidence: str | None


@dataclass(frozen=True, slots=True)
class Source:
    """A dataset that an output was made of; `basis` is stated or inferred."""

    dataset: Vertex
    basis: str
    pipelines: tuple[Vertex, ...]


def run_state(view: View, run: Vertex) -> str:
    """COMPLETE, FAIL, ABORT or RUNNING.

    A run has failed iff its failure is not older than its latest START: Spark sends COMPLETE after FAIL, and
    a retry may use the id again.
    """
    started = view.number(run, "latest_start_at") or 0
    failed, aborted = view.number(run, "failed_at"), view.number(run, "aborted_at")
    if failed is not None and failed >= started:
        return "FAIL"
    if aborted is not None and aborted >= started:
        return "ABORT"
    completed = view.number(run, "completed_at")
    return "COMPLETE" if completed is not None and completed >= started else "RUNNING"


def started_at(view: View, run: Vertex) -> int | None:
    """The first moment the run is known to have started (milliseconds)."""
    return view.number(run, "first_start_at")


def pipeline_of(view: View, run: Vertex) -> Vertex | None:
    """The pipeline a run is of; where an id was reused for several, the first by name."""
    return min(view.out("RUN_OF", run), default=None)


def one_statement(view: View, run: Vertex) -> list[Vertex]:
    """The runs that execute one statement with this one: same parent, overlapping, same output.

    Spark shows CREATE TABLE AS and REPLACE TABLE AS as two runs.
    """
    mine, outputs = _span(view, run), set(view.out("WROTE", run))
    family = [run]
    for parent in view.out("PARENT", run):
        for other in view.into("PARENT", parent):
            if other not in family and outputs & set(view.out("WROTE", other)):
                theirs = _span(view, other)
                if mine and theirs and mine[0] <= theirs[1] and theirs[0] <= mine[1]:
                    family.append(other)
    return family


def _span(view: View, run: Vertex) -> tuple[int, int] | None:
    first, last = started_at(view, run), view.number(run, "seen_at")
    return (first if first is not None else last, last) if last is not None else None


def snapshots_read(view: View, run: Vertex) -> list[Snapshot]:
    """What the run read: per input the snapshot that was scanned, else the one seen at START, else a later one."""
    family = one_statement(view, run)
    written = {dataset for member in family for dataset in view.out("WROTE", member)}
    inputs = sorted(d for d in view.out("READ", run) if d.label == "Dataset")
    return [row for dataset in inputs for row in _read(view, family, dataset, dataset in written)]


def _read(view: View, family: list[Vertex], dataset: Vertex, also_written: bool) -> Iterable[Snapshot]:
    if scanned := _seen(view, "READ_SCANNED", family, dataset):
        # Two snapshots of one table in one statement are two inputs of one name: each is a row.
        rows = {_settled(view, version, EXACT, "READ_SCANNED") for version in scanned}
        return sorted(rows, key=lambda row: row.version or "")
    if at_start := _seen(view, "READ_AT_START", family, dataset):
        return [_settled(view, version, LIKELY, "READ_AT_START") for version in sorted(at_start)]
    later = _seen(view, "READ_LATER", family, dataset)
    if len(later) == 1 and not also_written:
        return [_settled(view, later.pop(), LIKELY, "READ_LATER")]
    return [Snapshot(dataset, None, UNKNOWN, None)]


def _seen(view: View, label: str, runs: Iterable[Vertex], dataset: Vertex) -> set[Vertex]:
    return {version for run in runs for version in view.out(label, run) if version.key[:2] == dataset.key}


def _settled(view: View, version: Vertex, certainty: str, evidence: str) -> Snapshot:
    """The version as an answer; a damaged number is exact only if just one exact version rounds to it."""
    dataset, text = Vertex("Dataset", version.key[:2]), version.key[2]
    if not text.startswith("~"):
        return Snapshot(dataset, text, certainty, evidence)
    matches = view.exact_versions.get((version.key[:2], text[1:]), [])
    if len(matches) == 1:
        return Snapshot(dataset, matches[0].key[2], certainty, evidence)
    return Snapshot(dataset, text, APPROXIMATE, evidence)


def snapshots_written(view: View, run: Vertex) -> list[Snapshot]:
    """What the run wrote. A version is its own only if nothing else could have made it; else it is unknown."""
    outputs = sorted(d for d in view.out("WROTE", run) if d.label == "Dataset")
    completed = run_state(view, run) == "COMPLETE"
    rows = []
    for dataset in outputs:
        own = (
            [row for v in _seen(view, "WROTE_NAMED", [run], dataset) if (row := _own(view, run, v))]
            if completed
            else []
        )
        rows += sorted(own, key=lambda row: row.version or "") or [Snapshot(dataset, None, UNKNOWN, None)]
    return rows


def _own(view: View, run: Vertex, version: Vertex) -> Snapshot | None:
    """R wrote S iff R showed that it wrote, was the first to name S as an output, and S was new after R began."""
    dataset = Vertex("Dataset", version.key[:2])
    rounded = view.text(version, "rounded")
    reported = any(v.key[2] == f"~{rounded}" or v == version for v in _seen(view, "WROTE_REPORTED", [run], dataset))
    counted = any(tuple(row[:2]) == dataset.key for row in view.text(run, "statistics") or ())
    if not (reported or counted) or view.text(version, "first_output_namer") != run.key[0]:
        return None
    began, first_named = started_at(view, run), view.number(version, "first_named_at")
    if began is None:
        certainty = LIKELY
    elif first_named is not None and first_named > began:
        certainty = EXACT
    else:
        return None
    return _settled(view, version, certainty, "WROTE_REPORTED" if reported else "WROTE_NAMED")


def physical(view: View, dataset: Vertex) -> Vertex:
    """The dataset that a logical name belongs to: the physical one that claimed it last, else itself."""
    seen = {dataset}
    while claim := view.text(dataset, "claimed_by"):
        dataset = Vertex("Dataset", tuple(claim))
        if dataset in seen:
            return min(seen)
        seen.add(dataset)
    return dataset


def latest_run(view: View, pipeline: Vertex) -> Vertex | None:
    """The pipeline's latest completed run: the one that its register names or, if that failed after all, the newest."""
    hint = view.text(pipeline, "latest_run")
    runs = [Vertex("Run", (hint,))] if hint else []
    done = [r for r in runs if run_state(view, r) == "COMPLETE"] or [
        r for r in view.into("RUN_OF", pipeline) if run_state(view, r) == "COMPLETE"
    ]
    return max(done, key=lambda r: (view.number(r, "completed_at") or 0, r), default=None)


def names_of(view: View, dataset: Vertex) -> set[Vertex]:
    """The dataset and every logical name that belongs to it."""
    linked = view.into("SAME_AS", dataset) + view.out("SAME_AS", dataset)
    return {dataset} | {name for name in linked if physical(view, name) == dataset}


def current_since(view: View, pipeline: Vertex) -> str:
    """The UTC day from which this pipeline's edges are current: that of the start of its latest completed run.

    The register is a hint: if its run failed after all, the newest completed one that the view holds takes
    its place. If no run completed everything is current, but a batch job that never completed a run made
    nothing: what a batch writes is there when it ends.
    """
    latest = latest_run(view, pipeline)
    if latest is None:
        ran = view.out("BUCKET", pipeline)  # its runs are filed there
        return NEVER if ran and view.text(pipeline, "processing_type") == "BATCH" else ""
    moment = view.number(latest, "latest_start_at") or view.number(latest, "completed_at") or 0
    return datetime.fromtimestamp(moment / 1000, UTC).strftime("%Y-%m-%d")


def sources(view: View, output: Vertex, all_time: bool = False) -> list[Source]:
    """Which datasets made this one: per pipeline its stated lineage, only else its inputs times its outputs."""
    found: dict[Vertex, dict[str, set[Vertex]]] = {}
    for name in names_of(view, output):
        _stated(view, name, all_time, found)
        _inferred(view, name, all_time, found)
    rows = []
    for dataset, bases in sorted(found.items()):
        basis = "stated" if "stated" in bases else "inferred"
        rows.append(Source(dataset, basis, tuple(sorted(set().union(*bases.values())))))
    return rows


Found = dict[Vertex, dict[str, set[Vertex]]]


def _stated(view: View, output: Vertex, all_time: bool, found: Found) -> None:
    """A stated derivation is current if it is for any pipeline that states it, or if none does.

    The edge does not say whose statement it is: among the pipelines that state this output's lineage it is
    that of those which read the source, and only if none of them does it may be anyone's.
    """
    stating = view.into("STATES_LINEAGE_OF", output)
    since = {p: "" if all_time else current_since(view, p) for p in stating}
    reads = {p: {physical(view, d) for d in view.out("CONSUMES", p)} for p in stating}
    for source, day in view.dated_out("DERIVED_FROM", output):
        source = physical(view, source)
        speaking = [p for p in stating if source in reads[p]] or stating
        if not stating or any(day >= since[p] for p in speaking):
            found.setdefault(source, {}).setdefault("stated", set()).update(speaking)


def _inferred(view: View, output: Vertex, all_time: bool, found: Found) -> None:
    for pipeline, day in view.dated_into("GENERATED_BY", output):
        since = "" if all_time else current_since(view, pipeline)
        states = dict(view.dated_out("STATES_LINEAGE_OF", pipeline)).get(output)
        if day < since or (states is not None and states >= since):
            continue
        for source, read_on in view.dated_out("CONSUMES", pipeline):
            if read_on >= since:
                found.setdefault(physical(view, source), {}).setdefault("inferred", set()).add(pipeline)

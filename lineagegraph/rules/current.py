"""Rules about time: which of a pipeline's edges are current, which were history, and which never came true."""

from __future__ import annotations

from lineagegraph.facts import Vertex
from lineagegraph.rules.names import physical
from lineagegraph.rules.runs import counts, day_of, made_data
from lineagegraph.view import View, remembered

ALWAYS, NEVER = "", "~"  # before and after every day


@remembered
def latest_run(view: View, pipeline: Vertex, until: int | None = None) -> Vertex | None:
    """The pipeline's latest completed run; with `until` (milliseconds), the latest that completed by then.

    The register is a hint: if its run failed after all, or is too new, the newest completed one that the view
    holds takes its place. Every COMPLETE of the pipeline writes it: without one no run completed.
    Needs the Pipeline and the Run that its `latest_run` names; if that does not do, the Runs (with RUN_OF) that
    HOLDS out of its Buckets leads to, the newest days first.
    """
    hint = latest_stated(view, pipeline)
    if hint is None:
        return None
    runs = [hint] if _done_by(view, hint, until) else view.into("RUN_OF", pipeline)
    done = [run for run in runs if _done_by(view, run, until)]
    return max(done, key=lambda run: (view.number(run, "completed_at") or 0, run), default=None)


def _done_by(view: View, run: Vertex, until: int | None) -> bool:
    return counts(view, run) and (until is None or (view.number(run, "completed_at") or 0) <= until)


@remembered
def latest_stated(view: View, pipeline: Vertex) -> Vertex | None:
    """The run that the pipeline's register names as its latest completed one. Needs the Pipeline."""
    run_id = view.text(pipeline, "latest_run")
    return Vertex("Run", (run_id,)) if run_id else None


@remembered
def current_since(view: View, pipeline: Vertex) -> str:
    """The UTC day from which this pipeline's edges are current: that of the start of its latest completed run.

    If no run completed everything is current, but a batch job that never completed a run made nothing: what a
    batch writes is there when it ends. Needs what `latest_run` needs, and whether BUCKET leads out of the Pipeline.
    """
    run = latest_run(view, pipeline, None)
    if run is not None:
        completed = view.number(run, "completed_at") or 0
        started = view.number(run, "latest_start_at")
        if started is not None and started > completed:  # its id is in use again: an earlier attempt completed
            started = view.number(run, "first_start_at")
        return day_of(completed if started is None else started)
    hint = latest_stated(view, pipeline)
    if hint is not None and view.number(hint, "seen_at") is None:  # retention took the run, the hint is all we have
        return day_of(view.stated_at(pipeline, "latest_run") or 0)
    ran = bool(view.out("BUCKET", pipeline) or view.into("RUN_OF", pipeline))
    return NEVER if ran and view.text(pipeline, "processing_type") == "BATCH" else ALWAYS


def made(view: View, pipeline: Vertex, output: Vertex, since: str) -> bool:
    """Whether the pipeline wrote the output since that day: not if all runs that name it failed.

    Where no run is known the statement stands. Needs WROTE out of the pipeline's Runs since that day; see
    `unsettled` for when.
    """
    writers = _writers(view, pipeline, output, since)
    return not writers or any(made_data(view, run, pipeline) for run in writers)


def came_true(view: View, pipeline: Vertex, source: Vertex, output: Vertex, since: str) -> bool:
    """Whether the pipeline made the output of that source since that day, as far as its runs are known.

    It did not if it never made the output, or if other runs read the source: failed ones, or those that made
    something else. Where no run is known the statement stands.
    Needs READ and WROTE out of the pipeline's Runs since that day; see `unsettled` for when.
    """
    writers = _writers(view, pipeline, output, since)
    good = [run for run in writers if made_data(view, run, pipeline)]
    if not good:
        return not writers
    runs = _runs_since(view, pipeline, since) if source in _stated(view, "CONSUMES", pipeline, since) else ()
    readers = [run for run in runs if source in _ends(view, "READ", run)]
    if not readers or any(run in good for run in readers):
        return True
    silent = not any(_ends(view, "READ", run) for run in good)  # the writers say nothing of their inputs
    return silent and any(made_data(view, run, pipeline) for run in readers)


def unsettled(view: View, pipeline: Vertex, all_time: bool = False) -> str | None:
    """The UTC day since which the pipeline's Runs have to be known, or None if its latest completed run is enough.

    It is enough if it read all that the pipeline states since then and wrote the outputs in question: what that
    run bears out came true. Needs what `current_since` needs, READ and WROTE out of that run, CONSUMES out of the
    Pipeline, and its GENERATED_BY into the names of those outputs.
    """
    since = ALWAYS if all_time else current_since(view, pipeline)
    inputs, outputs = (_stated(view, label, pipeline, since) for label in ("CONSUMES", "GENERATED_BY"))
    run = latest_run(view, pipeline, None)
    if not outputs or since == NEVER:
        return None
    if run is None:
        return since if view.out("BUCKET", pipeline) else None
    return None if inputs <= _ends(view, "READ", run) and outputs <= _ends(view, "WROTE", run) else since


@remembered
def _runs_since(view: View, pipeline: Vertex, since: str) -> tuple[Vertex, ...]:
    """The runs that the pipeline's Buckets of those days hold."""
    days = (day for year in view.out("BUCKET", pipeline) for day in view.out("BUCKET", year) if day.key[1] >= since)
    return tuple(dict.fromkeys(run for day in days for run in view.out("HOLDS", day)))


@remembered
def _stated(view: View, label: str, pipeline: Vertex, since: str) -> frozenset[Vertex]:
    """The datasets to which the pipeline's edges of that label were stated since that day."""
    return frozenset(physical(view, dataset) for dataset, day in view.dated_out(label, pipeline) if day >= since)


def _writers(view: View, pipeline: Vertex, output: Vertex, since: str) -> list[Vertex]:
    return [run for run in _runs_since(view, pipeline, since) if output in _ends(view, "WROTE", run)]


@remembered
def _ends(view: View, label: str, run: Vertex) -> frozenset[Vertex]:
    return frozenset(physical(view, d) for d in view.out(label, run) if d.label == "Dataset")

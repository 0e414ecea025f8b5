"""Rules about one snapshot: which runs wrote it, and which snapshots a run made its output of."""

from __future__ import annotations

from lineagegraph.facts import Vertex
from lineagegraph.rules.lineage import run_sources
from lineagegraph.rules.names import names_of
from lineagegraph.rules.snapshots import UNKNOWN, Snapshot, snapshots_read, twins
from lineagegraph.rules.written import NAMES_OUTPUT, snapshots_written
from lineagegraph.view import View


def writers_of(view: View, dataset: Vertex, version: str) -> list[tuple[Vertex, Snapshot]]:
    """The runs that wrote this version, each with the row of `snapshots_written` that says so.

    The two runs of one statement are both here. Needs WROTE_NAMED and WROTE_REPORTED into what `twins` finds, and
    what `snapshots_written` needs for the Runs there.
    """
    spelled = [Vertex("DatasetVersion", (*name.key, version)) for name in names_of(view, dataset)]
    alike = {twin for v in spelled for twin in (v, *twins(view, dataset, v))}
    runs = {run for v in alike for label in NAMES_OUTPUT for run in view.into(label, v)}
    return [
        (run, row)
        for run in sorted(runs)
        for row in snapshots_written(view, run)
        if row.dataset == dataset and row.version == version
    ]


def made_of(view: View, run: Vertex, output: Vertex) -> list[Snapshot]:
    """The snapshots that the run made an output of: of the datasets that made it, what the run read of them.

    Needs what `run_sources` and `snapshots_read` need.
    """
    datasets = {row.dataset for row in run_sources(view, run, output)}
    read = [row for row in snapshots_read(view, run) if row.dataset in datasets]
    unread = datasets - {row.dataset for row in read}
    return [*read, *(Snapshot(dataset, None, UNKNOWN, None) for dataset in sorted(unread))]

"""Which runs the past may not lose: those on which an answer rests that must stay as it is.

These are the answers about now, about any moment since the horizon, about every run that was heard of since, and about
every model: what it was trained on, and where those snapshots came from. A run is needed if a question of that kind
looks at it, for what the rules may look at is all that an answer can depend on (`needs`).
"""

from __future__ import annotations

from collections.abc import Iterable

from lineagegraph import needs, rules
from lineagegraph.facts import Vertex
from lineagegraph.provenance import provenance
from lineagegraph.reader import Limits, Reader

WITHOUT_LIMITS = Limits(each=10_000_000, all=10_000_000, total=1_000_000_000, seconds=1e9)
_VAIN = ("FAIL", "ABORT")
FAR = 100  # steps back from a snapshot on which a model was trained


def by_pipelines(reader: Reader, pipelines: Iterable[Vertex], horizon: int) -> set[Vertex]:
    """Needed for what these pipelines read and make now, and did at any moment since the horizon."""
    pipelines = sorted(pipelines)
    needs.jobs(reader, pipelines)
    needs.jobs(reader, pipelines, until=horizon - 1)  # a moment's latest run may be older than the horizon
    view = reader.view
    found = {rules.latest_run(view, p, until) for p in pipelines for until in (None, horizon - 1)}
    needs.reads(reader, sorted(run for run in found if run))
    return _runs(reader)


def by_models(reader: Reader, models: Iterable[Vertex]) -> set[Vertex]:
    """Needed for what these models were trained on, and for where those snapshots came from, step by step back."""
    models = sorted(models)
    reader.fetch(models, (((needs.OUT, "TRAINED_BY"), (needs.OUT, "TRAINED_ON")),))
    view = reader.view
    needs.names(reader, {Vertex("Dataset", end.key[:2]) for model in models for end in view.out("TRAINED_ON", model)})
    needs.reads(reader, {run for model in models for run in reader.view.out("TRAINED_BY", model)})
    trained = (rules.training(reader.view, model) for model in models)
    snapshots = {row.snapshot for found in trained if found for row in found.trained_on if row.snapshot.version}
    for snapshot in sorted(snapshots, key=lambda row: (row.dataset, row.version or "")):
        needs.names(reader, [snapshot.dataset])
        names = rules.names_of(reader.view, snapshot.dataset)
        spelled = {Vertex("DatasetVersion", (*name.key, snapshot.version or "")) for name in names}
        reader.fetch(sorted(spelled))
        if any(reader.view.knows(version) for version in spelled):
            provenance(reader, snapshot.dataset, snapshot.version or "", FAR)
    return _runs(reader)


def by_datasets(reader: Reader, datasets: Iterable[Vertex]) -> set[Vertex]:
    """Needed for whether these datasets are still there, and for their latest version and schema."""
    datasets = list(datasets)
    needs.names(reader, datasets)
    physical = sorted({rules.physical(reader.view, dataset) for dataset in datasets})
    needs.standing(reader, physical)
    names = {name for dataset in physical for name in rules.names_of(reader.view, dataset)}
    for register in ("version", "schema"):
        needs.claims(reader, names, register)
    said = (reader.view.text(d, register) for d in names for register in ("version", "schema", "lifecycle"))
    needed = {Vertex("Run", (text[-1],)) for text in said if text and text[-1]}
    for dataset in physical:
        needed |= _of_standing(reader, dataset) | _of_latest_version(reader, dataset)
    return needed


def by_runs(reader: Reader, runs: Iterable[Vertex]) -> set[Vertex]:
    """Needed for what these runs read and wrote."""
    needs.snapshots(reader, sorted(runs))
    return _runs(reader)


def _of_standing(reader: Reader, dataset: Vertex) -> set[Vertex]:
    """Of all that was looked at for whether the dataset is there, what was heard of since it went: no more counts."""
    view = reader.view
    gone, names = rules.latest_change(view, dataset), rules.names_of(view, dataset)
    if gone.at is None:
        return set()
    since = [run for run in view.all("Run") if (view.number(run, "seen_at") or 0) >= gone.at]
    related = {run for run in since if names & set(view.out("WROTE", run)) or view.text(run, "lifecycle")}
    return related | ({gone.run} if gone.run else set())


def _of_latest_version(reader: Reader, dataset: Vertex) -> set[Vertex]:
    """Where the newest statement is of a run that failed: who tells which of the other versions are real."""
    names = sorted(rules.names_of(reader.view, dataset))
    told = any(reader.view.text(name, "version") for name in names)
    if not told or rules.newest_statement(reader.view, dataset, "version") is not None:
        return set()
    reader.fetch(names, (*needs.DAYS, needs.HELD, ((needs.IN, "WROTE_NAMED"),)))
    view, keys = reader.view, {name.key for name in names}
    versions = [version for version in view.all("DatasetVersion") if version.key[:2] in keys]
    namers = {version: view.into("WROTE_NAMED", version) for version in versions}
    claimed = [v for v, runs in namers.items() if runs and all(rules.run_state(view, r) in _VAIN for r in runs)]
    return {run for runs in namers.values() for run in runs} | needs.readers(reader, claimed)


def _runs(reader: Reader) -> set[Vertex]:
    return set(reader.view.all("Run"))

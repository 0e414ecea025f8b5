"""What the rules about runs need: which snapshots they read and wrote, and what they made them of."""

from __future__ import annotations

from collections.abc import Iterable

from lineagegraph import rules
from lineagegraph.facts import Vertex, bucket
from lineagegraph.implied import dataset_of
from lineagegraph.needs.alike import names
from lineagegraph.needs.hops import (
    DAYS,
    ENDS,
    HELD,
    IN,
    JOB,
    OUT,
    READS,
    RUN,
    SHARERS,
    VERSIONS,
    WITH_DATASETS,
    WRITERS,
)
from lineagegraph.needs.lineage import days_since
from lineagegraph.reader import Reader


def reads(reader: Reader, runs: Iterable[Vertex]) -> None:
    """For `snapshots_read` of these runs."""
    family = _family(reader, runs)
    view = reader.view
    seen = {(label, v) for run in family for label in READS for v in view.out(label, run)}
    began = any(rules.started_at(view, run) is not None for run in family)
    unsure = {v for label, v in seen if (label == "READ_LATER" and began) or v.key[2].startswith("~")}
    _twins(reader, unsure, by_number=False)


def snapshots(reader: Reader, runs: Iterable[Vertex]) -> None:
    """For `snapshots_read` and `snapshots_written` of these runs."""
    family = _family(reader, runs)
    view = reader.view
    written = {(run, rules.physical(view, d)) for run in family for d in view.out("WROTE", run) if d.label == "Dataset"}
    days = {day for run, dataset in written for day in rules.days_of_writers(view, run, dataset)}
    reader.fetch(sorted(days), WRITERS)
    _twins(reader, {v for run in family for label in VERSIONS for v in reader.view.out(label, run)})


def _family(reader: Reader, runs: Iterable[Vertex]) -> set[Vertex]:
    """These runs and those of their statements, with the datasets and versions that they name."""
    runs = list(runs)
    _all_of(reader, runs)
    reader.fetch({output for run in runs for output in reader.view.out("WROTE", run)}, SHARERS)
    view = reader.view
    beside = {
        bucket(parent, day)
        for run in runs
        if rules.may_be_shared(view, run)
        for day in rules.days_of(view, run)
        for parent in view.out("PARENT", run)
    }
    reader.fetch(sorted(beside), (HELD, (*ENDS, (OUT, "PARENT"))))
    family = {member for run in runs for member in rules.one_statement(reader.view, run)}
    _all_of(reader, sorted(family))
    names(reader)
    return family


def _all_of(reader: Reader, runs: list[Vertex]) -> None:
    """All that leaves these runs. Of one that nothing has led to yet the datasets are not here either."""
    new = [run for run in runs if not reader.view.knows(run)]
    reader.fetch_all((sorted(set(runs).difference(new)), RUN), (new, WITH_DATASETS))


def _twins(reader: Reader, versions: Iterable[Vertex], by_number: bool = True) -> None:
    """Of these versions all that round to the same number, and those of the same text under other names.

    Whoever does not ask for all (`by_number`) gets of an exact version itself and its damaged form: that is enough for
    when it was first named, and by whom, and needs no index.
    """
    view = reader.view
    lookups, same = set(), set()
    for version in versions:
        number = rules.rounded(version)
        for name in rules.names_of(view, rules.physical(view, Vertex("Dataset", version.key[:2]))):
            if number is not None and not by_number and not version.key[2].startswith("~"):
                same |= {Vertex("DatasetVersion", (*name.key, text)) for text in (version.key[2], f"~{number}")}
            elif number is None:
                same.add(Vertex("DatasetVersion", (*name.key, version.key[2])))
            else:
                lookups.add((("dataset", name.id), ("rounded", number)))
    reader.look_up(sorted(lookups))
    reader.fetch(sorted(same))


def namers(reader: Reader, versions: Iterable[Vertex]) -> None:
    """For `writers_of` these versions."""
    versions = sorted(versions)
    reader.fetch(versions, (((IN, "WROTE_NAMED"), (IN, "WROTE_REPORTED")),))
    _twins(reader, [v for v in versions if reader.view.knows(v)])
    view = reader.view
    twins = {
        twin
        for v in versions
        if view.knows(v)
        for twin in rules.twins(view, rules.physical(view, Vertex("Dataset", v.key[:2])), v)
    }
    reader.fetch(sorted(twins), (((IN, "WROTE_NAMED"), (IN, "WROTE_REPORTED")),))
    view = reader.view
    snapshots(
        reader, {run for v in twins for label in ("WROTE_NAMED", "WROTE_REPORTED") for run in view.into(label, v)}
    )


def readers(reader: Reader, versions: Iterable[Vertex]) -> set[Vertex]:
    """The runs that read any of these versions.

    Nothing leads back from a version to them: they are runs of the pipelines that consume its dataset, in those of
    their Buckets that are not older than the version. A pipeline that has not consumed it since then is passed over.
    """
    versions = sorted(versions)
    reader.fetch(versions)
    since: dict[Vertex, str] = {}
    for version in versions:
        first = rules.day_of(reader.view.number(version, "first_named_at") or 0)
        of = dataset_of(version)
        since[of] = min(first, since.get(of, first))
    reader.fetch(sorted(since), (((IN, "CONSUMES"),),))
    begin: dict[Vertex, str] = {}
    for of, first in since.items():
        for pipeline, last in reader.view.dated_into("CONSUMES", of):
            if last >= first:
                begin[pipeline] = min(first, begin.get(pipeline, first))
    reader.fetch(sorted(begin), DAYS)
    days = (day for pipeline, first in begin.items() for day in days_since(reader, pipeline, first))
    reader.fetch(days, (HELD, tuple((OUT, label) for label in READS)))
    return {run for version in versions for label in READS for run in reader.view.into(label, version)}


def runs_made_of(reader: Reader, runs: Iterable[Vertex]) -> None:
    """For `made_of` these runs."""
    runs = sorted(runs)
    snapshots(reader, runs)
    view = reader.view
    outputs = {rules.physical(view, d) for run in runs for d in view.out("WROTE", run) if d.label == "Dataset"}
    every = {name for output in outputs for name in rules.names_of(view, output)}
    reader.fetch(sorted(every), (((IN, "STATES_LINEAGE_OF"), (OUT, "DERIVED_FROM")), ((OUT, "CONSUMES"),)))
    reader.fetch(sorted({p for run in runs for p in view.out("RUN_OF", run)}), JOB)
    names(reader)

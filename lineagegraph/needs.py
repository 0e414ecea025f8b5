"""What the rules need to see, fetched: each function here makes one rule's answer the same as with the whole graph.

The rules' docstrings say what they look at; it is written down here as hops and nowhere else.
"""

from __future__ import annotations

from collections.abc import Iterable

from lineagegraph import rules
from lineagegraph.facts import Vertex, bucket
from lineagegraph.reader import Reader, Wish
from lineagegraph.reply import ANY, STAY, Hop

OUT, IN = "OUT", "IN"
ALIKE: Hop = (("BOTH", "SAME_AS"),)
NAMES = (ALIKE, ALIKE, ALIKE)
MAKERS = (((IN, "GENERATED_BY"), (IN, "STATES_LINEAGE_OF"), (OUT, "DERIVED_FROM")), ((OUT, "CONSUMES"),))
_NAMED: tuple[Hop, ...] = ((STAY, *ALIKE), (STAY, *ALIKE))
_MADE: tuple[Hop, ...] = (MAKERS[0], (STAY, *MAKERS[1]))
USERS = (((IN, "CONSUMES"), (IN, "DERIVED_FROM")), ((OUT, "GENERATED_BY"), (OUT, "PRODUCES")))
JOB: tuple[Hop, ...] = (((OUT, "CONSUMES"), (OUT, "GENERATED_BY"), (OUT, "STATES_LINEAGE_OF")),)
ENDS: Hop = ((OUT, "RUN_OF"), (OUT, "READ"), (OUT, "WROTE"))
READS = ("READ_SCANNED", "READ_AT_START", "READ_LATER")
VERSIONS = (*READS, "WROTE_REPORTED", "WROTE_NAMED")
RUN: tuple[Hop, ...] = (((OUT, ANY),),)
HELD: Hop = ((OUT, "HOLDS"),)
DAYS = (((OUT, "BUCKET"),), ((OUT, "BUCKET"),))
WRITERS = (HELD, ((IN, "WROTE_NAMED"), (IN, "WROTE_REPORTED")), ((OUT, "WROTE_REPORTED"), (OUT, "PARENT")))
SHARERS = (((IN, "GENERATED_BY"), (IN, "PRODUCES")),)


def ahead(reader: Reader, datasets: Iterable[Vertex], levels: int) -> None:
    """Most of what `sources` needs for so many levels above these datasets, whether current or not, in two requests."""
    reader.fetch_all(guess=(sorted(datasets), (*_NAMED, *_MADE) * levels + _NAMED))
    names(reader, guess=(_latest(reader, reader.view.all("Pipeline")).values(), RUN))


def _latest(reader: Reader, pipelines: Iterable[Vertex]) -> dict[Vertex, Vertex]:
    """The runs that the pipelines' registers name as their latest completed ones."""
    view = reader.view
    return {p: run for p in pipelines if (run := rules.latest_stated(view, p))}


def names(reader: Reader, datasets: Iterable[Vertex] = (), guess: Wish = ((), ())) -> None:
    """For `physical` and `names_of`: all that are linked to these datasets, or to any that was reached, by SAME_AS.

    And what a client says about their bare dataset_id, and whatever else has the dataset_id of such a statement.
    The guess comes with the first of it.
    """
    while (news := reader.unnamed(datasets)) or guess[0]:
        bare = {Vertex("Dataset", (rules.CLIENT, text)) for d in news if (text := reader.view.text(d, "dataset_id"))}
        reader.fetch_all((sorted(news), NAMES), (sorted(bare), ()), guess=guess)
        stated = {d for d in news | bare if d.key[0] == rules.CLIENT and reader.view.knows(d)} - reader.joined
        reader.joined |= stated
        reader.fetch(sorted(stated), NAMES)
        reader.look_up([("dataset_id", d.key[1])] for d in sorted(stated))
        guess, datasets = ((), ()), ()


def sources(reader: Reader, outputs: Iterable[Vertex], all_time: bool = False, until: int | None = None) -> None:
    """For `sources` of these outputs."""
    outputs = list(outputs)
    names(reader, outputs)
    reader.fetch({name for output in outputs for name in rules.names_of(reader.view, output)}, MAKERS)
    names(reader)
    view = reader.view
    all_names = {name for output in outputs for name in rules.names_of(view, output)}
    makers = {
        p for name in all_names for label in ("GENERATED_BY", "STATES_LINEAGE_OF") for p in view.into(label, name)
    }
    current(reader, makers, all_time, until)


def outputs(reader: Reader, datasets: Iterable[Vertex]) -> None:
    """For `outputs_of` these datasets."""
    datasets = list(datasets)
    names(reader, datasets)
    reader.fetch({name for dataset in datasets for name in rules.names_of(reader.view, dataset)}, USERS)
    names(reader)


def jobs(reader: Reader, pipelines: Iterable[Vertex], all_time: bool = False, until: int | None = None) -> None:
    """For `inputs_of` and `made_by` these pipelines."""
    pipelines = sorted(pipelines)
    reader.fetch(pipelines, JOB)
    names(reader)
    current(reader, pipelines, all_time, until)


def current(reader: Reader, pipelines: Iterable[Vertex], all_time: bool = False, until: int | None = None) -> None:
    """For `latest_run`, `current_since`, `made` and `came_true` of these pipelines."""
    pipelines = sorted(pipelines)
    hints = _latest(reader, pipelines)
    reader.fetch_all(([p for p in pipelines if p not in hints], DAYS[:1]), (hints.values(), RUN))
    for pipeline in (p for p in hints if rules.latest_run(reader.view, p, until) is None):
        _latest_before(reader, pipeline, until)
    names(reader)
    if until is not None:
        return
    since = {p: day for p in pipelines if (day := rules.unsettled(reader.view, p, all_time)) is not None}
    reader.fetch(since, DAYS)
    reader.fetch((day for p, first in since.items() for day in _days(reader, p) if day.key[1] >= first), (HELD, ENDS))
    names(reader)


def _latest_before(reader: Reader, pipeline: Vertex, until: int | None = None) -> None:
    """The newest completed run, where the register names one that failed after all or is too new: day by day back."""
    reader.fetch([pipeline], DAYS)
    enough, last = "", "~" if until is None else rules.day_of(until)
    for day in sorted(_days(reader, pipeline), key=lambda vertex: vertex.key[1], reverse=True):
        if day.key[1] > last:
            continue
        if day.key[1] < enough:
            return
        reader.fetch([day], (HELD, ENDS))
        if (run := rules.latest_run(reader.view, pipeline, until)) is not None:
            enough = rules.day_of(reader.view.number(run, "completed_at") or 0)


def _days(reader: Reader, owner: Vertex) -> list[Vertex]:
    return [day for year in reader.view.out("BUCKET", owner) for day in reader.view.out("BUCKET", year)]


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
    reader.fetch(runs, RUN)
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
    reader.fetch(sorted(family), RUN)
    names(reader)
    return family


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


def training(reader: Reader, models: Iterable[Vertex]) -> None:
    """For `training` of these models."""
    models = sorted(models)
    reader.fetch(models, (((OUT, "TRAINED_BY"), (OUT, "TRAINED_ON")),))
    view = reader.view
    ends = {Vertex("Dataset", end.key[:2]) for model in models for end in view.out("TRAINED_ON", model)}
    names(reader, ends)
    reads(reader, {run for model in models for run in reader.view.out("TRAINED_BY", model)})
    names(reader, ends)
    trained = {rules.physical(reader.view, end) for end in ends}
    for model in models:
        for run in reader.view.out("TRAINED_BY", model):
            trained |= {row.dataset for row in rules.snapshots_read(reader.view, run)}
    standing(reader, trained)


def trained(reader: Reader, datasets: Iterable[Vertex]) -> list[Vertex]:
    """For `trained_models` of these datasets; the models that may have been trained on any of them."""
    datasets = list(datasets)
    outputs(reader, datasets)
    every = {name for dataset in datasets for name in rules.names_of(reader.view, dataset)}
    reader.fetch(sorted(every), (((IN, "TRAINED_ON"),),))
    view = reader.view
    models = {model for name in every for model in view.into("TRAINED_ON", name)}
    registered = {o for d in datasets for o in rules.outputs_of(view, d) if rules.may_be_model(view, o)}
    found = reader.look_up([("model_name", name)] for name in sorted({o.key[1] for o in registered}))
    models |= {model for model in found if Vertex("Dataset", model.key[:2]) in registered}
    training(reader, models)
    return sorted(models)


def standing(reader: Reader, datasets: Iterable[Vertex]) -> None:
    """For `standing` of these datasets."""
    datasets = sorted(datasets)
    names(reader, datasets)
    every = {name for dataset in datasets for name in rules.names_of(reader.view, dataset)}
    reader.fetch(sorted(every), (((OUT, "RENAMED_TO"), (IN, "GENERATED_BY")),))
    names(reader)
    subjects = every | {new for name in every for new in reader.view.out("RENAMED_TO", name)}
    changed = {s: said for s in subjects if (said := reader.view.text(s, "lifecycle"))}
    reader.fetch(sorted(Vertex("Run", (said[2],)) for said in changed.values() if said[2]), (ENDS,))
    claims(reader, every, "version")
    view = reader.view
    doubtful = {d for d in datasets if rules.standing(view, d).state != "exists" or _refused(reader, d, changed)}
    around = {name for dataset in doubtful for name in rules.names_of(view, dataset)}
    makers = sorted({p for name in around for p in view.into("GENERATED_BY", name)})
    reader.fetch(makers, (*DAYS, HELD, ENDS))
    names(reader)


def _refused(reader: Reader, dataset: Vertex, changed: dict[Vertex, list[str]]) -> bool:
    """Whether the newest statement on the dataset's life is of a run that did not complete, so that others count."""
    view = reader.view
    names_ = rules.names_of(view, dataset)
    subjects = names_ | {new for name in names_ for new in view.out("RENAMED_TO", name)}
    runs = [Vertex("Run", (changed[s][2],)) for s in subjects if s in changed and changed[s][2]]
    return any(not rules.counts(view, run) for run in runs)


def claims(reader: Reader, datasets: Iterable[Vertex], register: str) -> None:
    """The runs on which the newest statement of a register of these names depends."""
    view = reader.view
    said = [text for d in datasets if (text := view.text(d, register))]
    reader.fetch(sorted(Vertex("Run", (run,)) for _, run in said if run))


def schemas(reader: Reader, datasets: Iterable[Vertex]) -> None:
    """For `columns` and `schemas` of these datasets, and the columns that lineage tells of."""
    datasets = list(datasets)
    names(reader, datasets)
    every = {name for dataset in datasets for name in rules.names_of(reader.view, dataset)}
    reader.fetch(sorted(every), (((OUT, "HAS_SCHEMA"), (OUT, "HAS_COLUMN")),))
    claims(reader, every, "schema")


def columns(reader: Reader, wanted: Iterable[tuple[Vertex, str]], all_time: bool = False) -> None:
    """For `column_sources` of these columns."""
    wanted = list(wanted)
    datasets = {dataset for dataset, _ in wanted}
    sources(reader, datasets, all_time)
    view = reader.view
    spelled = {Vertex("Column", (*name.key, field)) for d, field in wanted for name in rules.names_of(view, d)}
    reader.fetch(sorted(spelled), (((OUT, "DERIVED_FROM"),),))
    every = {name for dataset in datasets for name in rules.names_of(view, dataset)}
    reader.fetch(sorted(every), (((OUT, "HAS_COLUMN_LINEAGE"),),))
    origins = {o for column in spelled for o in reader.view.out("DERIVED_FROM", column)}
    names(reader, {Vertex("Dataset", origin.key[:2]) for origin in origins})


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

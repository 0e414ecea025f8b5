"""What the rules about datasets, their columns and models need."""

from __future__ import annotations

from collections.abc import Iterable

from lineagegraph import rules
from lineagegraph.facts import Vertex
from lineagegraph.needs.alike import names
from lineagegraph.needs.hops import DAYS, ENDS, HELD, IN, OUT
from lineagegraph.needs.lineage import outputs, sources
from lineagegraph.needs.runs import reads
from lineagegraph.reader import Reader


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

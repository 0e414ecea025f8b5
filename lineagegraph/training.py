"""What a model version was trained on, down to the snapshots, and whether that can be repeated."""

from __future__ import annotations

from dataclasses import dataclass

from lineagegraph import lineage, needs, rules
from lineagegraph.errors import Ambiguous, NotFound
from lineagegraph.facts import Vertex
from lineagegraph.reader import Reader
from lineagegraph.view import View

NO_CODE = "code version missing"


@dataclass(frozen=True, slots=True)
class TrainingDataset:
    """A dataset that a model was trained on; `reason` says why it cannot be relied on (None: it can).

    `sql` fetches exactly that data; it is None where the snapshot is not known.
    """

    dataset: Vertex
    dataset_id: str
    layer: str | None
    version: str | None
    certainty: rules.Certainty
    evidence: str | None
    reason: str | None
    sql: str | None


@dataclass(frozen=True, slots=True)
class TrainingRun:
    """A run that trained the model; times are milliseconds since 1970, `remarks` what it did not record."""

    run: Vertex
    pipeline: Vertex | None
    completed_at: int | None
    code_version: str | None
    remarks: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ModelLineage:
    """A model version. `reproducible` is about its data; `pipelines` are all that its data came through."""

    model: Vertex
    framework: str | None
    reproducible: rules.Reproducible
    trained_on: tuple[TrainingDataset, ...]
    runs: tuple[TrainingRun, ...]
    upstream: lineage.Lineage
    pipelines: tuple[Vertex, ...]

    @property
    def name(self) -> str:
        return self.model.key[1]

    @property
    def version(self) -> str:
        return self.model.key[2]


def find_model(reader: Reader, name: str, version: str | int | None = None, namespace: str | None = None) -> Vertex:
    """The model version of that name; without `version` the one that was trained last. Raises NotFound, Ambiguous."""
    found = [
        model
        for model in reader.look_up([[("model_name", name)]])
        if model.label == "Model" and namespace in (None, model.key[0]) and not reader.view.corrections.ignores(model)
    ]
    of = [model for model in found if version is None or model.key[2] == str(version)]
    if not of:
        others = ", ".join(sorted({model.key[2] for model in found})[:20])
        raise NotFound(
            f"No model {name!r} has the version {version!r}; there is {others}."
            if others
            else f"No model is called {name!r}. Models are named as their runs name them."
        )
    if len(places := sorted({model.key[0] for model in of})) > 1:
        raise Ambiguous(f"Model {name!r} is in {' and in '.join(places)}. Say which one with the namespace.")
    needs.training(reader, of)
    return max(of, key=lambda model: _age(reader.view, model))


def _age(view: View, model: Vertex) -> tuple[int, int, str]:
    """Newer trainings are greater, then greater numbers, then later names."""
    runs = view.out("TRAINED_BY", model)
    trained = max((view.number(run, "completed_at") or 0 for run in runs), default=0)
    text = model.key[2]
    return trained, int(text) if text.isascii() and text.isdigit() else 0, text


def model_lineage(
    reader: Reader, name: str, version: str | int | None = None, namespace: str | None = None, depth: int = 5
) -> ModelLineage:
    """What a model version was trained on and what that was made of. Raises NotFound, Ambiguous."""
    model = find_model(reader, name, version, namespace)
    found = rules.training(reader.view, model)
    if found is None:
        raise NotFound(f"Version {model.key[2]} of model {name!r} was never made: every run that names it failed.")
    runs = tuple(_run(reader, run) for run in found.runs)
    upstream = lineage.upstream(reader, model, depth)
    makers = {run.pipeline for run in runs if run.pipeline} | {p for step in upstream.steps for p in step.pipelines}
    return ModelLineage(
        model,
        reader.view.text(model, "framework"),
        found.reproducible,
        tuple(_trained(reader.view, row) for row in found.trained_on),
        runs,
        upstream,
        tuple(sorted(makers)),
    )


def _run(reader: Reader, run: Vertex) -> TrainingRun:
    view = reader.view
    pipeline = rules.pipeline_of(view, run)
    code = view.text(run, "pipeline_version")
    return TrainingRun(run, pipeline, view.number(run, "completed_at"), code, () if code else (NO_CODE,))


def _trained(view: View, row: rules.Trained) -> TrainingDataset:
    known = row.snapshot
    of = known.dataset
    return TrainingDataset(
        of,
        view.text(of, "dataset_id") or of.key[1],
        view.text(of, "layer"),
        known.version,
        known.certainty,
        known.evidence,
        row.reason,
        time_travel(view, known),
    )


def time_travel(view: View, row: rules.Snapshot) -> str | None:
    """The SQL (of Spark and Databricks) that reads exactly this snapshot; None where it is not known."""
    if row.version is None or row.certainty in (rules.APPROXIMATE, rules.UNKNOWN):
        return None
    version = row.version if row.version.isascii() and row.version.isdigit() else "'" + _quoted(row.version, "'") + "'"
    return f"SELECT * FROM {_table(view, row.dataset)} VERSION AS OF {version}"


def _table(view: View, dataset: Vertex) -> str:
    """The catalogue's name for the dataset where one is known, else its place."""
    logical = sorted(name.key[1] for name in rules.names_of(view, dataset) - {dataset} if name.key[0] != rules.CLIENT)
    if logical:
        return ".".join(f"`{_quoted(part, '`')}`" for part in logical[0].split("."))
    namespace, name = dataset.key
    if namespace == "file" or "://" in namespace:
        place = name if namespace == "file" else f"{namespace}/{name.lstrip('/')}"
        return f"iceberg.`{_quoted(place, '`')}`"
    return ".".join(f"`{_quoted(part, '`')}`" for part in name.replace("/", ".").split("."))


def _quoted(text: str, mark: str) -> str:
    return text.replace("\\", "\\\\").replace(mark, mark + mark) if mark == "'" else text.replace(mark, mark + mark)

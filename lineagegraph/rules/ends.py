"""Rules about what is no dataset: what a pipeline reads and makes, which pipelines make a feature, what is a model."""

from __future__ import annotations

from lineagegraph.facts import Vertex
from lineagegraph.rules.current import ALWAYS, NEVER, current_since, latest_run, made
from lineagegraph.rules.names import names_of, physical
from lineagegraph.view import View

MODEL_SCHEMES = ("mlflow:", "models:")


def inputs_of(view: View, pipeline: Vertex, all_time: bool = False, until: int | None = None) -> list[Vertex]:
    """The datasets that a pipeline reads now; with `until` (milliseconds), those that its latest run of then read.

    Needs CONSUMES out of the Pipeline and what `current_since` needs; with `until` READ out of that run.
    """
    return _ends(view, pipeline, "CONSUMES", all_time, until)


def made_by(view: View, pipeline: Vertex, all_time: bool = False, until: int | None = None) -> list[Vertex]:
    """The datasets that a pipeline makes now, or made then.

    Needs GENERATED_BY out of the Pipeline, what `current_since` and `made` need; with `until` WROTE out of that run.
    """
    found = _ends(view, pipeline, "GENERATED_BY", all_time, until)
    if until is not None:
        return found
    since = ALWAYS if all_time else current_since(view, pipeline)
    return [output for output in found if made(view, pipeline, output, since)]


def _ends(view: View, pipeline: Vertex, label: str, all_time: bool, until: int | None) -> list[Vertex]:
    if until is not None:
        run = latest_run(view, pipeline, until)
        ends = view.out("READ" if label == "CONSUMES" else "WROTE", run) if run else []
        return sorted({physical(view, end) for end in ends if end.label == "Dataset"})
    since = ALWAYS if all_time else current_since(view, pipeline)
    return sorted({physical(view, end) for end, day in view.dated_out(label, pipeline) if day >= since})


def feature_makers(view: View, feature: Vertex) -> list[Vertex]:
    """The pipelines that produce a feature view; a batch job that never completed a run made nothing.

    Needs PRODUCES into the Feature, and what `current_since` needs.
    """
    return [p for p in view.into("PRODUCES", feature) if current_since(view, p) != NEVER]


def features_from(view: View, dataset: Vertex, all_time: bool = False) -> list[tuple[Vertex, Vertex]]:
    """(feature, pipeline) of the feature views that are made of a dataset.

    Needs CONSUMES into the names of the dataset, PRODUCES out of those Pipelines, and what `inputs_of` needs.
    """
    readers = {p for name in names_of(view, dataset) for p in view.into("CONSUMES", name)}
    return sorted(
        (feature, pipeline)
        for pipeline in readers
        if dataset in inputs_of(view, pipeline, all_time) and current_since(view, pipeline) != NEVER
        for feature in view.out("PRODUCES", pipeline)
    )


def may_be_model(view: View, dataset: Vertex) -> bool:
    """Whether a dataset may be a model under its registry's name (docs/mapping.md). Needs the Dataset."""
    kind = view.text(dataset, "dataset_type")
    return dataset.key[0].startswith(MODEL_SCHEMES) or bool(kind and kind[0] == "MODEL")

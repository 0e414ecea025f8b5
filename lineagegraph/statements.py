"""What a client states, as facts: the same kind that events become, so that they merge and repeat as safely.

A bare dataset_id (`gold/customers`) lives in namespace `lineagegraph`; the reader joins it to the only dataset of
that id. With a namespace the name must be the whole one, as the graph shows it.
"""

from __future__ import annotations

from collections.abc import Iterable

from lineagegraph.errors import LineageError
from lineagegraph.facts import Facts, Vertex, bucket
from lineagegraph.naming import Naming
from lineagegraph.registers import newest
from lineagegraph.rules import CLIENT, day_of

MOST_NAME_BYTES = 2_048
Version = str | int


class BadStatement(LineageError):
    """A name or version that cannot stand in the graph."""


class Statement:
    """Facts that are stated together at one moment (milliseconds since 1970)."""

    def __init__(self, naming: Naming, at: int) -> None:
        self.facts = Facts()
        self._naming = naming
        self._at = at
        self._day = day_of(at)

    def dataset(
        self, dataset_id: str, version: Version | None = None, layer: str | None = None, namespace: str | None = None
    ) -> Vertex:
        """A dataset exists, perhaps in this version. A layer that its name does not tell is kept as a tag."""
        name = self._naming.fold(_name(dataset_id, "A dataset_id"))
        key = (_name(namespace or CLIENT, "A namespace"), name)
        known = self._naming.layer(*key)
        dataset = self.facts.vertex(
            Vertex("Dataset", key), {"dataset_id": self._naming.dataset_id(*key), **({"layer": known} if known else {})}
        )
        if layer and layer.lower() != known:
            self._say(dataset, tags=[["layer", layer.lower(), None]])
        if version is not None:
            self.version(dataset, version)
            self._say(dataset, version=[_text(version), None])
        return dataset

    def version(self, dataset: Vertex, version: Version) -> Vertex:
        """A version of a dataset exists."""
        found = Vertex("DatasetVersion", (*dataset.key, _text(version)))
        self.facts.vertex(found, {"first_named_at": -self._at})
        self.facts.edge("VERSION_OF", found, dataset)
        self._hold(dataset, found)
        return found

    def pipeline(
        self,
        pipeline_id: str,
        version: Version | None = None,
        pipeline_type: str | None = None,
        description: str | None = None,
        namespace: str | None = None,
    ) -> Vertex:
        """A pipeline exists."""
        key = (_name(namespace or CLIENT, "A namespace"), self._naming.job_name(_name(pipeline_id, "A pipeline_id")))
        pipeline = self.facts.vertex(Vertex("Pipeline", key))
        stated = {"version": None if version is None else _text(version), "pipeline_type": pipeline_type}
        self._say(pipeline, **{name: value for name, value in stated.items() if value is not None})
        if description is not None:
            self._say(pipeline, description=description)
        return pipeline

    def generates(self, pipeline: Vertex, dataset: Vertex) -> None:
        """The pipeline writes the dataset."""
        self.facts.edge("GENERATED_BY", pipeline, dataset, self._day)

    def consumes(self, pipeline: Vertex, dataset: Vertex) -> None:
        """The pipeline reads the dataset."""
        self.facts.edge("CONSUMES", pipeline, dataset, self._day)

    def derived(self, target: Vertex, source: Vertex, by: Vertex | None = None) -> None:
        """The target was made of the source; `by` is the pipeline that says so."""
        self.facts.edge("DERIVED_FROM", target, source, self._day)
        if by is not None:
            self.consumes(by, source)
            self.generates(by, target)
            self.facts.edge("STATES_LINEAGE_OF", by, target, self._day)

    def promotion(self, source: str, target: str, transformation: str | None) -> None:
        """A dataset goes up a layer: a pipeline of its own, described by its transformation."""
        name = f"promote {source} to {target}"
        pipeline = self.pipeline(name, pipeline_type="promotion", description=transformation)
        self.derived(self.dataset(target), self.dataset(source), pipeline)

    def execution(self, pipeline: Vertex, run_id: str, inputs: Iterable[Vertex], outputs: Iterable[Vertex]) -> None:
        """One completed run of a pipeline, with what it read and wrote."""
        at = self._at
        run = Vertex("Run", (_name(run_id, "A run id").lower(),))
        moments = {"first_start_at": -at, "latest_start_at": at, "completed_at": at, "seen_at": at}
        self.facts.vertex(run, moments)
        self.facts.edge("RUN_OF", run, pipeline)
        self._hold(pipeline, run)
        self._say(pipeline, latest_run=run.key[0])
        for dataset in inputs:
            self.consumes(pipeline, dataset)
            self.facts.edge("READ", run, dataset)
        for dataset in outputs:
            self.generates(pipeline, dataset)
            self.facts.edge("WROTE", run, dataset)

    def model(
        self, model_name: str, version: Version, framework: str | None = None, namespace: str | None = None
    ) -> Vertex:
        """A model version exists."""
        key = (_name(namespace or CLIENT, "A namespace"), _name(model_name, "A model_name"), _text(version))
        model = self.facts.vertex(Vertex("Model", key))
        if framework:
            self._say(model, framework=framework)
        return model

    def trained(self, model: Vertex, dataset: Vertex, version: Version | None = None) -> None:
        """The model version was trained on the dataset, in that version of it if one is given."""
        self.facts.edge("TRAINED_ON", model, dataset)
        if version is not None:
            self.facts.edge("TRAINED_ON", model, self.version(dataset, version))

    def feature(
        self, pipeline: Vertex | None, feature_view: str, names: Iterable[str] = (), namespace: str | None = None
    ) -> Vertex:
        """A feature view exists, made by the pipeline if one is given."""
        key = (_name(namespace or CLIENT, "A namespace"), _name(feature_view, "A feature_view"))
        feature = self.facts.vertex(Vertex("Feature", key))
        if stated := [_name(name, "A feature's name") for name in names]:
            self._say(feature, feature_names=stated)
        if pipeline is not None:
            self.facts.edge("PRODUCES", pipeline, feature)
        return feature

    def _say(self, vertex: Vertex, **payloads: object) -> None:
        self.facts.vertex(vertex, {name: newest(self._at, value) for name, value in payloads.items()})

    def _hold(self, owner: Vertex, member: Vertex) -> None:
        year, day = bucket(owner, self._day[:4]), bucket(owner, self._day)
        self.facts.edge("BUCKET", owner, year)
        self.facts.edge("BUCKET", year, day)
        self.facts.edge("HOLDS", day, member)


def _name(text: str, what: str) -> str:
    """A name as it may stand in the graph, by the rule that events' names must obey."""
    if not isinstance(text, str) or not text.strip() or not text.isprintable():
        raise BadStatement(f"{what} must be text that can be printed, and not empty.")
    try:
        size = len(text.encode())
    except UnicodeEncodeError:
        raise BadStatement(f"{what} must be valid Unicode.") from None
    if size > MOST_NAME_BYTES:
        raise BadStatement(f"{what} may have at most {MOST_NAME_BYTES} bytes.")
    return text


def _text(version: Version) -> str:
    if isinstance(version, bool) or not isinstance(version, str | int):
        raise BadStatement("A version is a text or a whole number.")
    text = _name(str(version), "A version")
    if text.startswith("~"):
        raise BadStatement("A version may not start with ~: that marks damaged numbers.")
    return text

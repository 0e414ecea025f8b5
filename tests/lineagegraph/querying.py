"""docs/querying.md: every question in three forms with what it really answers, made by asking.

The graph holds what `examples/events` state, and two models that were trained on them.
"""

from __future__ import annotations

import io
import json
import os
import shlex
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest import mock

from click.testing import CliRunner

from consumer.cli import cli
from consumer.event_files import read_events
from lineagegraph import (
    answers,
    around,
    audit,
    columns,
    drawing,
    history,
    impact,
    inventory,
    lineage,
    provenance,
    training,
)
from lineagegraph.facts import Facts, Vertex, fold
from lineagegraph.moments import millis
from lineagegraph.naming import Naming
from lineagegraph.reader import Reader
from lineagegraph.statements import Statement
from mappers import Malformed, decode, map_event
from tests.lineagegraph.api.asking import asking
from tests.lineagegraph.fake_graph import FakeGraph

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "querying.md"
BEGIN, END = "<!-- questions -->\n", "<!-- end -->\n"
TRAINED = 1_795_000_000_000
ASKED = 1_790_000_000_000  # when reports are made


@dataclass(frozen=True, slots=True)
class Asked:
    """One question: in words, as a command, in Python, in GraphQL."""

    words: str
    command: str
    python: str
    graphql: str


QUESTIONS = (
    Asked(
        "What was it made of?",
        "upstream gold/revenue_by_country --depth 2",
        """for step in lineage.upstream(reader, find("gold/revenue_by_country"), 2).steps:
    print(step.depth, step.target.key[1], "of", step.source.key[1], step.basis)""",
        """{ datasetLineage(datasetId: "gold/revenue_by_country", depth: 2) {
  upstreamCount
  upstreamDatasets { name }
  generatingPipelines { name }
} }""",
    ),
    Asked(
        "What was it made of at that time?",
        "upstream gold/revenue_by_country --depth 1 --as-of 2026-11-23T02:20:00",
        """then = millis(datetime(2026, 11, 23, 2, 20))
for step in lineage.upstream(reader, find("gold/revenue_by_country"), 1, as_of=then).steps:
    print(step.source.key[1], [pipeline.key[1] for pipeline in step.pipelines])""",
        """{ datasetLineage(datasetId: "gold/revenue_by_country", depth: 1, asOf: "2026-11-23T02:20:00Z") {
  upstreamDatasets { name }
  upstreamCut { why }
} }""",
    ),
    Asked(
        "What was made of it?",
        "downstream bronze/orders --depth 2",
        """for step in lineage.downstream(reader, find("bronze/orders"), 2).steps:
    print(step.depth, step.target.key[1], "of", step.source.key[1], step.basis)""",
        """{ datasetLineage(datasetId: "bronze/orders", depth: 2) { downstreamDatasets { name } } }""",
    ),
    Asked(
        "Which columns, and how?",
        "columns gold/revenue_by_country --field revenue --depth 1",
        """dataset = find("gold/revenue_by_country")
for step in columns.column_lineage(reader, dataset, ["revenue"], "upstream", 1).steps:
    print(step.target_field, "of", step.source.key[1], step.source_field)""",
        """{ columnLineage(datasetId: "gold/revenue_by_country", columns: ["revenue"], depth: 1) }""",
    ),
    Asked(
        "Which snapshots are there?",
        "snapshot silver/orders_enriched",
        """for row in history.versions(reader, find("silver/orders_enriched")).rows:
    print(row.version, len(row.writers))""",
        """{ datasetVersions(datasetId: "silver/orders_enriched", first: 1) }""",
    ),
    Asked(
        "What was this snapshot made of?",
        "snapshot silver/orders_enriched {silver} --depth 1",
        """for origin in provenance.provenance(reader, find("silver/orders_enriched"), "{silver}", 1).origins:
    print(origin.wrote, origin.source.dataset.key[1], origin.source.version, origin.source.certainty)""",
        """{ snapshotProvenance(datasetId: "silver/orders_enriched", version: "{silver}", depth: 1) }""",
    ),
    Asked(
        "What did a run read and write?",
        "run {run}",
        """run = lineage.find_run(reader, "{run}")
print(answers.run_answer(reader.view, run)["state"])""",
        """{ run(runId: "{run}") { state read { name version certainty } wrote { name version certainty } } }""",
    ),
    Asked(
        "What does a pipeline read and write?",
        "pipeline {pipeline}",
        """job = around.find_pipeline(reader, "{pipeline}")
found = around.pipeline_ends(reader, job)
print([d.key[1] for d in found.inputs], [d.key[1] for d in found.outputs])""",
        """{ pipelineLineage(pipelineId: "{pipeline}") {
  pipelineType
  inputDatasets { name }
  outputDatasets { name }
  downstreamModels { name }
} }""",
    ),
    Asked(
        "Which runs were there?",
        "runs {pipeline} --namespace {jobs} --first 2",
        """pipeline = Vertex("Pipeline", ("{jobs}", "{pipeline}"))
for row in history.runs(reader, pipeline, 2).rows:
    print(row.run.key[0], row.state)""",
        """{ pipelineRuns(pipelineId: "{pipeline}", first: 1) }""",
    ),
    Asked(
        "Which schemas, and what changed?",
        "schemas gold/revenue_by_country",
        """for schema in history.schemas(reader, find("gold/revenue_by_country")).schemas:
    print(schema.first_day, [field.name for field in schema.fields])""",
        """{ datasetSchemas(datasetId: "gold/revenue_by_country") }""",
    ),
    Asked(
        "What changed between two schemas?",
        "drift gold/revenue_by_country",
        """changed = history.drift(reader, find("gold/revenue_by_country"))
print([field.name for field in changed.added], [field.name for field in changed.removed], changed.retyped)""",
        """{ schemaDrift(datasetId: "gold/revenue_by_country", old: "9539540e", new: "dd274848") }""",
    ),
    Asked(
        "What was a model trained on? Can that be repeated?",
        "model revenue_forecast 3",
        """found = training.model_lineage(reader, "revenue_forecast", "3")
print(found.reproducible, [(row.dataset_id, row.version, row.certainty) for row in found.trained_on])""",
        """{ modelLineage(modelName: "revenue_forecast", modelVersion: 3) {
  isReproducible
  datasetSnapshots
  trainingDatasets { name }
} }""",
    ),
    Asked(
        "A report for an audit",
        "model churn --audit markdown",
        """report = audit.audit(reader, 1_790_000_000_000, "revenue_forecast", 3)
print(audit.as_markdown(report))""",
        """{ modelAudit(modelName: "revenue_forecast", modelVersion: 3) }""",
    ),
    Asked(
        "Who uses it?",
        "consumers silver/orders_enriched",
        """found = impact.consumers(reader, find("silver/orders_enriched"))
print([thing.key[1] for thing in found.datasets])""",
        """{ datasetConsumers(datasetId: "gold/revenue_by_country") }""",
    ),
    Asked(
        "What would a change break?",
        "impact silver/orders_enriched --change schema --column country",
        """found = impact.impact(reader, find("silver/orders_enriched"), "schema", ["country"])
print(found.severity, found.total)""",
        """{ impactAnalysis(datasetId: "silver/orders_enriched", changeType: "schema", columns: ["country"]) {
  severity
  totalAffected
  affectedModels { name }
} }""",
    ),
    Asked(
        "What does nobody use?",
        "orphans --layer gold",
        """print([d.key[1] for d in inventory.orphans(reader, [], layer="gold").things])""",
        """{ orphans(layer: "gold", first: 1) }""",
    ),
    Asked(
        "Which models have no snapshots?",
        "orphans --models",
        """print(inventory.without_snapshots(reader, names("Model")).things)""",
        """{ modelsWithoutSnapshots(first: 1) }""",
    ),
    Asked(
        "What has this in its name?",
        "search revenue",
        """print([thing.key[1] for thing in inventory.search(reader, names(*inventory.NAMED), "revenue").things])""",
        """{ search(text: "forecast") }""",
    ),
    Asked(
        "Which datasets has a layer?",
        "search --layer bronze",
        """print([d.key[1] for d in inventory.by_layer(reader, "bronze").things])""",
        """{ datasetsByLayer(layer: "bronze", first: 1) }""",
    ),
    Asked(
        "Which paths lead from a layer to models?",
        "paths --layer bronze",
        """for path in inventory.paths_to_models(reader, "bronze").paths:
    print([thing.key[1] for thing in path.things])""",
        """{ pathsToModels(layer: "bronze", first: 1) }""",
    ),
    Asked(
        "A drawing",
        "graph gold/revenue_by_country --direction upstream --depth 1 --mermaid",
        """found = drawing.graph(reader, find("gold/revenue_by_country"), 1, "upstream")
print(drawing.as_mermaid(reader.view, found).splitlines()[0], len(found.nodes))""",
        """{ lineageGraph(nodeId: "gold/revenue_by_country", depth: 1) {
  nodeCount
  edgeCount
  edges(first: 1) { label }
} }""",
    ),
)


KNOWN = {
    "{gold}": "4729289699513034497",
    "{silver}": "3415980659974692448",
    "{run}": "01a20628-7b75-77b3-81d0-5d5cdd398e13",
    "{pipeline}": "silver_merge.write_delta.lake_silver_orders_enriched",
    "{jobs}": "spark-prod",
}
MODULES = (answers, around, audit, columns, drawing, history, impact, inventory, lineage, provenance, training)


@cache
def facts() -> Facts:
    """What the graph of the page holds."""
    made = []
    for found in read_events(sorted(map(str, (ROOT / "examples" / "events").glob("*.ndjson")))):
        try:
            made.append(map_event(decode(found.value), Naming()).facts)
        except Malformed:
            continue
    said = Statement(Naming(), TRAINED)
    table = said.dataset("/warehouse/lake/gold/revenue_by_country", namespace="file")
    said.trained(said.model("revenue_forecast", 3), table, KNOWN["{gold}"])
    said.trained(said.model("churn", 1), said.dataset("/warehouse/lake/gold/customer_features", namespace="file"))
    return fold([*made, said.facts])


def filled(text: str) -> str:
    """The text with what only this graph knows."""
    for name, meant in KNOWN.items():
        text = text.replace(name, meant)
    return text


class Answering:
    """Where questions are asked: how a command is run, a reader made, names read, GraphQL asked."""

    def __init__(
        self,
        environment: Mapping[str, str],
        reader: Callable[[], Reader],
        names: Callable[[Collection[str]], Iterable[Vertex]],
        graphql: Callable[[str], Any],
    ) -> None:
        self._environment = environment
        self._reader = reader
        self._names = names
        self.graphql = graphql

    def command(self, text: str) -> str:
        """What a command prints."""
        clean: dict[str, str | None] = {name: None for name in os.environ if name.startswith("LINEAGE_")}
        with mock.patch("lineagegraph.questions.now", return_value=ASKED):
            done = CliRunner().invoke(cli, shlex.split(text), env={**clean, **self._environment})
        assert done.exit_code == 0, (text, done.output, done.exception)
        return done.stdout

    def python(self, text: str) -> str:
        """What a piece of Python prints."""
        reader, out = self._reader(), io.StringIO()
        known: dict[str, Any] = {module.__name__.rpartition(".")[2]: module for module in MODULES}
        known |= {"reader": reader, "Vertex": Vertex, "find": lambda name: lineage.find_dataset(reader, name)}
        known |= {"datetime": datetime, "millis": millis}
        known["names"] = lambda *labels: inventory.in_order(self._names(labels))
        with redirect_stdout(out):
            exec(text, known)  # noqa: S102  (the page's own text)
        return out.getvalue()


@contextmanager
def in_memory() -> Iterator[Answering]:
    """The questions to a graph in memory."""
    fake = FakeGraph(facts())
    connections = SimpleNamespace(ask=lambda name, key, body: fake.ask(name, key, body), close=lambda: None)

    def names(labels: Collection[str]) -> Iterable[Vertex]:
        return [vertex for vertex in facts().vertices if vertex.label in labels]

    def scanned(_: object, labels: Collection[str]) -> Iterable[Vertex]:
        return names(labels)

    with (
        mock.patch("lineagegraph.gremlin.Connections", return_value=connections),
        mock.patch("lineagegraph.scan.scan", scanned),
        asking(facts()) as api,
    ):
        yield Answering({}, lambda: Reader(connections.ask), names, api.data)


def part(asked: Asked, where: Answering) -> str:
    """One question with its answers, as the page has it."""
    command, python, graphql = map(filled, (asked.command, asked.python, asked.graphql))
    answer = pretty(where.graphql(graphql))
    return f"""## {asked.words}

{fenced("console", f"$ lineagegraph {command}", where.command(command))}

```python
{python}
```

{fenced("text", where.python(python))}

```graphql
{graphql}
```

```json
{answer}
```
"""


def fenced(kind: str, *text: str) -> str:
    """A block of text, which may hold blocks itself."""
    inner = "\n".join(one.rstrip() for one in text)
    fence = "````" if "```" in inner else "```"
    return f"{fence}{kind}\n{inner}\n{fence}"


def pretty(value: Any, indent: str = "") -> str:
    """JSON in lines that are not too long."""
    line = json.dumps(value, ensure_ascii=False)
    if len(indent) + len(line) <= 110 or not isinstance(value, dict | list) or not value:
        return line
    inner = indent + "  "
    if isinstance(value, list):
        rows = [inner + pretty(row, inner) for row in value]
        return "[\n" + ",\n".join(rows) + f"\n{indent}]"
    rows = [f"{inner}{json.dumps(name)}: {pretty(row, inner)}" for name, row in value.items()]
    return "{\n" + ",\n".join(rows) + f"\n{indent}}}"


def made(where: Answering) -> str:
    """The page."""
    head, _, rest = PAGE.read_text(encoding="utf-8").partition(BEGIN)
    _, _, tail = rest.partition(END)
    return f"{head}{BEGIN}\n" + "\n".join(part(asked, where) for asked in QUESTIONS) + f"\n{END}{tail}"

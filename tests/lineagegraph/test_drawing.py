"""Every answer with arrows can be drawn, for Graphviz and for Mermaid, with whatever is in its names."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from lineagegraph import drawing
from lineagegraph.facts import Vertex
from lineagegraph.reader import Reader
from lineagegraph.sketches import Sketch
from tests.lineagegraph.build import ds, facts, ran
from tests.lineagegraph.fake_graph import FakeGraph
from tests.lineagegraph.querying import Answering, filled, in_memory

DRAWN = [  # a command, and one arrow of its drawing
    ("upstream gold/revenue_by_country --depth 2", ("bronze/orders", "DERIVED_FROM", "silver/orders_enriched")),
    ("downstream bronze/orders --depth 3", ("gold/revenue_by_country", "TRAINED_ON", "revenue_forecast v3")),
    ("graph bronze/orders --depth 1", ("bronze/orders", "CONSUMES", "{pipeline}")),
    (
        "columns gold/revenue_by_country --depth 1",
        ("silver/orders_enriched.amount", "DIRECT/AGGREGATION", "gold/revenue_by_country.revenue"),
    ),
    (
        "columns bronze/orders --down --depth 1",
        ("bronze/orders.amount", "DIRECT/IDENTITY", "silver/orders_enriched.amount"),
    ),
    (
        "snapshot silver/orders_enriched {silver}",
        ("bronze/orders @ 5974101018787936586", "exact", "silver/orders_enriched @ {silver}"),
    ),
    ("model revenue_forecast", ("gold/revenue_by_country", "TRAINED_ON", "revenue_forecast v3")),
    ("paths --layer bronze", ("gold/customer_features", "", "churn v1")),
    ("upstream churn --type Model", ("gold/customer_features", "TRAINED_ON", "churn v1")),
    ("downstream {pipeline} --type pipeline --depth 1", ("{pipeline}", "GENERATED_BY", "silver/orders_enriched")),
]
BY_COMMAND = pytest.mark.parametrize(("command", "arrow"), DRAWN, ids=[row[0].split()[0] for row in DRAWN])


@pytest.fixture(scope="module")
def memory() -> Iterator[Answering]:
    with in_memory() as where:
        yield where


@BY_COMMAND
def test_the_answer_is_drawn_for_graphviz(memory: Answering, command: str, arrow: tuple[str, ...]) -> None:
    text = memory.command(filled(f"{command} --dot"))
    names = dict(re.findall(r'^  (n\d+) \[label="(.*)", shape=\w+\];$', text, re.M))
    arrows = re.findall(r'^  (n\d+) -> (n\d+)(?: \[label="(.*)"\])?;$', text, re.M)
    assert len(text.splitlines()) == len(names) + len(arrows) + 3, "every line is a node or an arrow"
    assert (text.splitlines()[0], text.splitlines()[-1]) == ("digraph lineage {", "}")
    assert tuple(map(filled, arrow)) in {(names[a], label, names[b]) for a, b, label in arrows}


@BY_COMMAND
def test_the_answer_is_drawn_for_mermaid(memory: Answering, command: str, arrow: tuple[str, ...]) -> None:
    text = memory.command(filled(f"{command} --mermaid"))
    names = dict(re.findall(r'^  (n\d+)\W+"(.*)"\W+$', text, re.M))
    arrows = re.findall(r'^  (n\d+) -->(?:\|"?(.*?)"?\|)? (n\d+)$', text, re.M)
    assert len(text.splitlines()) == len(names) + len(arrows) + 1
    assert tuple(map(filled, arrow)) in {(names[a], label, names[b]) for a, label, b in arrows}


def test_names_cannot_break_out_of_a_drawing() -> None:
    sketch = Sketch()
    sketch.node(1, 'a"] --> x["\n\\', "Model")
    sketch.node(2, "b", "Pipeline")
    sketch.edge(1, 2, 'by "any" | means')
    assert sketch.as_dot().splitlines()[2:-1] == [
        '  n0 [label="a\\"] --> x[\\" \\\\", shape=hexagon];',
        '  n1 [label="b", shape=ellipse];',
        '  n0 -> n1 [label="by \\"any\\" | means"];',
    ]
    assert sketch.as_mermaid().splitlines()[1:] == [
        '  n0{{"a#quot;] --> x[#quot; \\"}}',
        '  n1(["b"])',
        '  n0 -->|"by #quot;any#quot; | means"| n1',
    ]


def test_a_drawing_has_each_thing_once_and_an_arrow_in_the_direction_of_the_data() -> None:
    made = facts(ran(0, [ds("bronze/a"), ds("bronze/b")], [ds("silver/c", of=["bronze/a"])]))
    reader = Reader(FakeGraph(made).ask)
    found = drawing.graph(reader, Vertex("Dataset", ("s3://lake", "silver/c")), 2)
    assert drawing.as_mermaid(reader.view, found).splitlines() == [
        "flowchart LR",
        '  n0["bronze/a"]',
        '  n1["silver/c"]',
        '  n2(["job"])',
        "  n0 -->|CONSUMES| n2",
        "  n0 -->|DERIVED_FROM| n1",
        "  n2 -->|GENERATED_BY| n1",
    ]


def test_only_a_snapshot_that_is_named_can_be_drawn(memory: Answering) -> None:
    with pytest.raises(AssertionError, match="VERSION"):
        memory.command("snapshot silver/orders_enriched --dot")

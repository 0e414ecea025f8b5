"""When, how much and up to which thresholds can be said of every question; what was cut off is told."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from lineagegraph import JanusGraphClient
from lineagegraph.naming import Naming
from lineagegraph.reader import Reader
from lineagegraph.statements import Statement
from tests.lineagegraph.api.asking import Api, asking
from tests.lineagegraph.api.test_access import crowded, questions
from tests.lineagegraph.build import Event, ds, facts, ran
from tests.lineagegraph.fake_graph import FakeGraph

DAY = 24 * 60
OLD, NEW = datetime(2026, 11, 1, 12, tzinfo=UTC), datetime(2026, 11, 4, tzinfo=UTC)
WHENS: list[tuple[str, dict[str, Any], list[str]]] = [
    ("", {}, ["/lake/silver/b"]),
    ("allTime: true", {"all_time": True}, ["/lake/silver/a", "/lake/silver/b"]),
    (f'asOf: "{OLD.isoformat()}"', {"as_of": OLD}, ["/lake/silver/a"]),
    (f'asOf: "{NEW.isoformat()}"', {"as_of": NEW}, ["/lake/silver/b"]),
    ('asOf: "2026-11-01T12:00:00"', {"as_of": OLD.replace(tzinfo=None)}, ["/lake/silver/a"]),
    ('asOf: "2026-11-01T20:00:00+08:00"', {"as_of": OLD.astimezone(timezone(timedelta(hours=8)))}, ["/lake/silver/a"]),
]


def table(name: str, **more: Any) -> Event:
    return ds(f"/lake/{name}", namespace="made", **more)


def moved() -> list[Event]:
    """gold is made of silver/a on one day and of silver/b on another; many things are made of gold."""
    gold = table("gold/c", version="30", rows=1)
    return [
        *ran(0, [table("silver/a", version="10")], [gold], run="r1"),
        *ran(2 * DAY, [table("silver/b", version="20")], [gold], run="r2"),
        *(one for n in range(3) for one in ran(3 * DAY + n, [gold], [table(f"mart/d{n}")], run=f"m{n}", job=f"job{n}")),
    ]


@pytest.fixture(scope="module")
def api() -> Iterator[Api]:
    with asking(facts(moved())) as made:
        yield made


@pytest.fixture
def client(monkeypatch: pytest.MonkeyPatch) -> JanusGraphClient:
    made = JanusGraphClient("ws://127.0.0.1:9/gremlin")
    monkeypatch.setattr(made, "_reader", lambda: Reader(FakeGraph(facts(moved())).ask))
    return made


@pytest.mark.parametrize(("argument", "given", "expected"), WHENS)
def test_lineage_is_that_of_the_moment_asked_for(
    api: Api, client: JanusGraphClient, argument: str, given: dict[str, Any], expected: list[str]
) -> None:
    comma = ", " if argument else ""
    found = api.data(f"""{{
        datasetLineage(datasetId: "gold/c"{comma}{argument}) {{ upstreamDatasets {{ properties }} }}
        lineageGraph(nodeId: "gold/c", depth: 1{comma}{argument}) {{ nodes {{ label properties }} }} }}""")
    names = [row["properties"]["name"] for row in found["datasetLineage"]["upstreamDatasets"]]
    assert sorted(names) == expected
    nodes = {row["properties"]["name"] for row in found["lineageGraph"]["nodes"] if row["label"] == "Dataset"}
    assert {name for name in nodes if "silver" in name} == set(expected)
    assert sorted(row.name for row in client.get_upstream_datasets("gold/c", **given)) == expected
    around = client.get_full_lineage_graph("gold/c", depth=1, **given)
    assert {row.properties["name"] for row in around.nodes if "silver" in row.properties["name"]} == set(expected)


def test_downstream_is_that_of_the_moment_asked_for_too(api: Api, client: JanusGraphClient) -> None:
    ask = '{ datasetLineage(datasetId: "silver/a" %s) { downstreamCount } }'
    assert api.data(ask % "")["datasetLineage"]["downstreamCount"] == 0
    assert api.data(ask % ", allTime: true")["datasetLineage"]["downstreamCount"] == 4
    assert client.get_downstream_datasets("silver/a") == []
    assert [row.dataset_id for row in client.get_downstream_datasets("silver/a", 1, as_of=OLD)] == ["gold/c"]


def test_no_moment_is_told_so(api: Api) -> None:
    assert api.code('{ datasetLineage(datasetId: "gold/c", asOf: "yesterday") { layer } }') == "BAD_QUERY"


def test_what_limits_cut_off_is_told_with_where_to_go_on(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    ask = """{ datasetLineage(datasetId: "silver/b") {
        downstreamDatasets { name } downstreamCut { why at { name } } upstreamCut { why } } }"""
    whole = api.data(ask)["datasetLineage"]
    assert (whole["downstreamCut"], whole["upstreamCut"], len(whole["downstreamDatasets"])) == (None, None, 4)
    monkeypatch.setattr("lineagegraph.lineage.MOST_DATASETS", 2)
    part = api.data(ask)["datasetLineage"]
    assert part["downstreamDatasets"] == [{"name": "gold/c"}]
    assert part["downstreamCut"] == {"why": "size", "at": [{"name": "gold/c"}]}


@pytest.mark.parametrize(
    ("given", "expected"),
    [("", "MEDIUM"), ("low: 6", "LOW"), ("low: 1, medium: 5", "HIGH"), ("low: 0, medium: 6", "MEDIUM")],
)
def test_the_thresholds_of_an_impact_can_be_set(api: Api, given: str, expected: str) -> None:
    ask = f'{{ impactAnalysis(datasetId: "gold/c", {given}) {{ totalAffected severity }} }}'
    found = api.data(ask)["impactAnalysis"]
    assert found == {"totalAffected": 6, "severity": expected}


@pytest.mark.parametrize("given", ["low: -1", "low: 6, medium: 5"])
def test_thresholds_out_of_order_are_refused(api: Api, given: str) -> None:
    assert api.code(f'{{ impactAnalysis(datasetId: "gold/c", {given}) {{ severity }} }}') == "BAD_REQUEST"


PARTS = [
    ('datasetConsumers(datasetId: "gold/c", {})', ("pipelines", "datasets")),
    ('datasetSchemas(datasetId: "gold/c", {})', ("schemas",)),
    ('columnLineage(datasetId: "gold/c", {})', ("steps",)),
    ('snapshotProvenance(datasetId: "gold/c", version: "30", {})', ("writers", "origins", "ends")),
    ('modelAudit(modelName: "m", {})', ("training_datasets", "pipelines")),
    ('run(runId: "r2") {{ read({}) {{ name }} wrote({}) {{ name }} }}', ("read", "wrote")),
    ('modelLineage(modelName: "m") {{ datasetSnapshots({}) trainingDatasets({}) {{ name }} }}', ("datasetSnapshots",)),
]


@pytest.mark.parametrize(("question", "lists"), PARTS, ids=lambda part: str(part)[:20])
def test_a_list_in_an_answer_can_be_asked_for_in_parts(question: str, lists: tuple[str, ...]) -> None:
    wide = table("gold/c", version="30", rows=1, columns=["x"])
    more = table("gold/c", version="30", rows=1, columns=["x", "y"])
    origins = [{"namespace": "made", "name": f"/lake/silver/{name}", "field": "id"} for name in "ab"]
    more["facets"]["columnLineage"] = {"fields": {"x": {"inputFields": origins}}}
    read = [table(f"silver/{name}", version="1", scanned=1.0) for name in "ab"]
    model = ds("m", namespace="mlflow://made", version="1", kind="MODEL")
    made = facts(
        moved(), ran(4 * DAY, read, [wide], run="r2", job="j"), ran(4 * DAY + 9, read, [more, model], run="r3", job="j")
    )
    with asking(made) as api:
        ask = question.format("first: 50", "first: 50").replace("{{", "{").replace("}}", "}")
        (whole,) = api.data(f"{{ {ask} }}").values()
        for name in lists:
            rows = whole[name]
            assert rows, name
            parts = []
            for at in range(len(rows) + 1):
                (answer,) = api.data(f"{{ {ask.replace('first: 50', f'first: 1, offset: {at}')} }}").values()
                parts += answer[name]
            assert parts == rows
        assert api.code(f"{{ {ask.replace('first: 50', 'first: 1001')} }}") == "BAD_ARGUMENT"


def test_a_feature_view_has_a_lineage_of_its_own() -> None:
    said = Statement(Naming(), 1_790_000_000_000)
    pipeline = said.pipeline("materialize", 1)
    said.consumes(pipeline, said.dataset("gold/customers"))
    said.feature(pipeline, "customer_features", ["age"])
    said.feature(None, "twice", namespace="a")
    said.feature(None, "twice", namespace="b")
    ask = '{ lineageGraph(nodeId: "%s", nodeType: "Feature") { nodes { name } edges { label } } }'
    with asking(said.facts) as api:
        found = api.data(ask % "customer_features")["lineageGraph"]
        assert sorted(row["name"] for row in found["nodes"]) == ["customer_features", "gold/customers", "materialize"]
        assert api.code(ask % "none") == "NOT_FOUND"
        assert api.code(ask % "twice") == "AMBIGUOUS"


def test_no_number_in_an_answer_is_larger_than_a_browser_can_read() -> None:
    with asking(crowded()) as api:
        for question in (q for q in questions() if q.startswith(("datasetVersions", "snapshotProvenance", "run("))):
            answer = api.post("{ " + question + " }").json()
            assert [n for n in numbers(answer) if abs(n) > 2**53] == [], question


def numbers(value: Any) -> Iterator[float]:
    if isinstance(value, dict | list):
        for inner in value.values() if isinstance(value, dict) else value:
            yield from numbers(inner)
    elif isinstance(value, int | float):
        yield value

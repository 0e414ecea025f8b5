"""What there is, page by page, each thing once; names are read once for all who ask."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from lineagegraph import inventory, rules
from lineagegraph.api.catalogue import Catalogue
from lineagegraph.corrections import Corrections
from lineagegraph.errors import GraphUnavailable
from lineagegraph.facts import Vertex
from lineagegraph.reader import Limits, Reader
from lineagegraph.sight import Sight
from lineagegraph.view import View
from tests.lineagegraph.api.asking import Api, asking
from tests.lineagegraph.fake_graph import FakeGraph
from tests.lineagegraph.made import made_at_random

STATED = """mutation {
  a: recordPipelineExecution(
    pipelineId: "clean" pipelineVersion: 1 inputDatasets: ["bronze/a", "bronze/b"] outputDatasets: ["silver/ab"])
  b: recordPipelineExecution(
    pipelineId: "load" pipelineVersion: 1 inputDatasets: [] outputDatasets: ["bronze/lone", "bronze/Alone"])
  c: recordModelTraining(modelName: "churn" modelVersion: 1 trainingDatasets: ["silver/ab"])
  d: recordModelTraining(
    modelName: "exact" modelVersion: 1 trainingDatasets: ["silver/ab"] datasetVersions: ["5974101018787936586"])
  e: recordModelTraining(modelName: "wide" modelVersion: 1 trainingDatasets: ["silver/ab", "bronze/a"])
}"""


@pytest.fixture(scope="module")
def api() -> Iterator[Api]:
    with asking() as made:
        assert set(made.data(STATED).values()) == {True}
        yield made


def pages(api: Api, question: str, rows: str, **given: Any) -> list[Any]:
    """Everything that a question finds, asked for one row at a time."""
    found, after, asked = list[Any](), None, 0
    while True:
        page = api.data(f"query($after: String) {{ {question} }}", variables={"after": after})
        page = page[question.partition("(")[0]]
        assert len(page[rows]) <= given.get("most", 1)
        assert page["cut"] is False
        found += page[rows]
        if (after := page["after"]) is None:
            return found
        asked += 1
        assert asked < 50, "pages come to an end"


def names(found: list[Any]) -> list[str]:
    return [row["name"] for row in found]


def test_search_finds_names_whatever_their_case_each_once(api: Api) -> None:
    found = pages(api, 'search(text: "ALONE", first: 1, after: $after)', "things")
    assert names(found) == ["bronze/Alone"]
    found = pages(api, 'search(text: "a", first: 1, after: $after)', "things")
    assert names(found) == sorted(["bronze/Alone", "bronze/a", "clean", "exact", "load", "silver/ab"])
    assert {row["label"] for row in found} == {"Dataset", "Pipeline", "Model"}


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize("text", ["", "T", "db.t", "lake/t1"])
def test_search_finds_a_dataset_by_any_of_its_names_and_lists_it_once_as_itself(seed: int, text: str) -> None:
    facts = made_at_random(seed, 60)
    view, every = View(facts), inventory.in_order(v for v in facts.vertices if v.label in inventory.NAMED)
    meant = {v: rules.physical(view, v) if v.label == "Dataset" else v for v in every}
    assert any(name != thing for name, thing in meant.items())
    wanted = {thing for name, thing in meant.items() if text.lower() in name.key[1]}
    found, after = list[Vertex](), None
    while True:
        page = inventory.search(Reader(FakeGraph(facts).ask), every, text, 2, after)
        found += page.things
        if (after := page.after) is None:
            break
    assert len(found) == len(set(found))
    assert set(found) == wanted


@pytest.mark.parametrize(
    ("text", "expected"),
    [("lone", ["bronze/a"]), ("silver", ["silver/ab"]), ("bronze/", ["bronze/a", "bronze/b"])],
)
def test_search_finds_a_dataset_by_the_name_that_the_operators_file_gives_it(
    tmp_path: Path, text: str, expected: list[str]
) -> None:
    file = tmp_path / "aliases.toml"
    also = ", ".join(f'{{ namespace = "lineagegraph", name = "bronze/{name}" }}' for name in ("lone", "Alone"))
    file.write_text(f'[[alias]]\nnamespace = "lineagegraph"\nname = "bronze/a"\nalso = [{also}]\n', encoding="utf-8")
    with asking() as api:
        api.data(STATED)
        every = inventory.in_order(v for v in api.graph.facts.vertices if v.label == "Dataset")
        reader = Reader(api.graph.ask, corrections=Corrections.load(file))
        assert [v.key[1] for v in inventory.search(reader, every, text).things] == expected


def test_orphans_are_what_nobody_uses(api: Api) -> None:
    assert names(pages(api, "orphans(first: 1, after: $after)", "things")) == ["bronze/Alone", "bronze/lone"]
    assert names(pages(api, 'orphans(layer: "silver", first: 1, after: $after)', "things")) == []
    assert len(pages(api, 'orphans(layer: "bronze", first: 1, after: $after)', "things")) == 2


def test_datasets_of_a_layer_come_in_pages(api: Api) -> None:
    found = names(pages(api, 'datasetsByLayer(layer: "bronze", first: 1, after: $after)', "things"))
    assert found == sorted(["bronze/Alone", "bronze/a", "bronze/b", "bronze/lone"])


def test_models_without_snapshots_are_found(api: Api) -> None:
    assert names(pages(api, "modelsWithoutSnapshots(first: 1, after: $after)", "things")) == ["churn", "wide"]


def test_paths_lead_from_each_dataset_of_a_layer_to_each_model(api: Api) -> None:
    found = pages(api, "pathsToModels(first: 1, after: $after)", "paths", most=3)
    assert sorted([names(path["things"]) for path in found]) == [
        ["bronze/a", "silver/ab", "churn"],
        ["bronze/a", "silver/ab", "exact"],
        ["bronze/a", "wide"],
        *(["bronze/b", "silver/ab", model] for model in ("churn", "exact", "wide")),
    ]


def test_consumers_of_a_dataset_are_told_by_kind(api: Api) -> None:
    found = api.data('{ datasetConsumers(datasetId: "silver/ab") }')["datasetConsumers"]
    assert names(found["models"]) == ["churn", "exact", "wide"]
    found = api.data('{ datasetConsumers(datasetId: "bronze/a") }')["datasetConsumers"]
    assert (names(found["pipelines"]), names(found["datasets"])) == (["clean"], ["silver/ab"])


@pytest.mark.parametrize("first", [0, -1, 1001])
@pytest.mark.parametrize(
    "question", ['search(text: "a", ', "orphans(", "modelsWithoutSnapshots(", "pathsToModels(", "datasetsByLayer("]
)
def test_pages_are_bounded(api: Api, question: str, first: int) -> None:
    more = ', layer: "gold"' if question.startswith("datasetsByLayer") else ""
    assert api.code(f"{{ {question}first: {first}{more}) }}") == "BAD_ARGUMENT"


def test_an_answer_that_ends_early_says_from_where_to_go_on_and_nothing_is_lost(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("lineagegraph.pages.AT_ONCE", 2)
    facts = made_at_random(3, 60)
    every = inventory.in_order(v for v in facts.vertices if v.label == "Dataset")
    whole = inventory.orphans(Reader(FakeGraph(facts).ask), every, 1000)
    assert len(every) > 5
    assert whole.things
    assert whole.after is None
    found, after, cut = list[Vertex](), None, 0
    while True:
        limits = Limits(seconds=60.0, total=0)  # full after the first portion
        page = inventory.orphans(Reader(FakeGraph(facts).ask, limits), every, 1000, after)
        found += page.things
        cut += page.cut
        if (after := page.after) is None:
            break
        assert cut < 50
    assert cut > 1
    assert found == list(whole.things)


def run(catalogue: Catalogue, many: int = 1) -> list[int]:
    async def ask() -> list[int]:
        answers = await asyncio.gather(*(catalogue.names() for _ in range(many)))
        return [len(one.every) for one in answers]

    return asyncio.run(ask())


def test_however_many_ask_the_graph_is_looked_through_once_a_minute() -> None:
    now, looks = [0.0], list[int]()

    def read() -> Iterator[Vertex]:
        looks.append(1)
        yield Vertex("Dataset", ("ns", f"a{len(looks)}"))
        yield Vertex("Dataset", ("ns", "b"))

    catalogue = Catalogue(read, lambda: now[0])
    assert run(catalogue, 5) == [2] * 5
    now[0] = 59.9
    assert run(catalogue) == [2]
    assert len(looks) == 1
    now[0] = 60.0
    run(catalogue)
    assert len(looks) == 2
    catalogue.close()


def test_looking_goes_on_when_the_asker_has_given_up_and_a_failed_look_is_not_kept() -> None:
    go, looks = threading.Event(), list[int]()

    def read() -> Iterator[Vertex]:
        looks.append(1)
        assert go.wait(30)
        if len(looks) == 1:
            yield Vertex("Dataset", ("ns", "b"))
        else:
            raise GraphUnavailable("away")

    async def impatient(catalogue: Catalogue) -> None:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05):
                await catalogue.names()

    now = [0.0]
    catalogue = Catalogue(read, lambda: now[0])
    for _ in range(3):
        asyncio.run(impatient(catalogue))
    go.set()
    assert (run(catalogue), len(looks)) == ([1], 1)
    now[0] = 100.0
    for number in (2, 3):
        with pytest.raises(GraphUnavailable):
            run(catalogue)
        assert len(looks) == number
    catalogue.close()


def test_names_are_those_that_may_be_seen() -> None:
    catalogue = Catalogue(lambda: [Vertex("Dataset", ("open", "a")), Vertex("Model", ("hush", "m", "1"))])
    names = asyncio.run(catalogue.names())
    assert [v.key[1] for v in names.seen(Sight(("open",)))] == ["a"]
    assert [v.key[1] for v in names.seen(Sight(), ["Model"])] == ["m"]
    catalogue.close()

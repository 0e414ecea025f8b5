"""Tokens: only hashes are kept, scopes and namespaces hold for every question, and nothing hidden is in any answer."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lineagegraph.api.app import Serving
from lineagegraph.api.schema import SCHEMA
from lineagegraph.errors import LineageError
from lineagegraph.facts import Facts
from lineagegraph.reader import Limits
from lineagegraph.sight import Sight
from lineagegraph.tokens import Tokens, as_toml, new_token
from tests.lineagegraph.api.asking import Api, asking
from tests.lineagegraph.test_sight import SECRET, complete, dataset, events, facts_of

READ, WRITE, SOME, OLD = (new_token() for _ in range(4))


def token_file(path: Path) -> Path:
    rows = [
        as_toml(READ, "reader", ("read",), ()),
        as_toml(WRITE, "writer", ("write",), ("lineagegraph",)),
        as_toml(SOME, "some", ("read", "write"), ("open",)),
        as_toml(OLD, "old", ("read",), ()) + "\nexpires = 2020-01-01",
    ]
    path.write_text("\n\n".join(rows), encoding="utf-8")
    return path


@pytest.fixture
def api(tmp_path: Path) -> Iterator[Api]:
    with asking(serving=Serving(tokens=Tokens(token_file(tmp_path / "tokens.toml")))) as made:
        yield made


@pytest.mark.parametrize(
    "token",
    [None, "", "lg_wrong", OLD, READ[:-1], READ + "x", "é"],
    ids=["none", "empty", "wrong", "expired", "short", "long", "not ASCII"],
)
def test_who_has_no_valid_token_is_told_only_that(api: Api, token: str | None) -> None:
    headers = [] if token is None else [(b"Authorization", f"Bearer {token}".encode())]
    answer = api.http.post("/graphql", json={"query": "{ __typename }"}, headers=headers)
    assert (answer.status_code, answer.json()["errors"][0]["extensions"]["code"]) == (401, "UNAUTHENTICATED")
    assert answer.headers["www-authenticate"] == "Bearer"


def test_scopes_hold(api: Api) -> None:
    promote = 'mutation { recordDatasetPromotion(sourceDataset: "a/b", targetDataset: "c/d") }'
    assert api.code(promote, READ) == "FORBIDDEN"
    assert api.data(promote, WRITE) == {"recordDatasetPromotion": True}
    assert api.code('{ datasetLineage(datasetId: "c/d") { layer } }', WRITE) == "FORBIDDEN"
    assert api.data('{ datasetLineage(datasetId: "c/d") { datasetId } }', READ)["datasetLineage"] == {
        "datasetId": "c/d"
    }


def test_nobody_writes_to_a_namespace_that_they_may_not_see(api: Api) -> None:
    before = len(api.graph.facts)
    assert api.code('mutation { recordDatasetPromotion(sourceDataset: "a", targetDataset: "b") }', SOME) == "FORBIDDEN"
    assert len(api.graph.facts) == before


def test_the_file_holds_no_token_and_mistakes_in_it_are_told(tmp_path: Path) -> None:
    path = token_file(tmp_path / "tokens.toml")
    assert READ not in path.read_text(encoding="utf-8")
    path.write_text('[[token]]\nname = "a"\nsha256 = "short"\nscopes = ["admin"]\n', encoding="utf-8")
    with pytest.raises(LineageError, match=r"line 3: .*sha256.*line 4: .*scopes"):
        Tokens(path)


def test_a_token_that_is_taken_out_of_the_file_ends(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lineagegraph.tokens.LOOK_AGAIN", 0.0)
    tokens = Tokens(token_file(tmp_path / "tokens.toml"))
    assert tokens.grant(READ) is not None
    (tmp_path / "tokens.toml").write_text("[[token", encoding="utf-8")
    assert tokens.grant(READ) is not None, "half-written: the last good one stays"
    (tmp_path / "tokens.toml").write_text("", encoding="utf-8")
    assert tokens.grant(READ) is None


NODE = "{ id label name nodeType properties }"
CUT = f"{{ why at {NODE} }}"
ASKED = [
    f"""datasetLineage(datasetId: "{{id}}", namespace: {{ns}}, allTime: true) {{{{
        upstreamCut {CUT} downstreamCut {CUT}
        datasetId namespace name layer version upstreamCount downstreamCount
        upstreamDatasets {{{NODE}}} downstreamDatasets {{{NODE}}} generatingPipelines {{{NODE}}}
        consumingPipelines {{{NODE}}} consumingModels {{{NODE}}} }}}}""",
    'datasetLineage(datasetId: "{id}", namespace: {ns}, asOf: "2026-11-02T00:00:00Z") {{ upstreamCount }}',
    f"""impactAnalysis(datasetId: "{{id}}", namespace: {{ns}}) {{{{ totalAffected severity targetNode {{{NODE}}}
        affectedDatasets {{{NODE}}} affectedPipelines {{{NODE}}} affectedModels {{{NODE}}} }}}}""",
    f"""lineageGraph(nodeId: "{{id}}", namespace: {{ns}}, allTime: true) {{{{ nodeCount nodes {{{NODE}}}
        edges {{{{ id label source target properties }}}} }}}}""",
]
WHICH = 'datasetId: "{id}", namespace: {ns}'
ASKED += [
    f'snapshotProvenance({WHICH}, version: "100000000000000001")',
    f"columnLineage({WHICH})",
    f"datasetVersions({WHICH})",
    f"datasetSchemas({WHICH})",
    f"schemaDrift({WHICH})",
    f"datasetConsumers({WHICH}, allTime: true)",
]
OTHERS = [
    "deadLetters(topic: null) {{ source letters }}",
    'pipelineRuns(pipelineId: "{id}")',
    'datasetsByLayer(layer: "gold")',
    'search(text: "{id}")',
    'search(text: "")',
    "orphans(layer: null)",
    'orphans(layer: "gold")',
    "modelsWithoutSnapshots(first: 50)",
    'pathsToModels(layer: "gold")',
    'modelAudit(modelName: "{id}")',
    f"""pipelineLineage(pipelineId: "{{id}}") {{{{ pipelineId namespace pipelineVersion pipelineType
        inputDatasets {{{NODE}}} outputDatasets {{{NODE}}} features {{{NODE}}} downstreamModels {{{NODE}}} }}}}""",
    """run(runId: "{id}") {{ runId state pipeline
        read {{ namespace name version }} wrote {{ namespace name version }} }}""",
    f'lineageGraph(nodeId: "{{id}}", nodeType: "Pipeline") {{{{ nodes {NODE} edges {{{{ id source target }}}} }}}}',
    f'lineageGraph(nodeId: "{{id}}", nodeType: "Model") {{{{ nodes {NODE} edges {{{{ id source target }}}} }}}}',
    f'lineageGraph(nodeId: "{{id}}", nodeType: "Feature") {{{{ nodes {NODE} edges {{{{ id source target }}}} }}}}',
    f"""modelLineage(modelName: "{{id}}") {{{{ cut {CUT} modelName modelVersion framework trainingDatasets {{{NODE}}}
        upstreamPipelines {{{NODE}}} datasetSnapshots }}}}""",
]


def questions() -> list[str]:
    """Every question, about things that may be seen and things that may not."""
    found = []
    for number in range(6):
        where = dataset(number)
        for namespace in ("null", f'"{where["namespace"]}"'):
            found += [_filled(one, where["name"], namespace) for one in ASKED]
    for name in ("job", f"{SECRET}-job", "run-0", "run-2", "run-4", f"{SECRET}-run-1", f"{SECRET}-parent", "churn"):
        found += [_filled(one, name) for one in OTHERS]
    return list(dict.fromkeys(found))


def _filled(question: str, name: str, namespace: str = "") -> str:
    return question.replace("{{", "{").replace("}}", "}").replace("{id}", name).replace("{ns}", namespace)


def tell_nothing(facts: Facts, serving: Serving, asked: Iterable[str]) -> None:
    """No answer to these questions holds a secret that its asker has not said."""
    with asking(facts, serving) as api:
        for question in asked:
            answer = api.post("{ " + question + " }", SOME)
            told = answer.text
            for given_by_the_asker in re.findall(r'"([^"]*)"', question):
                told = told.replace(given_by_the_asker, "") if given_by_the_asker else told
            assert SECRET not in told, (question, answer.text)
            assert "INTERNAL" not in told, (question, answer.text)


def test_every_question_of_the_schema_is_asked_here() -> None:
    text = SCHEMA.as_str().partition("type Query {")[2].partition("\n}")[0]
    fields = set(re.findall(r"^  (\w+)\(", text, re.M))
    assert fields == {re.match(r"(\w+)\(", one).group(1) for one in (*ASKED, *OTHERS)}  # type: ignore[union-attr]


def models() -> list[dict[str, object]]:
    """A model that may be seen, of data of which not all may be seen, and one that may not."""
    version = {"version": {"datasetVersion": "7"}, "datasetType": {"datasetType": "MODEL"}}
    churn = {"namespace": "open", "name": "churn", "facets": version}
    theirs = {"namespace": f"{SECRET}-ns", "name": f"{SECRET}-model", "facets": version}
    return [
        complete(run={"runId": "run-7"}, inputs=[dataset(2), dataset(3)], outputs=[churn]),
        complete(run={"runId": f"{SECRET}-run-9"}, job=THEIRS, inputs=[dataset(2)], outputs=[theirs]),
    ]


THEIRS = {"namespace": f"{SECRET}-jobs", "name": f"{SECRET}-job"}


def crowded() -> Facts:
    """Hidden and visible things beside each other in every place."""
    source = {"namespace": f"{SECRET}-ns", "name": f"{SECRET}/t1", "field": "c"}
    versions = {"version": {"datasetVersion": "100000000000000001"}}
    columns = {"columnLineage": {"fields": {"c": {"inputFields": [source]}}}, **versions}
    many = [
        complete(outputs=[dataset(2, columns)]),
        complete(job=THEIRS, run={"runId": f"{SECRET}-run-1"}, outputs=[dataset(2, versions), dataset(3)]),
        complete(run={"runId": "run-2"}, inputs=[dataset(2), dataset(3)], outputs=[dataset(4)]),
        complete(job=THEIRS, run={"runId": f"{SECRET}-run-3"}, inputs=[dataset(2), dataset(4)], outputs=[dataset(5)]),
    ]
    return facts_of([*many, *models()])


@pytest.mark.parametrize("each", [1, 1000])
def test_no_question_at_all_tells_anything_of_a_hidden_namespace_nor_what_limits_cut_off(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, each: int
) -> None:
    monkeypatch.setattr("lineagegraph.api.question.Limits", lambda seconds: Limits(each=each, seconds=seconds))
    tell_nothing(crowded(), Serving(tokens=Tokens(token_file(tmp_path / "tokens.toml"))), questions())


def as_if_it_did_not_exist(facts: Facts, serving: Serving, asked: Iterable[str]) -> None:
    """Counts, pages, cursors and errors are those of the graph in which what is hidden does not exist."""
    with asking(facts, serving) as hidden, asking(Sight(("open",)).applied(facts), serving) as gone:
        for question in asked:
            if "deadLetters" not in question:
                seen, whole = (api.post("{ " + question + " }", SOME).json() for api in (hidden, gone))
                assert seen == whole, question


def test_every_question_is_answered_as_if_what_is_hidden_did_not_exist(tmp_path: Path) -> None:
    as_if_it_did_not_exist(crowded(), Serving(tokens=Tokens(token_file(tmp_path / "tokens.toml"))), questions()[::2])


def test_a_version_that_only_hidden_runs_that_failed_name_is_not_listed(tmp_path: Path) -> None:
    def named(version: str) -> list[dict[str, object]]:
        return [dataset(2, {"version": {"datasetVersion": version}})]

    theirs = complete(eventType="FAIL", job=THEIRS, run={"runId": f"{SECRET}-run-1"}, outputs=named("200"))
    serving = Serving(tokens=Tokens(token_file(tmp_path / "tokens.toml")))
    with asking(facts_of([complete(outputs=named("100")), theirs]), serving) as api:
        for token, expected in ((READ, {"100", "200"}), (SOME, {"100"})):
            found = api.data('{ datasetVersions(datasetId: "gold/t2") }', token)["datasetVersions"]
            assert {row["version"] for row in found["rows"]} == expected


def test_who_may_see_every_namespace_is_answered_as_who_is_not_restricted(tmp_path: Path) -> None:
    every = new_token()
    path = token_file(tmp_path / "tokens.toml")
    row = as_toml(every, "every", ("read",), ("*",))
    path.write_text(f"{path.read_text(encoding='utf-8')}\n\n{row}", encoding="utf-8")
    with asking(crowded(), Serving(tokens=Tokens(path))) as api:
        for question in questions()[::4]:
            if "deadLetters" not in question:
                whole, seen = (api.post("{ " + question + " }", token).json() for token in (READ, every))
                assert seen == whole, question


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(events(), min_size=2, max_size=6),
    st.lists(st.sampled_from(questions()), min_size=10, max_size=10, unique=True),
)
def test_no_answer_and_no_error_holds_a_string_of_a_hidden_namespace(
    tmp_path: Path, many: list[dict[str, object]], asked: list[str]
) -> None:
    tell_nothing(facts_of(many), Serving(tokens=Tokens(token_file(tmp_path / "tokens.toml"))), asked)


def test_hidden_and_missing_things_are_answered_alike(tmp_path: Path) -> None:
    serving = Serving(tokens=Tokens(token_file(tmp_path / "tokens.toml")))
    facts = facts_of([complete(), complete(job={"namespace": f"{SECRET}-jobs", "name": "x1"}, run={"runId": "x2"})])
    with asking(facts, serving) as api:
        for question in (
            'datasetLineage(datasetId: "{}") {{ layer }}',
            'pipelineLineage(pipelineId: "{}") {{ namespace }}',
            'run(runId: "{}") {{ state }}',
        ):
            hidden = {"d": f"{SECRET}/t1", "p": "x1", "r": "x2"}[question[0]]
            answers = [
                api.post("{ " + question.format(name) + " }", SOME).text.replace(name, "") for name in (hidden, "none")
            ]
            assert answers[0] == answers[1]

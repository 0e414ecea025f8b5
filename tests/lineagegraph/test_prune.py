"""Retention takes the past away and changes no answer about now, about models and about the time since."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from lineagegraph import audit, inventory, lineage, rules
from lineagegraph.answers import model_answer, run_answer
from lineagegraph.corrections import Corrections
from lineagegraph.errors import NotFound
from lineagegraph.facts import Facts, Vertex
from lineagegraph.plan import Plan
from lineagegraph.provenance import provenance
from lineagegraph.reader import Reader
from lineagegraph.settings import GraphSettings
from lineagegraph.upkeep import prune
from lineagegraph.view import View
from tests.lineagegraph.build import a_run, dataset, ds, event, failed, ran
from tests.lineagegraph.build import facts as facts_of
from tests.lineagegraph.fake_graph import of_version_1
from tests.lineagegraph.past import DAY_MS, FIRST, Prunable, history, stated

SEEDS = (0,)
HORIZON = FIRST + 12 * DAY_MS


@pytest.fixture(scope="module", params=SEEDS)
def facts(request: pytest.FixtureRequest) -> Facts:
    return stated(history(request.param, 60))


def answers(facts: Facts) -> Iterator[tuple[object, ...]]:
    """Every answer that must stay as it is, with the question."""
    view, ask = View(facts), Prunable(facts).ask
    for model in view.all("Model"):
        yield "model", model, model_answer(view, model)
        if model_answer(view, model) is not None:
            report = audit.audit(Reader(ask), 0, model.key[1], model.key[2], model.key[0])
            yield "audit", model, audit.as_json(report)
    for snapshot in trained_on(view):
        found = provenance(Reader(ask), snapshot.dataset, snapshot.version or "", 50)
        yield "provenance", snapshot, found.writers, found.origins, found.ends
    datasets = sorted({rules.physical(view, d) for d in view.all("Dataset")})
    for one in datasets:
        yield "standing", one, rules.standing(view, one)
        yield "latest", one, rules.latest_version(view, one), rules.columns(view, one)
        yield "used", one, rules.consumers(view, one), rules.producers(view, one)
        for moment in (None, HORIZON, HORIZON + DAY_MS // 2, HORIZON + 3 * DAY_MS):
            for walk in (lineage.upstream, lineage.downstream):
                reader = Reader(ask)
                yield walk.__name__, one, moment, walk(reader, one, 3, as_of=moment).steps
    yield "orphans", inventory.orphans(Reader(ask), inventory.in_order(datasets)).things
    for run in view.all("Run"):
        if (view.number(run, "seen_at") or 0) >= HORIZON:
            yield "run", run, run_answer(view, run)


def trained_on(view: View) -> list[rules.Snapshot]:
    found = (rules.training(view, model) for model in view.all("Model"))
    rows = {row.snapshot for training in found if training for row in training.trained_on if row.snapshot.version}
    known = {v.key for v in view.all("DatasetVersion")}
    named = [row for row in rows if any((*n.key, row.version) in known for n in rules.names_of(view, row.dataset))]
    return sorted(named, key=lambda row: (row.dataset, row.version or ""))


def runs(facts: Facts) -> set[Vertex]:
    return {vertex for vertex in facts.vertices if vertex.label == "Run"}


def test_no_answer_about_now_about_a_model_or_since_the_horizon_changes(facts: Facts) -> None:
    left, plan = Prunable(facts).pruned(HORIZON)
    assert len(runs(left)) == len(runs(facts)) - plan.going
    assert plan.going > 10, "or nothing is proven"
    before, after = list(answers(facts)), list(answers(left))
    assert {row[0] for row in before} > {"audit", "provenance", "standing"}
    assert after == before


def test_only_runs_and_their_days_go(facts: Facts) -> None:
    left, plan = Prunable(facts).pruned(HORIZON)
    gone = facts.vertices.keys() - left.vertices.keys()
    assert {vertex.label for vertex in gone} == {"Run", "Bucket"}
    assert all(len(vertex.key[1]) == 10 and vertex.key[1] < "2026-11-13" for vertex in gone if vertex.label == "Bucket")
    assert plan.buckets == len([vertex for vertex in gone if vertex.label == "Bucket"]) > 0
    held = {edge.target for edge in left.edges if edge.label == "HOLDS"}
    assert {run for run in runs(left) if View(facts).number(run, "seen_at")} <= held, "what stays is found again"


@pytest.mark.parametrize("requests", [1, 2, 3])
def test_broken_off_anywhere_and_done_again_it_ends_the_same(requests: int) -> None:
    facts = stated(history(1, 60))
    whole, _ = Prunable(facts).pruned(HORIZON)
    some, _ = Prunable(facts).pruned(HORIZON, requests)
    assert len(some) > len(whole)
    again, plan = Prunable(some).pruned(HORIZON)
    assert again == whole
    nothing, plan = Prunable(again).pruned(HORIZON)
    assert (nothing, plan.going, plan.buckets) == (whole, 0, 0)


def test_of_a_graph_of_schema_version_1_the_same_runs_go_and_their_places_in_all_buckets(facts: Facts) -> None:
    old, _ = Prunable(of_version_1(facts)).pruned(HORIZON)
    new, _ = Prunable(facts).pruned(HORIZON)
    assert runs(old) == runs(new)
    held = {
        (edge.source.key[0], edge.target) for edge in old.edges if edge.label == "HOLDS" and edge.target.label == "Run"
    }
    assert {run for _, run in held} <= runs(old)
    assert [owner for owner, _ in held if owner.startswith('["Dataset"')], "or nothing is proven"


def test_what_answers_need_that_the_operator_corrected_stays_too(tmp_path: Path) -> None:
    day, file = 24 * 60, tmp_path / "aliases.toml"
    file.write_text('[[ignore]]\nrun = "test"\n', encoding="utf-8")
    corrections = Corrections.load(file)
    made = facts_of(
        ran(2 * day, [ds("a")], [ds("t")], run="older"),
        ran(3 * day, [ds("b")], [ds("t")], run="real"),
        ran(9 * day, [ds("c")], [ds("t")], run="test"),
    )
    before = rules.sources(View(made, corrections), dataset("t"))
    assert [row.dataset for row in before] == [dataset("b")]
    left, plan = Prunable(made).pruned(HORIZON, corrections=corrections)
    assert rules.sources(View(left, corrections), dataset("t")) == before
    assert rules.sources(View(left), dataset("t")) == rules.sources(View(made), dataset("t"))
    assert plan.going == 1


def test_who_may_have_written_beside_a_run_that_crossed_the_horizon_stays() -> None:
    midnight = 12 * 24 * 60
    made = facts_of(
        event("START", midnight - 10, outputs=[ds("t")], run="crossed"),
        event("COMPLETE", midnight + 10, outputs=[ds("t", version="11", rows=5)], run="crossed"),
        ran(midnight - 8, outputs=[ds("t", version="10", rows=5)], run="beside", job="other"),
        ran(midnight - 3, outputs=[ds("t"), ds("u")], run="later", job="other"),
    )
    assert rules.snapshots_written(View(made), a_run("crossed"))[0].version is None
    left, _ = Prunable(made).pruned(HORIZON)
    assert rules.snapshots_written(View(left), a_run("crossed"))[0].version is None


def test_which_versions_only_failed_runs_name_stays_known_where_it_matters() -> None:
    day = 24 * 60
    made = facts_of(
        ran(2 * day, outputs=[ds("t", version="1")], run="good"),
        failed(3 * day, outputs=[ds("t", version="2")], run="bad"),
        ran(8 * day, outputs=[ds("t")], run="silent"),
        failed(14 * day, outputs=[ds("t", version="3")], run="newest", job="other"),
    )
    before = rules.latest_version(View(made), dataset("t"))
    assert before is not None
    assert before.version == "1"
    left, _ = Prunable(made).pruned(HORIZON)
    assert rules.latest_version(View(left), dataset("t")) == before


def test_who_read_a_version_that_only_failed_runs_name_stays_where_it_matters() -> None:
    day = 24 * 60
    made = facts_of(
        failed(2 * day, outputs=[ds("t", version="1")], run="bad"),
        ran(3 * day, [ds("t", version="1")], run="reader", job="reading"),
        ran(9 * day, [ds("u")], [ds("w")], run="later", job="reading"),
        failed(14 * day, outputs=[ds("t", version="3")], run="newest", job="other"),
    )
    before = rules.latest_version(View(made), dataset("t"))
    assert before is not None
    assert before.version == "1", "somebody read it"
    left, _ = Prunable(made).pruned(HORIZON)
    assert rules.latest_version(View(left), dataset("t")) == before


def test_lineage_as_of_a_moment_before_the_horizon_is_refused() -> None:
    graph, some = Prunable(stated(history(0, 60))), Vertex("Dataset", ("s3://lake", "t1"))
    graph.horizon = HORIZON
    assert lineage.upstream(Reader(graph.ask), some, 1, as_of=HORIZON)
    with pytest.raises(NotFound, match="before 2026-11-13"):
        lineage.upstream(Reader(graph.ask), some, 1, as_of=HORIZON - 1)


def test_an_earlier_horizon_takes_less(facts: Facts) -> None:
    sizes = [len(runs(Prunable(facts).pruned(FIRST + days * DAY_MS)[0])) for days in (0, 6, 12, 18)]
    assert sizes[0] == len(runs(facts))
    assert sizes == sorted(sizes, reverse=True)
    assert sizes[1] > sizes[3]


def test_the_command_wants_one_horizon_and_says_what_would_go(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[int, bool, float | None]] = []

    def plan(settings: object, horizon: int, act: bool, settle: float | None, progress: object, _: Corrections) -> Plan:
        asked.append((horizon, act, settle))
        return Plan(horizon, runs=9, old=5, needed=Counter(models=2, runs=0), going=3, buckets=1)

    monkeypatch.setattr("lineagegraph.prune.prune", plan)
    run = CliRunner().invoke
    assert run(prune, [], obj=GraphSettings).exit_code == 2
    assert run(prune, ["--keep-days", "9", "--before", "2026-01-01"], obj=GraphSettings).exit_code == 2
    told = run(prune, ["--before", "2026-11-13"], obj=GraphSettings).output
    assert "9 runs, 5 of them older than 2026-11-13: 3 would go, with 1 day Buckets." in told
    assert "2 stay, because answers rest on them (2 for models)." in told
    assert "add --delete" in told
    run(prune, ["--before", "2026-11-13", "--delete", "--settle", "3"], obj=GraphSettings)
    assert asked == [(HORIZON, False, None), (HORIZON, True, 3.0)]

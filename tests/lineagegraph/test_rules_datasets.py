"""One dataset: its names, whether it is there, its latest version, its columns."""

from __future__ import annotations

from typing import Any

import pytest

from lineagegraph import rules
from lineagegraph.facts import Facts, Vertex
from lineagegraph.registers import newest
from lineagegraph.view import View
from tests.lineagegraph.build import DAY, dataset, ds, event, facts, failed, moment, ran, view

# Names


def test_a_logical_name_belongs_to_the_physical_dataset_that_claimed_it_last() -> None:
    # RENAME and CREATE: the first place loses its name to the second, and they stay two tables.
    events = [
        ran(0, [], [ds("wh/one", called="db.t")]),
        ran(5, [], [ds("wh/one", called="db.old")], run="r2"),
        ran(9, [], [ds("wh/two", called="db.t")], run="r3"),
    ]
    seen = view(events)
    assert rules.physical(seen, dataset("db.t", "catalog")) == dataset("wh/two")
    assert rules.physical(seen, dataset("db.old", "catalog")) == dataset("wh/one")
    assert rules.names_of(seen, dataset("wh/one")) == {dataset("wh/one"), dataset("db.old", "catalog")}
    assert rules.physical(seen, dataset("wh/one")) == dataset("wh/one")


def test_names_that_claim_each_other_are_the_first_of_them_wherever_one_begins() -> None:
    claims = Facts()
    for name, by in (("a", "c"), ("c", "b"), ("b", "c")):
        claims.vertex(dataset(name), {"claimed_by": newest(1_800_000_000_000, ["s3://lake", by])})
    assert {rules.physical(View(claims), dataset(name)) for name in "abc"} == {dataset("b")}


def test_a_clients_bare_name_is_the_only_dataset_that_people_call_so() -> None:
    bare = Vertex("Dataset", (rules.CLIENT, "gold/t"))
    one = [ran(0, [], [ds("wh/gold/t", called="gold.t")])]
    assert rules.physical(view(one), bare) == dataset("wh/gold/t")
    two = [*one, ran(0, [], [ds("elsewhere/gold/t")], run="r2")]
    assert rules.physical(view(two), bare) == bare
    assert rules.called(view(two), "gold/t") == (dataset("elsewhere/gold/t"), dataset("wh/gold/t"))


# Whether it is there


def standing(*events: Any, of: str = "t") -> str:
    return rules.standing(view(*events), dataset(of)).state


CREATED = ran(0, [], [ds("t", change="CREATE")])
DROPPED = ran(10, [], [ds("t", change="DROP")], run="drop", job="drop")


def test_a_dataset_exists_until_a_completed_run_drops_it() -> None:
    assert standing(CREATED) == "exists"
    assert standing(CREATED, DROPPED) == standing(DROPPED, CREATED) == "dropped"


@pytest.mark.parametrize(
    "drop",
    [
        failed(10, [], [ds("t", change="DROP")], run="drop", job="drop"),
        [event("START", 10, [], [ds("t", change="DROP")], run="drop", job="drop")],
    ],
    ids=["failed", "not ended"],
)
def test_a_drop_that_did_not_come_true_counts_for_nothing(drop: Any) -> None:
    assert standing(CREATED, drop) == "exists"
    assert standing(DROPPED, ran(20, [], [ds("t", change="CREATE")], run="r3"), drop) == "exists"


def test_a_failed_statement_does_not_hide_the_one_before_it() -> None:
    again = failed(20, [], [ds("t", change="CREATE")], run="r3")
    assert standing(CREATED, DROPPED, again) == "dropped"


@pytest.mark.parametrize(
    "later",
    [
        ran(20, [], [ds("t", change="CREATE")], run="r3"),
        ran(20, [], [ds("t")], run="r3"),
        ran(20, [ds("t", version="5")], [], run="r3"),
        [{"eventTime": moment(20), "dataset": ds("t", version="5")}],
    ],
    ids=["created", "written", "read", "described"],
)
def test_a_later_write_revives(later: Any) -> None:
    assert standing(CREATED, DROPPED, later) == "exists"


@pytest.mark.parametrize(
    "later",
    [failed(20, [], [ds("t")], run="r3"), failed(20, [], [ds("t", version="5")], run="r3")],
    ids=["written", "with a version"],
)
def test_a_later_write_that_failed_does_not_revive(later: Any) -> None:
    assert standing(CREATED, DROPPED, later) == "dropped"


def test_a_renamed_dataset_says_what_it_is_now() -> None:
    renamed = ran(10, [], [ds("new", change="RENAME", was="t")], run="r2")
    found = rules.standing(view(CREATED, renamed), dataset("t"))
    assert (found.state, found.now) == ("renamed", dataset("new"))
    assert standing(CREATED, renamed, of="new") == "exists"
    assert standing(CREATED, renamed, ran(20, [], [ds("t")], run="r3")) == "exists"
    assert standing(CREATED, failed(10, [], [ds("new", change="RENAME", was="t")], run="r2")) == "exists"


def without_runs(known: Facts) -> View:
    """What retention leaves."""
    left = Facts()
    for vertex, properties in known.vertices.items():
        if vertex.label not in ("Run", "Bucket"):
            left.vertex(vertex, properties)
    for (label, start, end), day in known.edges.items():
        if not {start.label, end.label} & {"Run", "Bucket"}:
            left.edge(label, start, end, day)
    return View(left)


@pytest.mark.parametrize(("at", "state"), [(20, "dropped"), (DAY, "exists")], ids=["the same day", "a day later"])
def test_without_its_runs_only_a_later_day_tells_of_a_later_write(at: int, state: str) -> None:
    dropped = {"eventTime": moment(10), "dataset": ds("t", change="DROP")}
    seen = without_runs(facts(dropped, ran(at, [], [ds("t")], run="r3")))
    assert rules.standing(seen, dataset("t")).state == state


def test_a_dataset_made_from_another_does_not_end_it() -> None:
    assert standing(CREATED, ran(10, [], [ds("copy", change="CREATE", was="t")], run="r2")) == "exists"


def test_a_drop_stated_without_any_run_counts() -> None:
    assert standing(CREATED, {"eventTime": moment(10), "dataset": ds("t", change="DROP")}) == "dropped"


# Its latest version


def latest(*events: Any) -> str | None:
    found = rules.latest_version(view(*events), dataset("t"))
    return found.version if found else None


def test_the_latest_version_is_that_of_the_newest_statement() -> None:
    events = [ran(0, [], [ds("t", version="1")]), ran(5, [ds("t", version="2")], [], run="r2")]
    assert latest(events) == latest(events[::-1]) == "2"
    assert latest(ran(0, [], [ds("t")])) is None


def test_a_version_of_a_failed_run_gives_way_to_the_one_before() -> None:
    events = [ran(0, [], [ds("t", version="1")]), ran(5, [], [ds("t", version="2")], run="r2")]
    assert latest(events, failed(9, [], [ds("t", version="3")], run="r3")) == "2"


def test_what_a_failed_run_read_is_there_nevertheless() -> None:
    assert latest(ran(0, [], [ds("t", version="1")]), failed(9, [ds("t", version="2")], [], run="r3")) == "2"


def test_a_version_that_only_failed_runs_name_is_not_the_latest() -> None:
    events = [ran(0, [], [ds("t", version="1")]), failed(5, [], [ds("t", version="2")], run="r2")]
    assert latest(events, failed(9, [], [ds("t", version="3")], run="r3")) == "1"
    assert latest(failed(9, [], [ds("t", version="3")], run="r3")) is None


# Its columns


def names(*events: Any) -> list[str]:
    return [field.name for field in rules.columns(view(*events), dataset("t"))]


def test_the_columns_now_are_those_of_the_newest_schema() -> None:
    events = [ran(0, [], [ds("t", columns=["a", "b"])]), ran(5, [], [ds("t", columns=["b", "c"])], run="r2")]
    assert names(events) == names(events[::-1]) == ["b", "c"]
    assert names(ran(0, [], [ds("t")])) == []


def test_the_schema_of_a_failed_run_gives_way_to_the_one_stated_last_before() -> None:
    events = [
        ran(0, [], [ds("t", columns=["a"])]),
        ran(DAY, [], [ds("t", columns=["a", "b"])], run="r2"),
        failed(2 * DAY, [], [ds("t", columns=["x"])], run="r3"),
    ]
    assert names(events) == ["a", "b"]


def test_a_schema_that_was_taken_back_is_no_schema() -> None:
    back = event("COMPLETE", 5, [], [ds("t")], run="r2")
    back["outputs"][0]["facets"]["schema"] = {"_deleted": True}
    assert names(ran(0, [], [ds("t", columns=["a"])]), back) == []


def test_every_schema_is_kept_with_its_days() -> None:
    events = [
        ran(0, [], [ds("t", columns=["a"])]),
        ran(DAY, [], [ds("t", columns=["b"])], run="r2"),
        ran(2 * DAY, [], [ds("t", columns=["b"])], run="r3"),
    ]
    found = rules.schemas(view(events), dataset("t"))
    assert [(s.first_day, s.last_day, [f.name for f in s.fields]) for s in found] == [
        ("2026-11-01", "2026-11-01", ["a"]),
        ("2026-11-02", "2026-11-03", ["b"]),
    ]


def test_a_columns_sources_are_those_of_datasets_that_are_still_sources() -> None:
    events = [
        ran(0, [ds("a")], [ds("t", of=["a"])]),
        ran(2 * DAY, [ds("b")], [ds("t", of=["b"])], run="r2"),
    ]
    found = rules.column_sources(view(events), dataset("t"), "id")
    assert [(source.dataset.key[1], source.field) for source in found] == [("b", "id")]
    ever = rules.column_sources(view(events), dataset("t"), "id", all_time=True)
    assert [source.dataset.key[1] for source in ever] == ["a", "b"]
    assert rules.column_sources(view(events), dataset("t"), "other") == []


def test_a_columns_source_tells_how_it_was_transformed() -> None:
    run = ran(0, [ds("a")], [ds("t", of=["a"])])
    for one in run:
        fields = one["outputs"][0]["facets"]["columnLineage"]["fields"]["id"]["inputFields"]
        fields[0]["transformations"] = [{"type": "DIRECT", "subtype": "AGGREGATION", "masking": True}]
    (found,) = rules.column_sources(view(run), dataset("t"), "id")
    assert found.transformations == (("DIRECT", "AGGREGATION", True),)


def test_of_two_statements_about_a_column_the_newer_one_tells_how_it_was_transformed() -> None:
    events = []
    for number, how in enumerate(("SORT", "AGGREGATION", "FILTER")):
        at = (0, 2 * DAY, DAY)[number]
        (run,) = (e for e in ran(at, [ds("a")], [ds("t", of=["a"])], run=f"r{number}") if e["eventType"] == "COMPLETE")
        (source,) = run["outputs"][0]["facets"]["columnLineage"]["fields"]["id"]["inputFields"]
        source["transformations"] = [{"type": "DIRECT", "subtype": how}]
        events.append([run])
    (found,) = rules.column_sources(view(events), dataset("t"), "id")
    assert found.transformations == (("DIRECT", "AGGREGATION", False),)


def test_facts_of_a_dataset_do_not_depend_on_which_run_came_first() -> None:
    assert facts(CREATED, DROPPED) == facts(DROPPED, CREATED)

"""Stated lineage: which facet speaks, and what it states of datasets and columns."""

from __future__ import annotations

from typing import Any

import pytest

from tests.mappers.events import Json, dataset, job_event, mapped, run_event, told

A = {"namespace": "db", "name": "a"}
B = {"namespace": "db", "name": "b"}
JOB = {"namespace": "jobs", "name": "other", "type": "JOB"}
OWN = {"type": "JOB"}
IDENTITY = {"type": "DIRECT", "subtype": "IDENTITY", "description": "", "masking": False}


def edges(event: Json, *labels: str) -> set[str]:
    wanted = labels or ("DERIVED_FROM", "STATES_LINEAGE_OF")
    return {line for line in told(event) if any(f" {label} " in line for label in wanted)}


def columns(**sources: Any) -> Json:
    return {"columnLineage": {"fields": {column: {"inputFields": list(its)} for column, its in sources.items()}}}


def entry(name: str, *inputs: Json, **more: Any) -> Json:
    return {"namespace": "db", "name": name, "type": "DATASET", "inputs": list(inputs), **more}


def lineage(*entries: Json) -> Json:
    return {"lineage": {"entries": list(entries)}}


STATED = {"t DERIVED_FROM a", "job:job STATES_LINEAGE_OF t"}


def test_column_lineage_states_the_datasets_of_its_columns_and_those_it_names_whole() -> None:
    facet = columns(x=[{**A, "field": "y"}])
    facet["columnLineage"]["dataset"] = [{**B, "field": "k", "transformations": []}]
    assert edges(run_event(outputs=[dataset("t", facet)])) == STATED | {"t DERIVED_FROM b", "t#x DERIVED_FROM a#y"}


def test_every_dataset_that_a_facet_names_is_known_by_what_people_call_it() -> None:
    whole = {"namespace": "s3://lake", "name": "gold/x"}
    facet = {"columnLineage": {"fields": {"x": {"inputFields": [{**A, "field": "y"}]}}, "dataset": [whole]}}
    assert {'a dataset_id="a"', 's3://lake gold/x dataset_id="gold/x"'} <= told(
        run_event(outputs=[dataset("t", facet)])
    )


def test_column_lineage_without_a_source_states_nothing() -> None:
    event = run_event(inputs=[dataset("a")], outputs=[dataset("t", columns(x=[]))])
    assert edges(event) == set()


def test_column_lineage_of_an_input_derives_it_but_is_no_statement_of_this_pipeline() -> None:
    assert edges(run_event(inputs=[dataset("t", columns(x=[{**A, "field": "y"}]))])) == {
        "t DERIVED_FROM a",
        "t#x DERIVED_FROM a#y",
    }


TRANSFORMATIONS: list[tuple[str, Json, str]] = [
    ("none", {"inputFields": [{**A, "field": "y"}]}, "[]"),
    (
        "several, in a stable order",
        {"inputFields": [{**A, "field": "y", "transformations": [{"type": "INDIRECT", "subtype": "JOIN"}, IDENTITY]}]},
        '[["DIRECT","IDENTITY",false],["INDIRECT","JOIN",false]]',
    ),
    (
        "masking",
        {"inputFields": [{**A, "field": "y", "transformations": [{"type": "DIRECT", "masking": True}]}]},
        '[["DIRECT",null,true]]',
    ),
    (
        "the legacy form",
        {"inputFields": [{**A, "field": "y"}], "transformationType": "IDENTITY", "transformationDescription": "as is"},
        '[["DIRECT","IDENTITY",false]]',
    ),
    (
        "the legacy form, masked",
        {"inputFields": [{**A, "field": "y"}], "transformationType": "masked"},
        '[["DIRECT","masked",true]]',
    ),
    (
        "both forms: the new one",
        {"inputFields": [{**A, "field": "y", "transformations": [IDENTITY]}], "transformationType": "MASKED"},
        '[["DIRECT","IDENTITY",false]]',
    ),
]


@pytest.mark.parametrize(("what", "column", "meant"), TRANSFORMATIONS, ids=[row[0] for row in TRANSFORMATIONS])
def test_how_a_column_was_made_is_kept(what: str, column: Json, meant: str) -> None:
    event = run_event(outputs=[dataset("t", {"columnLineage": {"fields": {"x": column}}})])
    assert f'lineage:t fields=[["x","db","a","y",{meant}]]' in told(event)


def test_an_input_under_another_of_its_names_is_the_input() -> None:
    link = {"symlinks": {"identifiers": [{"namespace": "hive://m", "name": "db.a", "type": "TABLE"}]}}
    source = {"namespace": "hive://m", "name": "db.a", "field": "y"}
    event = run_event(inputs=[dataset("a", link)], outputs=[dataset("t", columns(x=[source]))])
    assert edges(event) == STATED | {"t#x DERIVED_FROM a#y"}
    assert 'lineage:t fields=[["x","db","a","y",[]]]' in told(event)


def test_the_same_name_in_another_spelling_is_the_input() -> None:
    source = {"namespace": "s3a://lake", "name": "/a/dt=1", "field": "y"}
    event = run_event(inputs=[dataset("a", namespace="s3://lake")], outputs=[dataset("t", columns(x=[source]))])
    assert "t DERIVED_FROM s3://lake a" in told(event)


def test_a_name_that_two_datasets_of_the_event_carry_stays_a_name() -> None:
    link = {"symlinks": {"identifiers": [{"namespace": "hive://m", "name": "db.a", "type": "TABLE"}]}}
    source = {"namespace": "hive://m", "name": "db.a", "field": "y"}
    event = run_event(inputs=[dataset("a", link), dataset("b", link)], outputs=[dataset("t", columns(x=[source]))])
    assert "t DERIVED_FROM hive://m db.a" in edges(event)


TEMPORARY = {"namespace": "file", "name": "/w/_temporary/0"}


def test_an_artificial_source_is_left_out() -> None:
    facet = columns(x=[{**TEMPORARY, "field": "y"}, {**A, "field": "y"}], z=[{**TEMPORARY, "field": "y"}])
    facet["columnLineage"]["dataset"] = [TEMPORARY]
    event = run_event(outputs=[dataset("t", facet)])
    assert edges(event) == STATED | {"t#x DERIVED_FROM a#y"}
    assert not any("_temporary" in line for line in told(event))
    assert edges(run_event(outputs=[dataset("t", columns(z=[{**TEMPORARY, "field": "y"}]))])) == set()


def test_a_table_that_is_made_of_itself_too_says_so() -> None:
    target = {"namespace": "db", "name": "t"}
    facet = columns(x=[{**A, "field": "y"}, {**target, "field": "x"}])
    event = run_event(inputs=[dataset("a"), dataset("t")], outputs=[dataset("t", facet)])
    assert edges(event) == STATED | {"t DERIVED_FROM t", "t#x DERIVED_FROM a#y", "t#x DERIVED_FROM t#x"}


def test_the_jobs_lineage_goes_before_column_lineage() -> None:
    event = run_event(
        job=lineage(entry("t", {**A, "type": "DATASET"})),
        inputs=[dataset("a"), dataset("b")],
        outputs=[dataset("t", columns(x=[{**B, "field": "y"}]))],
    )
    assert edges(event) == STATED


def test_the_jobs_lineage_is_the_whole_word_on_every_output() -> None:
    event = run_event(
        job=lineage(entry("t", A)),
        inputs=[dataset("a"), dataset("b")],
        outputs=[dataset("t"), dataset("u", columns(x=[{**B, "field": "y"}]))],
    )
    assert edges(event) == STATED | {"job:job STATES_LINEAGE_OF u"}


def test_an_entry_without_inputs_states_that_there_are_none() -> None:
    event = run_event(job=lineage(entry("t")), inputs=[dataset("a")], outputs=[dataset("t")])
    assert edges(event) == {"job:job STATES_LINEAGE_OF t"}


def test_lineage_that_does_not_fit_leaves_the_word_to_column_lineage() -> None:
    event = run_event(job=lineage({"name": "t"}), outputs=[dataset("t", columns(x=[{**A, "field": "y"}]))])
    assert edges(event) == STATED | {"t#x DERIVED_FROM a#y"}
    assert [bad.facet for bad in mapped(event).bad_facets] == ["lineage"]


def test_an_entry_states_columns_and_datasets_of_which_no_column_is_known() -> None:
    fields = {
        "x": {"inputs": [{**A, "type": "DATASET", "field": "y", "transformations": [IDENTITY]}]},
        "z": {"inputs": [B, {"type": "JOB", "transformations": [{"type": "INDIRECT"}]}]},
    }
    event = run_event(job=lineage(entry("t", fields=fields)), outputs=[dataset("t")])
    assert edges(event) == STATED | {"t DERIVED_FROM b", "t#x DERIVED_FROM a#y"}
    assert 'lineage:t fields=[["x","db","a","y",[["DIRECT","IDENTITY",false]]]]' in told(event)


def test_an_entry_may_name_other_jobs_as_source_and_as_target() -> None:
    event = job_event(
        job=lineage(
            entry("t", JOB, OWN),
            {**JOB, "inputs": [A, JOB]},
            {**OWN, "inputs": [B]},
            {"type": "DASHBOARD", "namespace": "bi", "name": "d", "inputs": [A]},
            entry("u", {"type": "MODEL", "namespace": "ml", "name": "m"}),
        )
    )
    assert edges(event, "CONSUMES", "GENERATED_BY", "DERIVED_FROM", "STATES_LINEAGE_OF") == {
        "job:other GENERATED_BY t",
        "job:other CONSUMES a",
        "job:job CONSUMES b",
        "job:job STATES_LINEAGE_OF t",
        "job:job STATES_LINEAGE_OF u",
    }


def test_job_lineage_reads_aliases_and_leaves_artificial_sources_out() -> None:
    link = {"symlinks": {"identifiers": [{"namespace": "hive://m", "name": "db.a", "type": "TABLE"}]}}
    event = run_event(
        job=lineage(entry("t", {"namespace": "hive://m", "name": "db.a"}, TEMPORARY)),
        inputs=[dataset("a", link)],
        outputs=[dataset("t")],
    )
    assert edges(event) == STATED


def test_a_datasets_lineage_goes_before_its_column_lineage_even_if_it_is_empty() -> None:
    facets = {"lineage": {"inputs": []}, **columns(x=[{**A, "field": "y"}])}
    assert edges(run_event(outputs=[dataset("t", facets)])) == {"job:job STATES_LINEAGE_OF t"}

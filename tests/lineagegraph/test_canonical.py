"""The canonical lines: natural keys, decoded registers, nothing internal, one hash."""

from __future__ import annotations

import random
from typing import Any

import orjson

from lineagegraph.canonical import digest, edge_line, key, lines, vertex_line
from lineagegraph.facts import Facts, Vertex, bucket, fold
from lineagegraph.registers import earliest, newest
from tests.lineagegraph.random_facts import events

A = Vertex("Dataset", ("s3://lake", "gold/customers"))
JOB = Vertex("Pipeline", ("spark", "daily"))


def _facts() -> Facts:
    facts = Facts()
    facts.edge("CONSUMES", JOB, A, "2026-11-22")
    facts.vertex(A, {"dataset_id": "gold/customers", "storage": newest(5, ["iceberg", None])})
    facts.edge("BUCKET", A, bucket(A, "2026"))
    return facts


def test_facts_are_lines_with_natural_keys_and_decoded_registers() -> None:
    customers = {"namespace": "s3://lake", "name": "gold/customers"}
    daily = {"namespace": "spark", "name": "daily"}
    year = {"owner": ["Dataset", customers], "period": "2026"}
    called = {"dataset_id": "gold/customers", "storage": {"at": 5, "value": ["iceberg", None]}}
    dated = {"last_seen_at": "2026-11-22"}
    expected: list[dict[str, Any]] = [
        {"edge": "BUCKET", "from": ["Dataset", customers], "to": ["Bucket", year], "properties": {}},
        {"edge": "CONSUMES", "from": ["Pipeline", daily], "to": ["Dataset", customers], "properties": dated},
        {"vertex": "Bucket", "key": year, "properties": {}},
        {"vertex": "Dataset", "key": customers, "properties": called},
        {"vertex": "Pipeline", "key": daily, "properties": {"pipeline_id": "daily"}},
    ]
    assert sorted(lines(_facts())) == [orjson.dumps(line).decode() for line in expected]


def test_moments_are_shown_as_meant_and_no_internal_id_is_shown() -> None:
    facts = Facts()
    version = facts.vertex(
        Vertex("DatasetVersion", (*A.key, "7")), {"first_named_at": -5, "first_output_namer": earliest(5, "1")}
    )
    (line,) = lines(facts)
    assert orjson.loads(line)["properties"] == {
        "first_named_at": 5,
        "first_output_namer": {"at": 5, "value": "1"},
        "kind": "snapshot",
        "rounded": "7.0",
    }
    assert version.id not in line
    assert A.id not in line


def test_a_schemas_fields_are_shown_as_json() -> None:
    line = vertex_line(Vertex("Schema", (*A.key, "h")), {"fields": '[["id","int",null]]'})
    assert orjson.loads(line)["properties"] == {"fields": [["id", "int", None]]}


def test_names_in_any_script_stay_readable() -> None:
    vertex = Vertex("Dataset", ("db", "名前"))
    assert "名前" in vertex_line(vertex, {})
    assert "名前" in edge_line("SAME_AS", vertex, A, None)
    assert key(bucket(vertex, "2026"))["owner"] == ["Dataset", {"namespace": "db", "name": "名前"}]


def test_the_hash_does_not_know_the_order_of_the_lines_but_every_line() -> None:
    texts = list(lines(_facts()))
    shuffled = texts[:]
    random.Random(1).shuffle(shuffled)
    assert digest(shuffled) == digest(texts)
    assert len({digest(texts[:n]) for n in range(len(texts) + 1)}) == len(texts) + 1
    assert digest(["a", "b"]) != digest(["ab"])


def test_two_sets_of_facts_have_the_same_hash_iff_they_are_equal() -> None:
    assert digest(lines(_facts())) == digest(lines(_facts()))
    other = _facts()
    other.vertex(A, {"storage": newest(6, ["iceberg", None])})
    assert digest(lines(other)) != digest(lines(_facts()))


def test_every_vertex_and_every_edge_is_one_line() -> None:
    facts = fold(events(1, 300))
    texts = list(lines(facts))
    assert len(set(texts)) == len(texts) == len(facts)

"""Facts merge by union and by maximum, whatever their order."""

from __future__ import annotations

from collections.abc import Callable
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lineagegraph.canonical import lines
from lineagegraph.facts import Edge, Facts, Vertex, bucket, fold, identity, vertex_id
from lineagegraph.registers import earliest, newest
from lineagegraph.schema import VERTICES

A, B = Vertex("Dataset", ("db", "a")), Vertex("Dataset", ("db", "b"))
JOB, RUN = Vertex("Pipeline", ("jobs", "job")), Vertex("Run", ("1",))
VERSION = Vertex("DatasetVersion", ("db", "a", "7"))

Statement = Callable[[Facts], object]
STATEMENTS: list[Statement] = [
    lambda f: f.vertex(A, {"dataset_id": "a", "layer": None}),
    lambda f: f.vertex(A, {"storage": newest(5, ["x", None]), "dataset_id": "a"}),
    lambda f: f.vertex(A, {"storage": newest(5, ["y", None])}),
    lambda f: f.vertex(A, {"storage": newest(9, None)}),
    lambda f: f.vertex(RUN, {"seen_at": 5, "first_start_at": -5}),
    lambda f: f.vertex(RUN, {"seen_at": 9, "first_start_at": -9}),
    lambda f: f.vertex(VERSION, {"first_output_namer": earliest(5, "1"), "first_named_at": -5}),
    lambda f: f.vertex(VERSION, {"first_output_namer": earliest(9, "2"), "first_named_at": -9}),
    lambda f: f.edge("CONSUMES", JOB, A, "2026-11-22"),
    lambda f: f.edge("CONSUMES", JOB, A, "2026-11-23"),
    lambda f: f.edge("READ", RUN, A),
    lambda f: f.edge("SAME_AS", A, B),
    lambda f: f.vertex(B),
]


def _facts(statements: list[Statement]) -> Facts:
    facts = Facts()
    for statement in statements:
        statement(facts)
    return facts


statements = st.lists(st.sampled_from(STATEMENTS), max_size=12)


@given(statements, statements, statements)
def test_union_does_not_know_order_grouping_or_repetition(
    a: list[Statement], b: list[Statement], c: list[Statement]
) -> None:
    together = _facts([*a, *b, *c])
    for order in permutations((a, b, c)):
        assert fold(_facts(part) for part in order) == together
    assert fold([fold([_facts(a), _facts(b)]), _facts(c), _facts(a)]) == together
    assert fold([together, together]) == together
    assert fold([]) == Facts()


@given(statements, statements)
def test_taking_facts_in_leaves_the_given_ones_as_they_were(a: list[Statement], b: list[Statement]) -> None:
    given_ = _facts(a)
    mine = fold([given_])
    mine.add(_facts(b))
    mine.vertex(A, {"storage": newest(99, "later")})
    assert given_ == _facts(a)


def test_the_register_with_the_greater_time_stays_and_of_equal_times_the_greater_text() -> None:
    assert _facts(STATEMENTS[1:3]).vertices[A]["storage"] == newest(5, ["y", None])
    assert _facts(STATEMENTS).vertices[A]["storage"] == newest(9, None)
    assert _facts(STATEMENTS).vertices[RUN] == {"seen_at": 9, "first_start_at": -5}
    assert _facts(STATEMENTS).vertices[VERSION] == {"first_output_namer": earliest(5, "1"), "first_named_at": -5}


def test_a_dated_edge_has_the_newest_of_its_days() -> None:
    for order in ((8, 9), (9, 8)):
        edges = _facts([STATEMENTS[n] for n in order]).edges
        assert edges == {Edge("CONSUMES", JOB, A): "2026-11-23"}
    both = [_facts([STATEMENTS[9]]), _facts([STATEMENTS[8]])]
    assert fold(both).edges == fold(reversed(both)).edges == {Edge("CONSUMES", JOB, A): "2026-11-23"}


def test_an_edge_travels_with_both_its_ends() -> None:
    assert set(_facts([STATEMENTS[10]]).vertices) == {RUN, A}


def test_none_states_nothing() -> None:
    assert _facts([STATEMENTS[0]]).vertices[A] == {"dataset_id": "a"}
    facts = _facts([STATEMENTS[1]])
    facts.vertex(A, {"storage": None, "layer": None})
    assert facts == _facts([STATEMENTS[1]])


def test_facts_count_their_elements_and_are_empty_without() -> None:
    assert not Facts()
    assert len(_facts([STATEMENTS[8]])) == 3


def test_an_id_is_a_tag_and_128_bits_of_the_natural_key() -> None:
    assert A.id == "ds:f2d6d8850fc896217281ee5967bc2e5c"
    ids = {vertex_id(label, ("x",) * len(row.key)) for label, row in VERTICES.items()}
    assert len(ids) == len(VERTICES)
    assert all(text.isascii() and text.isprintable() and "-" not in text for text in ids)


def test_keys_that_look_alike_when_joined_have_different_ids() -> None:
    pairs = [("a", "b/c"), ("a/b", "c"), ("a", 'b","c'), ('a","b', "c"), ("é", "x"), ("e\u0301", "x")]
    assert len({Vertex("Dataset", pair).id for pair in pairs}) == len(pairs)


def test_a_bucket_belongs_to_an_owner_and_a_period() -> None:
    assert bucket(A, "2026").key == ('["Dataset","db","a"]', "2026")
    owners = (A, B, RUN, JOB, Vertex("Pipeline", ("db", "a")))
    assert len({bucket(owner, "2026").id for owner in owners}) == len(owners)


IDENTITIES = [
    (A, {"namespace": "db", "name": "a"}),
    (JOB, {"namespace": "jobs", "name": "job", "pipeline_id": "job"}),
    (
        Vertex("Model", ("ml", "churn", "5")),
        {"namespace": "ml", "name": "churn", "version": "5", "model_name": "churn"},
    ),
    (
        Vertex("DatasetVersion", ("db", "a", "5974101018787936586")),
        {
            "namespace": "db",
            "name": "a",
            "version": "5974101018787936586",
            "dataset": A.id,
            "kind": "snapshot",
            "rounded": "5.974101018787936e+18",
        },
    ),
    (
        Vertex("DatasetVersion", ("db", "a", "~5.974101018787936e+18")),
        {
            "namespace": "db",
            "name": "a",
            "version": "~5.974101018787936e+18",
            "dataset": A.id,
            "kind": "approximate",
            "rounded": "5.974101018787936e+18",
        },
    ),
    (
        Vertex("DatasetVersion", ("db", "a", "v1")),
        {"namespace": "db", "name": "a", "version": "v1", "dataset": A.id, "kind": "named"},
    ),
    (
        Vertex("DatasetVersion", ("db", "a", "١٢")),
        {"namespace": "db", "name": "a", "version": "١٢", "dataset": A.id, "kind": "named"},
    ),
]


@pytest.mark.parametrize(("vertex", "properties"), IDENTITIES, ids=str)
def test_the_natural_key_alone_tells_these_properties(vertex: Vertex, properties: dict[str, str]) -> None:
    assert identity(vertex) == properties


def test_what_is_included_by_reference_is_stated_like_the_rest() -> None:
    part, whole, beside = _facts(STATEMENTS[:6]), _facts(STATEMENTS[6:]), _facts(STATEMENTS[6:])
    whole.include(part)
    beside.add(part)
    assert whole == beside == fold([whole]) == fold([part, beside])
    assert part == _facts(STATEMENTS[:6]), "a shared part does not change"


@pytest.mark.parametrize(
    ("implied", "by"),
    [
        (Edge("READ_LATER", RUN, VERSION), "READ_AT_START"),
        *((Edge("READ", RUN, A), by) for by in ("READ_SCANNED", "READ_AT_START", "READ_LATER")),
        *((Edge("WROTE", RUN, A), by) for by in ("WROTE_REPORTED", "WROTE_NAMED")),
    ],
    ids=str,
)
def test_an_edge_that_another_implies_is_not_told_whether_it_is_stored_or_not(implied: Edge, by: str) -> None:
    alone = Facts()
    alone.edge(*implied)
    assert [line for line in lines(alone) if f'"{implied.label}"' in line] != []
    others = Facts()
    others.add(alone)
    others.edge(by, RUN, Vertex("DatasetVersion", ("db", "b", "7")))
    others.edge(by, Vertex("Run", ("2",)), VERSION)
    assert set(lines(alone)) <= set(lines(others)), "of another dataset, of another run"
    both = fold([alone])
    both.edge(by, RUN, VERSION)
    assert [line for line in lines(both) if f'"{implied.label}"' in line] == []

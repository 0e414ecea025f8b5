"""The graph's tables hold together."""

from __future__ import annotations

from lineagegraph.schema import DAY, EDGES, INDEXES, META_PROPERTIES, VERTICES, Kind, property_types


def test_every_label_has_a_tag_of_its_own() -> None:
    tags = [row.tag for row in VERTICES.values()]
    assert len(set(tags)) == len(tags)
    assert all(len(tag) == 2 and tag.isascii() and tag.isalpha() for tag in tags)


def test_a_property_is_not_part_of_the_natural_key() -> None:
    for row in VERTICES.values():
        assert not set(row.key) & set(row.properties), row.label


def test_edges_lead_between_labels_that_exist_and_are_dated_only_between_their_ends() -> None:
    for row in EDGES.values():
        assert {label for pair in row.ends for label in pair} <= set(VERTICES), row.label
        assert row.dated <= set(row.ends), row.label


def test_only_what_never_changes_is_indexed() -> None:
    for name, keys in INDEXES.items():
        for key in keys:
            of = [row for row in VERTICES.values() if key in row.properties or key in row.key]
            assert of, (name, key)
            assert all(row.properties.get(key, Kind.IMMUTABLE) is Kind.IMMUTABLE for row in of), (name, key)


def test_what_leaves_a_run_or_touches_a_bucket_is_stored_one_way() -> None:
    grows = {"WROTE_REPORTED", "WROTE_NAMED"}  # the way back from a version is short: few runs name it
    for row in EDGES.values():
        if row.label not in grows and any(
            source in ("Run", "Bucket") or target == "Bucket" for source, target in row.ends
        ):
            assert not row.both_ways, row.label


def test_one_property_key_has_one_data_type() -> None:
    types: dict[str, set[type]] = {DAY: {str}}
    for name, kind in META_PROPERTIES.items():
        types.setdefault(name, set()).add(kind)
    for row in VERTICES.values():
        for name in row.key:
            types.setdefault(name, set()).add(str)
        for name, how in row.properties.items():
            types.setdefault(name, set()).add(int if how.numeric else str)
    assert {name: {kind} for name, kind in property_types().items()} == types


def test_two_kinds_of_register_never_share_a_data_type_with_the_wrong_order() -> None:
    assert {kind for kind in Kind if kind.numeric} == {Kind.GREATEST, Kind.LEAST}

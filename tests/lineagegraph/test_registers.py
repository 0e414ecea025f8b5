"""Registers: the order is inside the value, and it is the store's order."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lineagegraph.registers import LAST_TIME, MOST_CHARACTERS, ascii_json, decode, earliest, newest, winner
from lineagegraph.schema import Kind

times = st.integers(0, LAST_TIME)
json_values: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=15,
)


def _serialised(value: str) -> bytes:
    """As JanusGraph writes an ASCII text: the last byte carries a stop bit."""
    raw = value.encode("ascii")
    return raw[:-1] + bytes([raw[-1] | 0x80])


@given(times, json_values, times, json_values)
def test_the_winner_is_the_greater_by_serialised_bytes(t: int, a: Any, u: int, b: Any) -> None:
    for one, other in ((newest(t, a), newest(u, b)), (earliest(t, a), earliest(u, b))):
        kept = winner(one, other)
        assert kept == winner(other, one)
        assert _serialised(str(kept)) == max(_serialised(one), _serialised(other))


@given(times, json_values, times, json_values)
def test_the_later_statement_wins_in_newest_and_the_earlier_in_earliest(t: int, a: Any, u: int, b: Any) -> None:
    if t == u:
        return
    first, last = ((t, a), (u, b)) if t < u else ((u, b), (t, a))
    assert winner(newest(*first), newest(*last)) == newest(*last)
    assert winner(earliest(*first), earliest(*last)) == earliest(*first)


@given(json_values, json_values, json_values)
def test_of_three_of_equal_time_the_same_one_wins_in_every_order(a: Any, b: Any, c: Any) -> None:
    x, y, z = newest(5, a), newest(5, b), newest(5, c)
    assert winner(winner(x, y), z) == winner(x, winner(y, z)) == winner(winner(z, x), y)


def test_numbers_win_by_size() -> None:
    assert winner(5, 9) == winner(9, 5) == 9
    assert winner(-5, -9) == -5


@given(times, json_values)
def test_what_is_stored_is_read_again(t: int, value: Any) -> None:
    if len(ascii_json(value)) > MOST_CHARACTERS - 14:
        return
    assert decode(Kind.NEWEST, newest(t, value)) == {"at": t, "value": value}
    assert decode(Kind.EARLIEST, earliest(t, value)) == {"at": t, "value": value}


def test_numbers_and_immutable_values_are_read_as_meant() -> None:
    assert decode(Kind.LEAST, -5) == 5
    assert decode(Kind.GREATEST, 5) == 5
    assert decode(Kind.IMMUTABLE, "x|y") == "x|y"


LONG: list[Any] = [
    "x" * 100_000,
    "é" * 100_000,
    "😀" * 20_000,
    '"\\' * 50_000,
    "\x00" * 50_000,
    ["a"] * 50_000,
    [["x" * 1_000]] * 100,
    [["x" * 100_000]],
    [1] * 50_000,
    {"a": "x" * 100_000, "b": ["y"] * 20_000},
    {f"key{n}": None for n in range(5_000)},
    {f"key{n}": "v" for n in range(5_000)},
    {"k" * 20_000: 1},
    {"a": {"b": {"c": "z" * 50_000}}},
]


@pytest.mark.parametrize("value", LONG, ids=lambda value: str(value)[:20])
def test_a_long_payload_is_cut_to_what_a_register_holds(value: Any) -> None:
    stored = newest(LAST_TIME, value)
    assert len(stored) <= MOST_CHARACTERS
    assert stored.isascii()
    assert orjson.loads(stored[14:]) != value
    assert newest(LAST_TIME, value) == stored


def test_a_cut_keeps_the_beginning_and_as_much_as_fits() -> None:
    text = decode(Kind.NEWEST, newest(1, "abc" * 10_000))["value"]
    assert len(text) > 15_000
    assert text.endswith("…")
    assert ("abc" * 10_000).startswith(text[:-1])
    rows = decode(Kind.NEWEST, newest(1, [[n] for n in range(9_000)]))["value"]
    assert rows == [[n] for n in range(len(rows))]
    assert len(rows) > 2_000


@given(st.lists(st.text(max_size=2_000), max_size=40))
def test_every_register_is_ascii_and_of_bounded_length(value: list[str]) -> None:
    stored = newest(5, value)
    assert stored.isascii()
    assert len(stored) <= MOST_CHARACTERS


@settings(max_examples=40)
@given(st.dictionaries(st.text(), json_values))
def test_equal_values_have_equal_texts_whatever_their_order(value: dict[str, Any]) -> None:
    assert ascii_json(dict(reversed(value.items()))) == ascii_json(value)
    assert ascii_json(value).isascii()
    assert orjson.loads(ascii_json(value)) == value

"""Arguments of the GraphQL schema and their bounds. Versions are text: 63-bit ids fit into no Int."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NewType, TypeVar

import strawberry

from lineagegraph.errors import LineageError

T = TypeVar("T")
Version = NewType("Version", str)
MOST = 1_000  # rows of one list, and values in one argument


class BadArgument(LineageError):
    """An argument is out of its bounds."""


def parse_version(value: Any) -> str:
    """A version as text; a number is taken as its digits."""
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise ValueError("A version is an Int or a String.")
    return str(value)


VERSION = strawberry.scalar(
    name="Version",
    description="A version: given as Int or String, returned as String, because 63-bit ids do not fit into an Int.",
    serialize=str,
    parse_value=parse_version,
)


def page(rows: Iterable[T], first: int, offset: int) -> list[T]:
    """That part of the rows."""
    if not 0 <= first <= MOST or offset < 0:
        raise BadArgument(f"`first` is 0 to {MOST}, and `offset` is not negative.")
    return list(rows)[offset : offset + first]


def steps(depth: int) -> int:
    """A depth that may be asked for."""
    if not 1 <= depth <= 100:
        raise BadArgument("`depth` is 1 to 100.")
    return depth


def first_of(first: int) -> int:
    """A length of a page that may be asked for."""
    if not 1 <= first <= MOST:
        raise BadArgument(f"`first` is 1 to {MOST}.")
    return first


def few(given: Sequence[T] | None, name: str) -> Sequence[T]:
    """A list of an argument, if it is not too long."""
    if given is not None and len(given) > MOST:
        raise BadArgument(f"`{name}` holds more than {MOST} values; ask or state it in parts.")
    return given or ()

"""Values out of facets: each reader returns what it was asked for or raises `Unfit`.

A facet that does not fit costs only itself, so these never guess: a wrong type is an error, null is absent.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from mappers.event import check_name
from mappers.redact import redact

EXACT = 2**53  # from here on a double no longer holds every integer
LARGEST = 2**63  # a Long of the graph, and every snapshot id, is below it


class Unfit(ValueError):
    """The facet is not what its schema says; its name is kept, its content is not."""


def text(facet: dict[str, Any], name: str, most: int = 8_000) -> str | None:
    """A text without secrets, or None if it is absent."""
    value = facet.get(name)
    if value is None or value == "":
        return None
    if not isinstance(value, str):
        raise Unfit(f"{name} is not a text")
    return redact(value, most)


def required(facet: dict[str, Any], name: str) -> str:
    """A name that the facet cannot do without."""
    value = facet.get(name)
    if not isinstance(value, str):
        raise Unfit(f"{name} is missing" if value is None else f"{name} is not a text")
    return named(value, name)


def named(value: str, what: str) -> str:
    """The value, if it may be a name in the graph."""
    try:
        return check_name(value)
    except ValueError as error:
        raise Unfit(f"{what} {str(error).partition(': ')[2]}") from None


def objects(facet: dict[str, Any], name: str) -> Iterator[dict[str, Any]]:
    """The objects of a list, which may be absent; a null in the list is nothing."""
    values = facet.get(name)
    if values is None:
        return
    if not isinstance(values, list):
        raise Unfit(f"{name} is not a list")
    for value in values:
        if value is None:
            continue
        if not isinstance(value, dict):
            raise Unfit(f"{name} holds something that is not an object")
        yield value


def mapping(facet: dict[str, Any], name: str) -> dict[str, Any]:
    """An object that may be absent."""
    value = facet.get(name)
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise Unfit(f"{name} is not an object")
    return value


def number(facet: dict[str, Any], name: str) -> int | None:
    """A count, or None; reports write whole numbers as doubles."""
    value = facet.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or value != value // 1:
        raise Unfit(f"{name} is not a whole number")
    if abs(value) >= LARGEST:
        raise Unfit(f"{name} is too large")
    return int(value)


def snapshot_id(value: Any) -> str | None:
    """A snapshot id as an exact text, or `~` and the double it was damaged to; None for no snapshot.

    A 63-bit id passes through a double in several producers. Doubles above 2^53 therefore stay what they
    are, and so do integers that are the shortest decimals of a double (JavaScript prints them so): they are
    resolved on read, never replaced while mapping.
    """
    if value is None or value == "":
        return None
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise Unfit("the snapshot id is neither a number nor a text")
    if isinstance(value, str):
        if not (value.isascii() and value.isdigit() and len(value) <= 19 and int(value) < LARGEST):
            raise Unfit("the snapshot id is not a number of 63 bits")
        return str(int(value))
    if value < 0:
        return None
    if value > LARGEST:  # 2^63 itself is what a double makes of the largest ids
        raise Unfit("the snapshot id is not a number of 63 bits")
    if abs(value) < EXACT:
        if value != int(value):
            raise Unfit("the snapshot id is not a whole number")
        return str(int(value))
    if isinstance(value, float) or value == LARGEST or (value % 100 == 0 and value == int(_shortest(float(value)))):
        return f"~{float(value)!r}"
    return str(value)


def _shortest(value: float) -> str:
    digits, _, exponent = repr(value).partition("e+")
    whole, _, fraction = digits.partition(".")
    if not exponent:
        return whole
    return (whole + fraction).ljust(int(exponent) + 1, "0")

"""How people write rates, durations and shares on the command line."""

from __future__ import annotations

import math
from collections.abc import Mapping

import click


def rate(text: str) -> float:
    """Records a second: 200, 200/s or 600/min."""
    number = _number(text, {"/s": 1.0, "/min": 1 / 60}, "rate such as 200/s")
    if number == 0:
        raise click.BadParameter("0 records a second would never end.")
    return number


def seconds(text: str) -> float:
    """A duration: 90, 90s, 5m or 1h."""
    return _number(text, {"s": 1.0, "m": 60.0, "h": 3600.0}, "duration such as 90s")


def share(text: str) -> float:
    """A share: 0.05 or 5%."""
    number = _number(text, {"%": 0.01}, "share such as 5%")
    if number > 1:
        raise click.BadParameter(f"{text!r} is more than all of them; write 0.5 or 50%.")
    return number


def _number(text: str, units: Mapping[str, float], such: str) -> float:
    factor = 1.0
    for unit, meant in units.items():
        if text.endswith(unit):
            text, factor = text.removesuffix(unit), meant
            break
    try:
        number = float(text) * factor
    except ValueError:
        number = math.nan
    if not 0 <= number < math.inf:
        raise click.BadParameter(f"{text!r} is no {such}.")
    return number

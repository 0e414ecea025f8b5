"""Events of the corpus with one or two places damaged: cheap, bounded, and the same for the same seed."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from typing import Any

import orjson

from tests.mappers.events import corpus

ODD: tuple[Any, ...] = (
    *(None, True, 0, -1, 2**63, 1.5, 5.974101018787936e18, "", " ", "x", "a\nb", "\u2028", "é" * 1_100),
    *("0000-00-00T00:00:00Z", "1999-01-01T00:00:00Z", [], {}, [None], [[]], [{}], {"name": None}),
)
BYTES = (b"", b"\xff", b"{", b'"', b"\x00", b"[" * 1_100)


def damaged(seed: int) -> Iterator[bytes]:
    """Damaged events without end."""
    draw = random.Random(seed)
    values = [value for value in corpus() if len(value) < 20_000]
    while True:
        event = orjson.loads(draw.choice(values))
        for _ in range(draw.choice((1, 1, 2))):
            _damage(event, draw)
        value = json.dumps(event, separators=(",", ":")).encode()
        if draw.random() < 0.05:
            at = draw.randrange(len(value) + 1)
            value = value[:at] + draw.choice(BYTES) + value[at + draw.randrange(3) :]
        yield value


def _damage(part: Any, draw: random.Random) -> None:
    """Go down at random, seldom far, and remove or replace what is there."""
    while True:
        keys = list(part) if isinstance(part, dict) else list(range(len(part)))
        if not keys:
            return
        key = draw.choice(keys)
        if isinstance(part[key], dict | list) and draw.random() < 0.6:
            part = part[key]
            continue
        if draw.random() < 0.3:
            del part[key]
        else:
            part[key] = draw.choice(ODD)
        return

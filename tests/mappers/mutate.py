"""Mutants of real events: parts removed, nulled, retyped, nested, oversized; each ends in facts or a dead letter.

    python -m tests.mappers.mutate 100000 [--seed 1]

prints what became of them and stops with exit code 1 at the first that breaks a law.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from copy import deepcopy
from typing import Any

import orjson

from mappers import FACETS, Malformed, Mapped
from tests.mappers.events import corpus
from tests.mappers.laws import assert_bad_facets_cost_only_themselves, outcome

ODD: tuple[Any, ...] = (
    *(None, True, False, 0, -1, 1, 2**53, 2**63 - 1, 2**64 - 1, -(2**63), 1.5, -0.0, 1e300, 5.974101018787936e18),
    *("", " ", "/", ".", "~", "~5.0", "\x00", "a\nb", "\u2028", "é" * 1_100, "😀", "START", "DATASET", "JOB"),
    *("2026-01-01T00:00:00Z", "0000-00-00T00:00:00Z", "5974101018787936586", "s3a://b", "file", "MODEL", "RENAME"),
    *([], {}, [None], [[]], [{}], {"": {}}, {"name": None}, {"_deleted": True}, ["x"], {"x": [1]}),
)
MOST_BYTES = 1_000_000
USED = sorted({key for (_, key), row in FACETS.items() if row.read is not None})
Mutation = Callable[[Any, random.Random], Any]


def _odd(value: Any, draw: random.Random) -> Any:
    return deepcopy(draw.choice(ODD))


def _retyped(value: Any, draw: random.Random) -> Any:
    others: list[Any] = [
        [value],
        {"value": value},
        json.dumps(value)[:5_000],
        [value, deepcopy(value)],
        {str(value)[:50]: value},
    ]
    if isinstance(value, dict):
        others += [list(value.values()), list(value)]
    if isinstance(value, str):
        others += [value.upper(), value + "\x00", value[:-1], len(value), value * 2]
    if isinstance(value, int | float):
        others += [str(value), -value, value * 10, float(value) if abs(value) < 2**1000 else 0]
    return draw.choice(others)


def _nested(value: Any, draw: random.Random) -> Any:
    wrap: Callable[[Any], Any] = draw.choice(
        [lambda v: [v], lambda v: {"fields": [v], "name": "x"}, lambda v: {"a": v}]
    )
    for _ in range(draw.choice([1, 2, 5, 30, 60, 100])):
        value = wrap(value)
    return value


def _oversized(value: Any, draw: random.Random) -> Any:
    """The same many times over, up to a size that is often chosen small, so that many mutants fit into a minute."""
    size = draw.choice([3_000, 3_000, 3_000, 20_000, 20_000, 200_000])
    if isinstance(value, str):
        return (value or "x") * (size // max(1, len(value)) + 1)
    if isinstance(value, list):
        # Copies, not the same object again: the next damage to one of them must not multiply.
        return [deepcopy(one) for _ in range(size // len(json.dumps(value)) + 1) for one in value or [None]]
    if isinstance(value, dict):
        return {**value, **{f"key{n}": deepcopy(draw.choice(ODD)) for n in range(size // 100)}}
    return "9" * size


MUTATIONS: tuple[Mutation, ...] = (_odd, _odd, _odd, _retyped, _retyped, _nested, _oversized)


def mutant(value: bytes, draw: random.Random) -> bytes:
    """The JSON document damaged; now and then its bytes are damaged too."""
    event = orjson.loads(value)
    for _ in range(draw.choice([1, 1, 1, 2, 3, 5])):
        _damage(event, draw)
    value = json.dumps(event, separators=(",", ":")).encode()  # orjson has no integers beyond 64 bits
    if draw.random() < 0.02:
        at = draw.randrange(len(value) + 1)
        value = (
            value[:at]
            + draw.choice([b"", b"\xff", b"{", b'"', b"\x00", b"[" * 1_100])
            + value[at + draw.randrange(3) :]
        )
    return value


def _damage(document: Any, draw: random.Random) -> None:
    """Change, remove or copy one place, at any depth; mostly where something is used."""
    places = list(_places(document, everywhere=draw.random() < 0.1))
    if not places:
        return
    inside, key = draw.choice(places)
    how = draw.random()
    if how < 0.2:
        del inside[key]
    elif how < 0.25 and isinstance(inside, dict):
        inside[draw.choice(list(inside))] = deepcopy(inside[key])
    elif how < 0.3 and isinstance(inside, dict):
        inside[draw.choice(USED)] = deepcopy(inside[key])
    else:
        inside[key] = draw.choice(MUTATIONS)(inside[key], draw)


def _places(part: Any, everywhere: bool, of_facets: bool = False, depth: int = 0) -> Iterator[tuple[Any, Any]]:
    """Every place of a document as its container and key, but for the inside of facets that nothing reads."""
    if depth > 40:
        return
    for key, inner in part.items() if isinstance(part, dict) else enumerate(part):
        if of_facets and not everywhere and key not in USED:
            continue
        if key not in ("_producer", "_schemaURL"):
            yield part, key
        if isinstance(inner, dict | list):
            yield from _places(inner, everywhere, str(key).lower().endswith("facets"), depth + 1)


def mutants(seed: int) -> Iterator[bytes]:
    """Mutants of the corpus without end, of at most a megabyte; equal seeds give equal mutants."""
    draw = random.Random(seed)
    events = corpus()
    while True:
        value = mutant(draw.choice(events), draw)
        if len(value) <= MOST_BYTES:
            yield value


def judge(value: bytes) -> str:
    """What became of a mutant. Raises whatever must never be raised."""
    found = outcome(value)
    if isinstance(found, Malformed):
        return f"dead letter: {found.reason}"
    return _judge_facets(value, found)


def _judge_facets(value: bytes, found: Mapped) -> str:
    if not found.bad_facets:
        return "facts"
    assert_bad_facets_cost_only_themselves(value, found)
    return "facts, but for a facet"


def main() -> int:
    """The command line."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("count", type=int, nargs="?", default=100_000)
    options.add_argument("--seed", type=int, default=1)
    chosen = options.parse_args()
    counts: Counter[str] = Counter()
    for value, _ in zip(mutants(chosen.seed), range(chosen.count), strict=False):
        try:
            counts[judge(value)] += 1
        except Exception:
            sys.stdout.buffer.write(b"this mutant breaks a law:\n" + value + b"\n")
            raise
    for what, count in counts.most_common():
        print(f"{count:>9,}  {what}")
    print(f"{sum(counts.values()):>9,}  mutants, no crash")
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""Registers: values that merge by maximum, so that no writer needs to read, lock or wait for another.

The order is inside the value and all registers carry one constant commit time, so that Cassandra keeps the
greatest value by its own rule for equal times. "Greatest" is therefore by serialised bytes, here as there.
"""

from __future__ import annotations

import json
from typing import Any

import orjson

from lineagegraph.schema import Kind

MOST_CHARACTERS = 16_000  # above it JanusGraph compresses the value and the order is lost
LAST_TIME = 9_999_999_999_999  # 13 digits of milliseconds: the year 2286

Stored = str | int


def newest(millis: int, payload: Any) -> str:
    """The stored form of a newest-wins register stated at `millis` (milliseconds since 1970)."""
    return f"{millis:013d}|{_payload(payload)}"


def earliest(millis: int, payload: Any) -> str:
    """The stored form of an earliest-wins register."""
    return f"{LAST_TIME - millis:013d}|{_payload(payload)}"


def winner(a: Stored, b: Stored) -> Stored:
    """Of two stored values of one register the one that every store keeps."""
    if isinstance(a, int) or isinstance(b, int):
        return max(a, b)  # one key has one type (schema.property_types)
    return a if _rank(a) >= _rank(b) else b


def decode(kind: Kind, value: Stored) -> Any:
    """What a stored value says: the payload of a text register with its time, or the number as meant."""
    match kind:
        case Kind.IMMUTABLE | Kind.GREATEST:
            return value
        case Kind.LEAST:
            return -int(value)
    time, _, payload = str(value).partition("|")
    millis = int(time) if kind is Kind.NEWEST else LAST_TIME - int(time)
    return {"at": millis, "value": orjson.loads(payload)}


def _rank(value: str) -> str:
    # JanusGraph marks the end of an ASCII text by setting the top bit of its last byte.
    return value[:-1] + chr(ord(value[-1]) | 0x80)


def _payload(payload: Any) -> str:
    text = ascii_json(payload)
    room = MOST_CHARACTERS - 14
    while len(text) > room:
        payload = _shorter(payload, room / len(text))
        text = ascii_json(payload)
    return text


def ascii_json(value: Any) -> str:
    """JSON with sorted keys, no spaces and only ASCII characters: equal values give equal texts."""
    raw = orjson.dumps(value, option=orjson.OPT_SORT_KEYS)
    if raw.isascii():
        return raw.decode("ascii")
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True)


def _is_long(item: Any) -> bool:
    return bool(item) and not isinstance(item, bool | int | float)


def _shorter(payload: Any, share: float) -> Any:
    """A smaller payload that is a function of the payload alone: a text loses its end, a list its last."""
    if isinstance(payload, str):
        return payload[: int(len(payload) * share * 0.98)] + "…" if len(payload) > 40 else ""
    if isinstance(payload, list):
        if len(payload) > 1:
            return payload[: max(1, min(len(payload) - 1, int(len(payload) * share)))]
        return [_shorter(item, share) for item in payload]
    if isinstance(payload, dict):
        if any(_is_long(item) for item in payload.values()):
            return {key: _shorter(item, share) for key, item in payload.items()}
        return dict(sorted(payload.items())[: len(payload) // 2])
    return payload if payload is None or isinstance(payload, bool | int | float) else None

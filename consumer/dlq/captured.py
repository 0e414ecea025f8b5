"""Letters as JSON: for programs, and as captured records that other commands read. Pure."""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import orjson

from consumer.dlq.cases import Case
from consumer.dlq.ledger import Tried
from consumer.dlq.letters import as_it_came
from consumer.dlq.stats import Row, row_as_json
from consumer.records import Record
from mappers.redact import redact_value


def case(one: Case) -> dict[str, Any]:
    """Everything about a letter but its value and headers."""
    told = asdict(one.letter)
    source, place = one.letter.source, one.letter.place
    told |= {"class": told.pop("reason"), "key": redact_value("", told["key"], 500)}
    told |= {"source": {"topic": source.topic, "partition": source.number, "offset": told.pop("offset")}}
    told |= {"place": {"topic": place.topic, "partition": place.number, "offset": told.pop("at")}}
    return {**told, "state": one.state, "places": [{"partition": p, "offset": o} for p, o in one.places]}


def record(one: Case, of: Record) -> dict[str, Any]:
    """The value, as JSON if it is that, and the headers that came with it, without secrets."""
    headers = [[name, redact_value(name, (raw or b"").decode("utf-8", "replace"), 500)] for name, raw in as_it_came(of)]
    return {**_value(of.value), "headers": headers}


def _value(raw: bytes | None) -> dict[str, Any]:
    if raw is None:
        return {"value": None}
    try:
        text = raw.decode()
    except UnicodeDecodeError:
        return {"value": None, "value_base64": base64.b64encode(raw).decode()}
    try:
        # What would not come back as it stands stays a text: double keys, integers of more than 64 bits.
        document = json.loads(text, object_pairs_hook=_no_double_key)
        if isinstance(document, dict) and json.loads(orjson.dumps(document)) == document:
            return {"value": document}
    except (ValueError, RecursionError, TypeError):
        pass
    return {"value": text}


def _no_double_key(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) != len(pairs):
        raise ValueError("a key stands twice")
    return made


def line(one: Case, of: Record) -> str:
    """A captured record: an object with topic, offset and value, and the letter beside them."""
    source = one.letter.source
    told = {"topic": source.topic, "partition": source.number, "offset": one.letter.offset}
    told |= {"timestamp": one.letter.stated_at, "key": one.letter.key, **record(one, of)}
    return json.dumps(told | {"dead_letter": case(one)}) + "\n"


def tried(one: Tried) -> dict[str, Any]:
    """One entry of the ledger."""
    return asdict(one)


def rows(many: Sequence[Row]) -> list[dict[str, Any]]:
    """Groups."""
    return [row_as_json(row) for row in many]

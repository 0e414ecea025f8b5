"""Event files: one JSON event, a list of them, NDJSON, or several such documents one after another.

Each is an event or a captured Kafka record: an object with `topic`, `offset` and `value`, whose `value` is the
event. What is not JSON stays the bytes it is, so that malformed events can be published and explained too.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from lineagegraph.errors import LineageError


@dataclass(frozen=True, slots=True)
class FoundEvent:
    """One event's bytes and where they stood, `file:3` (counted from 1)."""

    where: str
    value: bytes


def read_events(paths: Iterable[str]) -> Iterator[FoundEvent]:
    """Every event of these files; `-` or no file is standard input. Raises LineageError."""
    for path in list(paths) or ["-"]:
        name = "standard input" if path == "-" else path
        try:
            content = sys.stdin.buffer.read() if path == "-" else Path(path).read_bytes()
        except OSError as error:
            raise LineageError(f"{name} cannot be read: {error.strerror}.") from None
        if not content.strip():
            raise LineageError(f"{name} is empty: give OpenLineage events as JSON, a JSON list or NDJSON.")
        for n, value in enumerate(_values(content), 1):
            yield FoundEvent(f"{name}:{n}", value)


def _values(content: bytes) -> Iterator[bytes]:
    for document in _documents(content):
        yield from _of_document(document)


def _documents(content: bytes) -> list[bytes]:
    """The JSON documents of a file: one, one a line, or each over several lines. Of lines a bad one costs itself."""
    if _is_json(content):
        return [content]
    lines = [line for line in content.splitlines() if line.strip()]
    if _is_json(lines[0]):
        return lines
    return _one_after_another(content) or ([content] if lines[0].strip() in (b"{", b"[") else lines)


def _one_after_another(content: bytes) -> list[bytes]:
    """Documents with nothing but space between them; none if there is anything else."""
    decoder, found = json.JSONDecoder(), []
    try:
        text = content.decode()
        at = _past_space(text, 0)
        while at < len(text):
            _, end = decoder.raw_decode(text, at)
            found.append(text[at:end].encode())
            at = _past_space(text, end)
    except (ValueError, RecursionError):
        return []
    return found


def _past_space(text: str, at: int) -> int:
    return _SPACE.match(text, at).end()  # type: ignore[union-attr]  # no space at all matches too


_SPACE = re.compile(r"\s*")


def _is_json(raw: bytes) -> bool:
    try:
        orjson.loads(raw)
    except orjson.JSONDecodeError:
        return False
    return True


def _of_document(raw: bytes) -> Iterator[bytes]:
    """The events of one document, as the bytes they are where that is possible."""
    if not _is_json(raw):
        yield raw
        return
    document = orjson.loads(raw)
    if not isinstance(document, list):
        yield raw if _record_value(document) is document else _bytes(document)
        return
    for one in document:
        yield _bytes(one)


def _bytes(document: Any) -> bytes:
    value = _record_value(document)
    if value is document:
        return orjson.dumps(document)
    if value is None:
        return b""  # a record without a value
    return value.encode() if isinstance(value, str) else orjson.dumps(value)


def _record_value(document: Any) -> Any:
    if isinstance(document, dict) and {"topic", "offset", "value"} <= document.keys():
        return document["value"]
    return document

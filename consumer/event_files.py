"""Event files: one JSON event, a list of them, or NDJSON, of events or of captured Kafka records.

A captured record is an object with `topic`, `offset` and `value`; its `value` is the event. What is not JSON
stays the bytes it is, so that malformed events can be published and explained too.
"""

from __future__ import annotations

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
    try:
        whole = orjson.loads(content)
    except orjson.JSONDecodeError:
        for line in content.splitlines():
            if line.strip():
                yield _of_line(line)
        return
    if isinstance(whole, list):
        yield from (_of_document(document) for document in whole)
    else:
        yield content if _record_value(whole) is whole else _of_document(whole)


def _of_line(line: bytes) -> bytes:
    try:
        document = orjson.loads(line)
    except orjson.JSONDecodeError:
        return line
    return line if _record_value(document) is document else _of_document(document)


def _of_document(document: Any) -> bytes:
    value = _record_value(document)
    return value.encode() if isinstance(value, str) and value is not document else orjson.dumps(value)


def _record_value(document: Any) -> Any:
    if isinstance(document, dict) and {"topic", "offset", "value"} <= document.keys():
        return document["value"]
    return document

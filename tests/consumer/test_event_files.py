"""Events in files of every form in which people keep them."""

from __future__ import annotations

from pathlib import Path

import orjson
import pytest

from consumer.event_files import read_events
from lineagegraph.errors import LineageError

A, B = {"eventTime": "a", "n": 1}, {"eventTime": "b", "big": 5974101018787936586}


def pretty(value: object) -> bytes:
    return orjson.dumps(value, option=orjson.OPT_INDENT_2)


def record(value: object) -> dict[str, object]:
    return {"topic": "t", "partition": 0, "offset": 7, "value": value}


@pytest.mark.parametrize(
    ("content", "values"),
    [
        (orjson.dumps(A), [A]),
        (pretty(A), [A]),
        (orjson.dumps([A, B]), [A, B]),
        (pretty([A, B]), [A, B]),
        (orjson.dumps(A) + b"\n\n" + orjson.dumps(B) + b"\n", [A, B]),
        (orjson.dumps(A) + b"\r\n" + orjson.dumps(B), [A, B]),
        (orjson.dumps([A, B]) + b"\n" + orjson.dumps([B]), [A, B, B]),
        (pretty(A) + b"\n" + pretty(B), [A, B]),
        (pretty([A, B]) + pretty([B]) + b"\n", [A, B, B]),
        (orjson.dumps(record(A)), [A]),
        (orjson.dumps([record(A), record(orjson.dumps(B).decode())]), [A, B]),
        (orjson.dumps(record(A)) + b"\n" + orjson.dumps(B), [A, B]),
    ],
    ids=[
        "one event", "one event over lines", "a list", "a list over lines", "lines", "lines of Windows",
        "lists one a line", "events over lines", "lists over lines", "a record", "records", "both",
    ],
)  # fmt: skip
def test_events_are_found(tmp_path: Path, content: bytes, values: list[object]) -> None:
    path = tmp_path / "events"
    path.write_bytes(content)
    found = list(read_events([str(path)]))
    assert [orjson.loads(one.value) for one in found] == values
    assert [one.where for one in found] == [f"{path}:{n}" for n in range(1, len(values) + 1)]


@pytest.mark.parametrize(
    ("content", "values"),
    [
        (orjson.dumps(A) + b"\nnot json\n" + orjson.dumps(B), [orjson.dumps(A), b"not json", orjson.dumps(B)]),
        (b"not json\n" + orjson.dumps(A), [b"not json", orjson.dumps(A)]),
        (b'{\n "a": 1,\n', [b'{\n "a": 1,\n']),
        (b'{"a": 5.9741010187879363E18}', [b'{"a": 5.9741010187879363E18}']),
        (orjson.dumps(record(None)), [b""]),
        (orjson.dumps(record("text")), [b"text"]),
    ],
    ids=[
        "a bad line",
        "a bad first line",
        "a cut event",
        "an event as it was written",
        "no value",
        "a value that is none",
    ],
)
def test_what_is_not_json_stays_the_bytes_it_is(tmp_path: Path, content: bytes, values: list[bytes]) -> None:
    (tmp_path / "events").write_bytes(content)
    assert [one.value for one in read_events([str(tmp_path / "events")])] == values


@pytest.mark.parametrize(("content", "says"), [(None, "cannot be read: No such file"), (b" \n", "is empty")])
def test_a_file_without_events_is_told(tmp_path: Path, content: bytes | None, says: str) -> None:
    if content is not None:
        (tmp_path / "events").write_bytes(content)
    with pytest.raises(LineageError, match=says):
        list(read_events([str(tmp_path / "events")]))

"""How two graphs differ, by their canonical lines: from servers, or from files that `export` or `explain` wrote."""

from __future__ import annotations

import sqlite3
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Literal, NamedTuple

from lineagegraph.errors import LineageError
from lineagegraph.export import export
from lineagegraph.settings import GraphSettings

SERVERS = ("ws://", "wss://")
_IDENTITY = ',"properties":'


class Difference(NamedTuple):
    """An element that only one graph has, or with other properties; the lines of both, empty if there is none."""

    kind: Literal["only_first", "only_second", "changed"]
    first: str
    second: str


def differences(first: Iterator[str], second: Iterator[str]) -> Iterator[Difference]:
    """Of two sorted sequences of canonical lines; holds one line of each."""
    a, b = next(first, ""), next(second, "")
    while a or b:
        one, other = identity(a), identity(b)
        if a == b:
            a, b = next(first, ""), next(second, "")
        elif a and b and one == other:
            yield Difference("changed", a, b)
            a, b = next(first, ""), next(second, "")
        elif a and (not b or one < other):
            yield Difference("only_first", a, "")
            a = next(first, "")
        else:
            yield Difference("only_second", "", b)
            b = next(second, "")


def identity(line: str) -> str:
    """The part of a line that says which element it is."""
    return line.partition(_IDENTITY)[0]


def lines(settings: GraphSettings, place: str, progress: Callable[[int], None] = lambda count: None) -> Iterator[str]:
    """The sorted lines of a server's graph or of a file. Raises LineageError."""
    if place.startswith(SERVERS):
        return export(replace(settings, urls=(place,)), progress)
    if not Path(place).is_file():
        raise LineageError(f"{place!r} is neither a file nor the address of a server (ws://host:8182/gremlin).")
    return _of_file(Path(place))


def _of_file(path: Path) -> Iterator[str]:
    """Sorted on disk: what `explain` writes is in no order."""
    with (
        tempfile.TemporaryDirectory() as folder,
        closing(sqlite3.connect(Path(folder) / "lines")) as db,
        path.open(encoding="utf-8") as file,
    ):
        db.execute("CREATE TABLE line (text TEXT)")
        db.executemany("INSERT INTO line VALUES (?)", ((text,) for line in file if (text := line.rstrip("\n"))))
        for (text,) in db.execute("SELECT text FROM line ORDER BY text"):
            if not text.startswith(('{"vertex":', '{"edge":')):
                raise LineageError(f"{str(path)!r} is no export: {text[:60]!r} is no canonical line.")
            yield text

"""The whole graph as canonical lines in order: the same lines that `explain` prints for the events that filled it.

An edge is stored by its ends' ids and shown by their natural keys, and lines are sorted; both happen in a
temporary file, so that memory does not grow with the graph.
"""

from __future__ import annotations

import hashlib
import sqlite3
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import orjson

from lineagegraph.canonical import edge_line, vertex_line
from lineagegraph.facts import Vertex
from lineagegraph.implied import OF_DATASET, dataset_of
from lineagegraph.scan import pages
from lineagegraph.schema import IMPLIES, VERTICES
from lineagegraph.settings import GraphSettings

_TABLES = """
PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF;
CREATE TABLE vertex (id TEXT PRIMARY KEY, label TEXT, key TEXT, dataset TEXT) WITHOUT ROWID;
CREATE TABLE edge (label TEXT, source TEXT, target TEXT, day TEXT);
CREATE TABLE line (text TEXT);
"""
_ENDS = """
SELECT e.label, e.source, s.label, s.key, e.target, t.label, t.key, e.day
FROM edge e LEFT JOIN vertex s ON s.id = e.source LEFT JOIN vertex t ON t.id = e.target
"""
_WITHOUT_IMPLIED = """
DELETE FROM edge WHERE label = :implied AND (source, target) IN (
    SELECT e.source, CASE WHEN :to_dataset THEN v.dataset ELSE e.target END
    FROM edge e LEFT JOIN vertex v ON v.id = e.target WHERE e.label = :label
)
"""
STRANGE = "?"  # the label of a vertex whose label or natural key is not there: a half-written or foreign one


def export(settings: GraphSettings, progress: Callable[[int], None] = lambda count: None) -> Iterator[str]:
    """Every vertex and edge as one canonical line, sorted; `progress` is told the vertices read so far.

    Raises GraphUnavailable, also if the stream ends before the graph does.
    """
    with tempfile.TemporaryDirectory() as folder, closing(sqlite3.connect(Path(folder) / "lines")) as db:
        db.executescript(_TABLES)
        count = 0
        for page in pages(settings):
            for row in page:
                _keep(db, *row)
            count += len(page)
            progress(count)
        for label, others in IMPLIES.items():
            for other in others:
                to_dataset = OF_DATASET[label] == other
                db.execute(_WITHOUT_IMPLIED, {"label": label, "implied": other, "to_dataset": to_dataset})
        ends = db.execute(_ENDS)
        db.executemany("INSERT INTO line VALUES (?)", ((_edge(*row),) for row in ends))
        for (text,) in db.execute("SELECT text FROM line ORDER BY text"):
            yield text


def digest(lines: Iterable[str]) -> str:
    """The one hash of lines that are sorted already; equal to `canonical.digest`."""
    whole = hashlib.sha256()
    for line in lines:
        whole.update(line.encode())
        whole.update(b"\n")
    return whole.hexdigest()


def _keep(db: sqlite3.Connection, id_: str, label: str, stored: dict[str, Any], edges: list[Any]) -> None:
    row = VERTICES.get(label)
    key = [stored.get(name) for name in row.key] if row else []
    if row and None not in key:
        vertex = Vertex(label, tuple(str(part) for part in key))
        line = vertex_line(vertex, stored)
        of = dataset_of(vertex).id if label == "DatasetVersion" else None
        db.execute("INSERT INTO vertex VALUES (?, ?, ?, ?)", (id_, label, orjson.dumps(key).decode(), of))
    else:
        line = orjson.dumps({"vertex": STRANGE, "key": {"id": id_, "label": label}, "properties": stored}).decode()
    db.execute("INSERT INTO line VALUES (?)", (line,))
    db.executemany("INSERT INTO edge VALUES (?, ?, ?, ?)", ((to, id_, target, day) for to, target, day in edges))


def _edge(
    label: str,
    source: str,
    source_label: str | None,
    source_key: str | None,
    target: str,
    target_label: str | None,
    target_key: str | None,
    day: str | None,
) -> str:
    if source_label is None or source_key is None or target_label is None or target_key is None:
        ends = {"from": [source_label or STRANGE, source], "to": [target_label or STRANGE, target]}
        return orjson.dumps({"edge": label, **ends, "properties": {}}).decode()
    return edge_line(label, _vertex(source_label, source_key), _vertex(target_label, target_key), day)


def _vertex(label: str, key: str) -> Vertex:
    return Vertex(label, tuple(orjson.loads(key)))

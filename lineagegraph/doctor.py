"""What is wrong with a graph, row by row, and how it is mended.

Mending writes and never deletes: a half edge is written again, what is left of a vertex is made whole. What no program
of ours can have written is only deleted when that is asked for, and never while a consumer runs.
What must be compared across rows is kept in a temporary file, so that memory does not grow with the graph.
"""

from __future__ import annotations

import sqlite3
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import orjson

from lineagegraph.errors import SchemaMismatch
from lineagegraph.facts import Facts, Vertex, vertex_id
from lineagegraph.gremlin import Connections, request_key
from lineagegraph.install import check, meta
from lineagegraph.scan import LONG, replies
from lineagegraph.schema import EDGES, META_PROPERTIES, TAGS, VERTICES, property_types
from lineagegraph.settings import GraphSettings
from lineagegraph.store import GraphStore

PAGE = 200  # rows
TOGETHER = 500  # elements mended or deleted in one request
_id = vertex_id.__wrapped__  # not the one that remembers: each vertex comes by once
QUIET_SECONDS = 300.0  # without a heartbeat: no consumer runs

KINDS: dict[str, str] = {
    "schema": "the schema is not this program's",
    "unknown_type": "a label or key that this program does not know",
    "ghost": "what is left of a vertex: properties or edges without the vertex itself",
    "half_edge": "an edge that is stored at one of its ends only",
    "dangling_edge": "an edge to or from what is not there",
    "foreign_vertex": "a vertex whose label or id is none that this program writes",
}
MENDED = ("ghost", "half_edge")  # by writing
DELETED = ("foreign_vertex",)  # if asked for

_TABLES = """
PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF;
CREATE TABLE vertex (id TEXT PRIMARY KEY, label TEXT, key TEXT) WITHOUT ROWID;
CREATE TABLE cell (label TEXT, source TEXT, target TEXT, day TEXT, out INTEGER);
"""
_EDGES = """
SELECT label, source, target, max(day), max(out), min(out) FROM cell GROUP BY label, source, target
"""


class Finding(NamedTuple):
    """One thing that is wrong: its kind, where, in words, and what would mend it if writing can."""

    kind: str
    where: str
    what: str
    facts: Facts | None = None


@dataclass(slots=True)
class Diagnosis:
    """How much was looked at, what was found, and what was done about it."""

    rows: int = 0
    found: Counter[str] = field(default_factory=Counter)
    mended: int = 0
    deleted: int = 0
    examples: dict[str, list[Finding]] = field(default_factory=dict)

    def add(self, one: Finding, most: int) -> None:
        """Count it, and keep the first of each kind."""
        self.found[one.kind] += 1
        kept = self.examples.setdefault(one.kind, [])
        if len(kept) < most:
            kept.append(one)

    @property
    def left(self) -> int:
        """Findings that are still there."""
        return self.found.total() - self.mended - self.deleted


def examine(
    settings: GraphSettings,
    mend: bool = False,
    delete: bool = False,
    most_examples: int = 20,
    progress: Callable[[int], None] = lambda count: None,
) -> Diagnosis:
    """Look at every row; with `mend` write what heals, with `delete` remove what is foreign.

    Raises GraphUnavailable; SchemaMismatch if something is to be done and the schema is not ours or somebody writes.
    """
    with closing(Connections(settings)) as connections:
        if delete:
            _nobody_writes(connections)
        wrong = _schema(connections, settings)
        if wrong and (mend or delete):
            raise SchemaMismatch(f"{wrong.what} Nothing is mended before that.")
        diagnosis = Diagnosis()
        if wrong:
            diagnosis.add(wrong, most_examples)
        batch: list[Finding] = []
        for one in findings(settings, diagnosis, progress):
            diagnosis.add(one, most_examples)
            if (mend and one.kind in MENDED and one.facts) or (delete and one.kind in DELETED):
                batch.append(one)
            if len(batch) >= TOGETHER:
                _act(settings, connections, batch, diagnosis)
                batch = []
        _act(settings, connections, batch, diagnosis)
    return diagnosis


def findings(
    settings: GraphSettings, diagnosis: Diagnosis, progress: Callable[[int], None] = lambda count: None
) -> Iterator[Finding]:
    """Everything that is wrong with rows and types; what concerns two rows comes last."""
    with tempfile.TemporaryDirectory() as folder, closing(sqlite3.connect(Path(folder) / "rows")) as db:
        db.executescript(_TABLES)
        for page in replies(settings, "inspect", {"page": PAGE}, LONG):
            for kind, name in page.get("types", ()):
                if not _known(kind, name):
                    yield Finding("unknown_type", f"{kind} {name}", f"The schema has a {kind} {name!r}.")
            for row in page["v"]:
                yield from _row(db, *row)
            diagnosis.rows += len(page["v"])
            progress(diagnosis.rows)
        yield from _edges(db)


def _known(kind: str, name: str) -> bool:
    if kind == "key":
        return name in property_types() or name in META_PROPERTIES or name.startswith(("graph_", "turn_"))
    return name in (EDGES if kind == "edge" else {**VERTICES, "Meta": None})


def _row(
    db: sqlite3.Connection, id_: str, exists: bool, label: str, stored: dict[str, Any], out: Edges, into: Edges
) -> Iterator[Finding]:
    vertex = _vertex(id_, stored)
    if vertex is not None and (not exists or label == vertex.label):
        db.execute("INSERT INTO vertex VALUES (?, ?, ?)", (id_, vertex.label, orjson.dumps(vertex.key).decode()))
    if not exists:
        facts = None
        if vertex is not None:
            facts = Facts()
            facts.vertex(vertex)
        cannot = "" if facts else " Its natural key is lost; a replay of the events that state it makes it whole."
        yield Finding("ghost", id_, f"{len(stored)} properties and {len(out) + len(into)} edges.{cannot}", facts)
    elif vertex is None or label != vertex.label:
        yield Finding("foreign_vertex", id_, f"It is a {label!r}, and its id does not follow from its natural key.")
    ours = [(to, id_, other, day, 1) for to, other, day in out if to in EDGES]
    ours += [(to, other, id_, day, 0) for to, other, day in into if to in EDGES]
    db.executemany("INSERT INTO cell VALUES (?, ?, ?, ?, ?)", ours)


Edges = Sequence[tuple[str, str, str | None]]


def _vertex(id_: str, stored: dict[str, Any]) -> Vertex | None:
    """The vertex that these properties and this id are of."""
    row = TAGS.get(id_.partition(":")[0])
    key = [stored.get(name) for name in row.key] if row else []
    if row is None or None in key:
        return None
    vertex = Vertex(row.label, tuple(map(str, key)))
    return vertex if _id(*vertex) == id_ else None


def _edges(db: sqlite3.Connection) -> Iterator[Finding]:
    """Edges that lack an end or a half."""
    find = "SELECT label, key FROM vertex WHERE id = ?"
    for label, source, target, day, any_out, all_out in db.execute(_EDGES):
        where = f"{source} {label} {target}"
        ends = [db.execute(find, (id_,)).fetchone() for id_ in (source, target)]
        if None in ends:
            yield Finding("dangling_edge", where, "One of its ends is not there: a replay of its event mends it.")
        elif not any_out or (EDGES[label].both_ways and all_out):
            facts = Facts()
            first, second = (Vertex(of, tuple(orjson.loads(key))) for of, key in ends)
            facts.edge(label, first, second, day)
            half = "arriving" if any_out else "leaving"
            yield Finding("half_edge", where, f"The {half} half is missing.", facts)


def _act(settings: GraphSettings, connections: Connections, batch: Sequence[Finding], diagnosis: Diagnosis) -> None:
    writes = [one.facts for one in batch if one.kind in MENDED and one.facts]
    if writes:
        with closing(GraphStore(settings)) as store:
            store.open(settings.naming().hash)
            for facts in writes:
                store.write(facts)
        diagnosis.mended += len(writes)
    if ids := [one.where for one in batch if one.kind in DELETED]:
        _nobody_writes(connections)
        key = request_key()
        reply = connections.ask("drop", key, orjson.dumps({"k": key, "ids": ids}).decode(), 120.0)
        diagnosis.deleted += int(reply["dropped"])


def _nobody_writes(connections: Connections) -> None:
    """Raises SchemaMismatch if a consumer may be running: its facts in flight look like ghosts."""
    beat = int(meta(connections).get("beat") or 0) / 1e6
    if (age := time.time() - beat) < QUIET_SECONDS:
        raise SchemaMismatch(
            f"A consumer was alive {max(0, age):.0f} seconds ago, and facts on their way look like what is wrong. Stop "
            f"every consumer of this graph, wait {QUIET_SECONDS / 60:.0f} minutes, and try again."
        )


def _schema(connections: Connections, settings: GraphSettings) -> Finding | None:
    try:
        check(connections, settings.naming().hash)
    except SchemaMismatch as error:
        return Finding("schema", "schema", str(error))
    return None

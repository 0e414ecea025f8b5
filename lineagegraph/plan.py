"""Which runs and Buckets retention takes away at a horizon: found out by reading only, and written down in a database.

Old runs go unless they are needed (`retention`); a day Bucket goes if nothing that it holds stays.
"""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import orjson

from lineagegraph import retention
from lineagegraph.corrections import NONE, Corrections
from lineagegraph.facts import Vertex, bucket
from lineagegraph.reader import Reader
from lineagegraph.registers import decode
from lineagegraph.rules import day_of
from lineagegraph.scan import Row
from lineagegraph.schema import TAGS, VERTICES, Kind

DAY_MS = 86_400_000
AT_ONCE = 50  # things whose surroundings are looked at together
TOGETHER = 100  # vertices or edges removed in one transaction
MANY = 50  # edges of a Bucket that are removed before it, so that no transaction grows with history

_TABLES = """
PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF;
CREATE TABLE run (id TEXT PRIMARY KEY, run_id TEXT, seen INTEGER, started INTEGER, old INTEGER) WITHOUT ROWID;
CREATE TABLE parent (child TEXT, parent TEXT);
CREATE TABLE subject (label TEXT, key TEXT);
CREATE TABLE edge (source TEXT, label TEXT, target TEXT);
CREATE TABLE bucket (id TEXT);
"""
# A run that never spoke itself is as old as those that name it as their parent.
_SILENT = "UPDATE run SET old = 1 WHERE seen IS NULL AND id IN (SELECT parent FROM parent)"
_PARENTS = """
UPDATE run SET old = 0 WHERE old AND id IN (SELECT parent FROM parent JOIN run r ON r.id = child WHERE NOT r.old)
"""
_STRADDLING = "SELECT run_id FROM run WHERE NOT old AND started < ?"

Progress = Callable[[str, int], None]


class Source(Protocol):
    """Where a graph is read from."""

    def ask(self, name: str, key: str, body: str) -> dict[str, Any]: ...
    def rows(self, labels: Iterable[str], keys: Iterable[str], edges: Iterable[str]) -> Iterator[Row]:
        """Every vertex of these labels, with these properties and edges."""


class Removal(NamedTuple):
    """What goes in one transaction: edges by source, label and target, and vertices, by their ids."""

    edges: list[tuple[str, str, str]]
    vertices: list[str]


@dataclass(slots=True)
class Plan:
    """What there is and what goes; `needed` counts by reason the old runs that stay."""

    horizon: int
    runs: int = 0
    old: int = 0
    needed: Counter[str] = field(default_factory=Counter)
    going: int = 0
    buckets: int = 0
    removed: int = 0


def planned(
    source: Source, db: sqlite3.Connection, horizon: int, progress: Progress, corrections: Corrections = NONE
) -> Plan:
    """Find out what goes at this horizon, and write it down in the database."""
    plan = Plan(horizon)
    _read_runs(source, db, plan, progress)
    for one in (NONE,) if corrections.none else (NONE, corrections):
        _spare(source, db, plan, progress, one)
    while db.execute(_PARENTS).rowcount:
        pass
    (plan.going,) = db.execute("SELECT count(*) FROM run WHERE old").fetchone()
    if spared := plan.old - plan.needed.total() - plan.going:
        plan.needed["parents"] += spared
    _read_buckets(source, db, plan, progress)
    return plan


def removals(db: sqlite3.Connection, together: int = TOGETHER) -> Iterator[Removal]:
    """What was planned, in an order in which it may be broken off anywhere: what leads to a run goes before the run."""
    yield from (Removal(rows, []) for rows in _chunks(db.execute("SELECT source, label, target FROM edge"), together))
    yield from (
        Removal([], [id_ for (id_,) in rows]) for rows in _chunks(db.execute("SELECT id FROM bucket"), together)
    )
    # Silent runs before their children: without them nothing would tell their age.
    runs = db.execute("SELECT id FROM run WHERE old ORDER BY seen IS NOT NULL")
    yield from (Removal([], [id_ for (id_,) in rows]) for rows in _chunks(runs, together))


def _read_runs(source: Source, db: sqlite3.Connection, plan: Plan, progress: Progress) -> None:
    keys = ("run_id", "seen_at", "first_start_at", "namespace", "name", "version")
    for id_, _, stored, edges in source.rows(("Run", "Pipeline", "Dataset", "Model"), keys, ("PARENT",)):
        label = TAGS[id_.partition(":")[0]].label
        if label != "Run":
            key = [stored.get(name) for name in VERTICES[label].key]
            if None not in key:
                db.execute("INSERT INTO subject VALUES (?, ?)", (label, orjson.dumps(key).decode()))
            continue
        seen, started = stored.get("seen_at"), stored.get("first_start_at")
        began = seen if started is None else decode(Kind.LEAST, started)
        old = seen is not None and seen < plan.horizon
        db.execute("INSERT OR IGNORE INTO run VALUES (?, ?, ?, ?, ?)", (id_, stored.get("run_id"), seen, began, old))
        db.executemany("INSERT INTO parent VALUES (?, ?)", ((id_, target) for _, target, _ in edges))
        plan.runs += 1
        progress("runs read", plan.runs)
    db.execute(_SILENT)
    (plan.old,) = db.execute("SELECT count(*) FROM run WHERE old").fetchone()


def _spare(source: Source, db: sqlite3.Connection, plan: Plan, progress: Progress, corrections: Corrections) -> None:
    """Whatever an answer rests on that must stay is not old."""
    looks: dict[str, Callable[[Reader, list[Vertex]], set[Vertex]]] = {
        "Model": retention.by_models,
        "Pipeline": lambda reader, some: retention.by_pipelines(reader, some, plan.horizon),
        "Dataset": retention.by_datasets,
        "Run": retention.by_runs,
    }
    straddling = [Vertex("Run", (run_id,)) for (run_id,) in db.execute(_STRADDLING, (plan.horizon + DAY_MS,))]
    done = 0
    for label, look in looks.items():
        rows = db.execute("SELECT key FROM subject WHERE label = ?", (label,)).fetchall()
        subjects = straddling if label == "Run" else [Vertex(label, tuple(orjson.loads(key))) for (key,) in rows]
        for some in _chunks(iter(subjects), AT_ONCE):
            needed = look(Reader(source.ask, retention.WITHOUT_LIMITS, corrections=corrections), some)
            for run in needed:
                plan.needed[f"{label.lower()}s"] += db.execute(
                    "UPDATE run SET old = 0 WHERE old AND id = ?", (run.id,)
                ).rowcount
            done += len(some)
            progress("things looked at", done)


def _read_buckets(source: Source, db: sqlite3.Connection, plan: Plan, progress: Progress) -> None:
    """Of every day before the horizon what it no longer holds; year Buckets stay, for they tell that there was one."""
    first, count = day_of(plan.horizon), 0
    for id_, _, stored, edges in source.rows(("Bucket",), ("owner", "period"), ("HOLDS",)):
        count += 1
        progress("buckets read", count)
        owner, period = stored.get("owner"), stored.get("period")
        if owner is None or period is None or len(period) != len(first) or period >= first:
            continue
        members = [target for _, target, _ in edges]
        going = [m for m in members if db.execute("SELECT 1 FROM run WHERE id = ? AND old", (m,)).fetchone()]
        if len(going) < len(members) or len(members) > MANY:
            db.executemany("INSERT INTO edge VALUES (?, 'HOLDS', ?)", ((id_, member) for member in going))
        if len(going) < len(members):
            continue
        label, *key = orjson.loads(owner)
        of = Vertex(label, tuple(key))
        above = of if label == "Run" else bucket(of, period[:4])
        db.execute("INSERT INTO edge VALUES (?, 'BUCKET', ?)", (above.id, id_))
        db.execute("INSERT INTO bucket VALUES (?)", (id_,))
        plan.buckets += 1


def _chunks(rows: Iterator[Any], size: int) -> Iterator[list[Any]]:
    while some := list(islice(rows, size)):
        yield some


def database(path: Path | str) -> sqlite3.Connection:
    """An empty plan."""
    db = sqlite3.connect(path)
    db.executescript(_TABLES)
    return db

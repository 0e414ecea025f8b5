"""Retention: runs that were last heard of before the horizon go, with their places in the Buckets; nothing else does.

First it is found out which of them are needed (`retention`); the rest, and day Buckets that hold nothing more, are
removed. Versions, datasets, pipelines, models and their edges stay. Nothing is kept between two calls: what was broken
off is simply planned again, and what is gone already is not missed.
"""

from __future__ import annotations

import sqlite3
import tempfile
import time
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from itertools import chain
from pathlib import Path

import orjson

from lineagegraph.corrections import NONE, Corrections
from lineagegraph.errors import LineageError
from lineagegraph.gremlin import COMPILING, Connections, request_key
from lineagegraph.install import check, meta
from lineagegraph.meta import raise_horizon, same_graph
from lineagegraph.plan import DAY_MS, Plan, Progress, Removal, database, planned, removals
from lineagegraph.scan import Row, pages
from lineagegraph.settings import GraphSettings

YOUNGEST_DAYS = 2  # an event may be dated a day after its record, and records wait
PATIENCE = 600.0  # seconds for one look around


def prune(
    settings: GraphSettings,
    horizon: int,
    act: bool = False,
    settle: float | None = None,
    progress: Progress = lambda what, count: None,
    corrections: Corrections = NONE,
) -> Plan:
    """Say what goes, or with `act` raise the graph's horizon (milliseconds, cut to its UTC day) and remove it.

    `settle`: how long writers may take to learn of the horizon, in seconds. `corrections`: the answers that these give
    must stay, and those without any. Raises GraphUnavailable, SchemaMismatch.
    """
    horizon -= horizon % DAY_MS
    if horizon > time.time() * 1000 - YOUNGEST_DAYS * DAY_MS:
        raise LineageError(f"The horizon must be at least {YOUNGEST_DAYS} days in the past: events may still come.")
    patient = replace(settings, timeout_seconds=max(settings.timeout_seconds, PATIENCE))
    with closing(Connections(patient)) as connections, _database() as db:
        graph_id = check(connections, settings.naming().hash)
        if act:
            if int(meta(connections).get("horizon") or 0) < horizon:
                raise_horizon(connections, graph_id, horizon)
            time.sleep(2 * max(settings.timeout_seconds, COMPILING) + 5 if settle is None else settle)
        plan = planned(_Graph(patient, connections), db, horizon, progress, corrections)
        for part in removals(db) if act else ():
            plan.removed += _remove(connections, graph_id, part)
            progress("removed", plan.removed)
    return plan


@contextmanager
def _database() -> Iterator[sqlite3.Connection]:
    with tempfile.TemporaryDirectory() as folder, closing(database(Path(folder) / "plan")) as db:
        yield db


class _Graph:
    """A graph behind servers."""

    def __init__(self, settings: GraphSettings, connections: Connections) -> None:
        self._settings = settings
        self.ask = connections.ask

    def rows(self, labels: Iterable[str], keys: Iterable[str], edges: Iterable[str]) -> Iterator[Row]:
        """Streamed, in pages."""
        return chain.from_iterable(pages(self._settings, labels, keys, edges))


def _remove(connections: Connections, graph_id: str, part: Removal) -> int:
    key = request_key()
    body = {"k": key, "g": graph_id, "edges": part.edges, "vertices": part.vertices}
    reply = connections.ask("remove", key, orjson.dumps(body).decode())
    same_graph(reply["g"], graph_id)
    return int(reply["removed"])

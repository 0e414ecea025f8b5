"""Is the graph as it must be for work: every server answers, has our schema, takes a write and shows it, has the time.

Each check ends in one finding with its remedy; none changes anything but the time of the last heartbeat.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from typing import Literal
from urllib.parse import urlsplit

import orjson

from lineagegraph.errors import LineageError
from lineagegraph.gremlin import Connections, request_key
from lineagegraph.install import check, meta
from lineagegraph.rules import day_of
from lineagegraph.settings import GraphSettings
from lineagegraph.store import GraphStore

State = Literal["ok", "warning", "wrong"]

SKEW_WARNING, SKEW_WRONG = 2.0, 30.0  # seconds
CLOCKS = "Keep the clocks in time (NTP, chrony): what is deleted and when leans on them."


@dataclass(frozen=True, slots=True)
class Finding:
    """What one check found, in one sentence, and what mends it (empty: nothing to mend)."""

    name: str
    state: State
    says: str
    remedy: str = ""


def probe(settings: GraphSettings, ids: dict[str, str]) -> Iterator[Finding]:
    """One finding after the other, for every server by itself; what can no longer be asked is left out.

    `ids` is filled with the id of each server's graph.
    """
    for url in settings.urls:
        one = replace(settings, urls=(url,), connections=1)
        yield from _server(one, urlsplit(url).netloc, ids)
    if len(set(ids.values())) > 1:
        told = ", ".join(f"{host} has {id_}" for host, id_ in sorted(ids.items()))
        yield Finding(
            "one graph", "wrong", f"The servers serve different graphs: {told}.", "Give all of them one keyspace."
        )


def _server(settings: GraphSettings, host: str, ids: dict[str, str]) -> Iterator[Finding]:
    with closing(Connections(settings)) as connections:
        try:
            skew, seconds = _clock(connections)
        except LineageError as error:
            yield _failed(f"graph {host}", error)
            return
        yield Finding(f"graph {host}", "ok", f"answers in {seconds * 1000:.0f} ms")
        yield clock(f"clock of {host}", skew)
        try:
            ids[host] = check(connections, settings.naming().hash)
            horizon = int(meta(connections).get("horizon") or 0)
        except LineageError as error:
            yield _failed(f"schema at {host}", error)
            return
        since = f"; runs before {day_of(horizon)} were removed" if horizon else ""
        yield Finding(f"schema at {host}", "ok", f"is ours, with our naming rules: graph {ids[host]}{since}")
        yield _round_trip(settings, connections, host)


def _clock(connections: Connections) -> tuple[float, float]:
    """How far the server's clock is ahead of ours, and how long it took to ask, in seconds."""
    _ask_clock(connections)  # the first request with a script is compiled
    before = time.time()
    now = _ask_clock(connections)
    after = time.time()
    return now / 1000 - (before + after) / 2, after - before


def _ask_clock(connections: Connections) -> int:
    key = request_key()
    return int(connections.ask("clock", key, orjson.dumps({"k": key}).decode())["now"])


def clock(name: str, skew: float) -> Finding:
    """What a clock says that is so many seconds ahead of ours."""
    says = f"is {abs(skew):.1f} s {'ahead of' if skew > 0 else 'behind'} ours"
    if abs(skew) < SKEW_WARNING:
        return Finding(name, "ok", says)
    return Finding(name, "wrong" if abs(skew) > SKEW_WRONG else "warning", says, CLOCKS)


def _round_trip(settings: GraphSettings, connections: Connections, host: str) -> Finding:
    """A heartbeat is written as consumers write it, and read back through the store."""
    name, started = f"write and read at {host}", time.time()
    try:
        with closing(GraphStore(settings)) as store:
            store.open(settings.naming().hash)
            store.heartbeat()
        beat = int(meta(connections).get("beat") or 0) / 1e6
    except LineageError as error:
        return _failed(name, error)
    if beat < started:
        remedy = "Do not let servers cache (cache.db-cache=false), and read and write at LOCAL_QUORUM."
        return Finding(name, "wrong", "What was just written is not what is read.", remedy)
    return Finding(name, "ok", f"works, in {(time.time() - started) * 1000:.0f} ms")


def _failed(name: str, error: LineageError) -> Finding:
    said, _, remedy = str(error).partition(". ")
    return Finding(name, "wrong", f"{said.rstrip('.')}.", remedy)

"""The graph's schema, installed from the tables and checked against them; and the one graph that this program means.

Installing is idempotent and safe when several do it at once: one has the turn, and the others wait until all is there.
"""

from __future__ import annotations

import hashlib
import random
import secrets
import time
from dataclasses import dataclass
from typing import Any

import orjson

from lineagegraph.errors import GraphUnavailable, SchemaMismatch
from lineagegraph.gremlin import Connections, request_key
from lineagegraph.schema import EDGES, INDEXES, SCHEMA_VERSION, VERTICES, property_types

PATIENCE = 180.0  # seconds for those who have the turn
TURN = 40.0  # seconds after which whoever has the turn must be dead
SECONDS = 120.0  # a schema transaction on a slow store


@dataclass(frozen=True, slots=True)
class Installed:
    """The graph's id, and what was made now: nothing if all was there."""

    graph_id: str
    made: tuple[str, ...]


def install(connections: Connections, naming_hash: str) -> Installed:
    """Make whatever the schema lacks. Raises SchemaMismatch, GraphUnavailable, GraphRejected."""
    until, since, seen, after = time.monotonic() + PATIENCE, 0.0, 0, 0
    while time.monotonic() < until:
        reply = _ask(connections, naming_hash, check_only=False, after=after)
        if "lost" not in reply:
            _compare(reply, naming_hash, made=())
            return Installed(reply["g"], tuple(reply["made"]))
        taken = reply.get("taken", after + 1)
        if taken != seen:
            seen, since = taken, time.monotonic()
        if "taken" not in reply or time.monotonic() > since + TURN:
            after = seen  # our own turn failed, or another's has lasted too long
        time.sleep(random.uniform(0.1, 1.0))
    raise GraphUnavailable("Others keep changing the graph's schema at the same time. Try again in five minutes.")


def check(connections: Connections, naming_hash: str | None) -> str:
    """The graph's id. Raises SchemaMismatch with the remedy unless schema and naming are ours."""
    reply = _ask(connections, naming_hash, check_only=True)
    _compare(reply, naming_hash, made=reply["made"])
    graph_id: str = reply["g"]
    return graph_id


def outlook(connections: Connections, naming_hash: str | None) -> tuple[int, tuple[str, ...]]:
    """The version of the graph's schema and what it lacks. Raises SchemaMismatch if installing could not mend it."""
    reply = _ask(connections, naming_hash, check_only=True)
    version = reply["meta"].get("schema_version")
    try:
        _compare(reply, naming_hash, made=())
    except SchemaMismatch:
        if version is None or version >= SCHEMA_VERSION:
            raise
    return version, tuple(reply["made"])


def meta(connections: Connections) -> dict[str, Any]:
    """What the Meta vertex says; nothing if the graph has no schema."""
    found: dict[str, Any] = _ask(connections, None, check_only=True)["meta"]
    return found


def tables() -> dict[str, Any]:
    """What there must be, as the server's script takes it."""
    return {
        "keys": {name: "int" if type_ is int else "str" for name, type_ in property_types().items()},
        "vertices": [*VERTICES, "Meta"],
        "edges": {label: row.both_ways for label, row in EDGES.items()},
        "indexes": INDEXES,
    }


def turn(wanted: dict[str, Any]) -> str:
    """What the turns at making these tables are called, but for their number."""
    text = orjson.dumps([SCHEMA_VERSION, wanted], option=orjson.OPT_SORT_KEYS)
    return f"turn_{hashlib.sha256(text).hexdigest()[:8]}_"


def _ask(connections: Connections, naming_hash: str | None, check_only: bool, after: int = 0) -> dict[str, Any]:
    key, wanted = request_key(), tables()
    body = {
        "k": key,
        "check": check_only,
        "version": SCHEMA_VERSION,
        "naming": naming_hash,
        **wanted,
        "new_id": secrets.token_hex(8),
        "turn": turn(wanted),
        "after": after,
    }
    return connections.ask("schema", key, orjson.dumps(body).decode(), SECONDS)


def _compare(reply: dict[str, Any], naming_hash: str | None, made: Any) -> None:
    meta = reply["meta"]
    version, naming = meta.get("schema_version"), meta.get("naming_hash")
    if version is not None and version > SCHEMA_VERSION:
        raise SchemaMismatch(
            f"The graph's schema has version {version}, and this program writes version {SCHEMA_VERSION}. "
            "Upgrade lineagegraph, or use another graph (LINEAGE_GRAPH_URLS)."
        )
    if reply["wrong"]:
        raise SchemaMismatch(
            f"The graph's schema is not ours: {'; '.join(sorted(reply['wrong']))}. Use an empty graph "
            "(LINEAGE_GRAPH_URLS), and fill it with `lineagegraph consume --replay-from-earliest`."
        )
    if version is None:
        raise SchemaMismatch("The graph has no schema. Run `lineagegraph schema install`.")
    if naming_hash not in (None, naming):
        raise SchemaMismatch(
            f"The graph was filled with other naming rules ({naming}; these are {naming_hash}), and one table would "
            "get two names. Set LINEAGE_NAMING_FILE to the file it was filled with, or fill an empty graph with "
            "the new rules."
        )
    if version < SCHEMA_VERSION or made:
        what = f"lacks {', '.join(sorted(made))}" if made else f"has version {version}"
        raise SchemaMismatch(
            f"The graph's schema is older than this program: it {what}. Run `lineagegraph schema install`."
        )

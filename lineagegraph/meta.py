"""What the Meta vertex is told after the schema is there: the horizon, and another graph id after a restore."""

from __future__ import annotations

import orjson

from lineagegraph.errors import SchemaMismatch
from lineagegraph.gremlin import Connections, request_key
from lineagegraph.schema import META_ID


def raise_horizon(connections: Connections, graph_id: str, horizon: int) -> None:
    """Runs before it (milliseconds) are about to be removed: every writer learns of it with its next reply."""
    _tell(connections, graph_id, {"horizon": horizon})


def give_new_id(connections: Connections, graph_id: str, new_id: str) -> None:
    """From now on it is another graph: offsets that were committed for it are refused."""
    _tell(connections, graph_id, {"graph_id": new_id})


def _tell(connections: Connections, graph_id: str, properties: dict[str, int | str]) -> None:
    key = request_key()
    body = {"k": key, "g": graph_id, "v": [[META_ID, "Meta", properties]]}
    same_graph(connections.ask("upsert", key, orjson.dumps(body).decode())["g"], graph_id)


def same_graph(answered: str | None, graph_id: str) -> None:
    """Raises SchemaMismatch if another graph answered."""
    if answered != graph_id:
        raise SchemaMismatch(f"Another graph answers now ({answered} instead of {graph_id}); nothing more is done.")

"""Every vertex of some labels, as the servers hand them out: what has no index is found this way."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import closing

import orjson

from lineagegraph.errors import GraphUnavailable
from lineagegraph.facts import Vertex
from lineagegraph.gremlin import Connection, request_key
from lineagegraph.schema import VERTICES
from lineagegraph.settings import GraphSettings

PAGE = 500  # vertices
SECONDS = 300.0


def scan(settings: GraphSettings, labels: Collection[str]) -> Iterator[Vertex]:
    """The vertices of these labels, in no particular order; one way through the graph. Raises GraphUnavailable."""
    rows, key, end = {VERTICES[label].tag: VERTICES[label] for label in labels}, request_key(), False
    body = orjson.dumps({"k": key, "page": PAGE, "tags": sorted(rows)}).decode()
    with closing(Connection(settings)) as connection:
        for reply in connection.stream("names", key, body, SECONDS):
            for id_, stored in reply["v"]:
                row = rows[id_.partition(":")[0]]
                if all(name in stored for name in row.key):
                    yield Vertex(row.label, tuple(stored[name] for name in row.key))
            end = reply["end"]
    if not end:
        raise GraphUnavailable("The graph's servers ended the search too early. Try again.")

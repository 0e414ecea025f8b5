"""Every vertex of a label, as the servers hand them out: what has no index is found this way."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

import orjson

from lineagegraph.errors import GraphUnavailable
from lineagegraph.facts import Vertex
from lineagegraph.gremlin import Connection, request_key
from lineagegraph.schema import VERTICES
from lineagegraph.settings import GraphSettings
from lineagegraph.sight import EVERYTHING, Sight

PAGE = 500  # vertices
SECONDS = 300.0


def scan(settings: GraphSettings, label: str, sight: Sight = EVERYTHING) -> Iterator[Vertex]:
    """The vertices of a label that may be seen, in no particular order. Raises GraphUnavailable."""
    row, key, end = VERTICES[label], request_key(), False
    body = orjson.dumps({"k": key, "page": PAGE, "tag": row.tag}).decode()
    with closing(Connection(settings)) as connection:
        for reply in connection.stream("names", key, body, SECONDS):
            for _, stored in reply["v"]:
                if all(name in stored for name in row.key):
                    vertex = Vertex(label, tuple(stored[name] for name in row.key))
                    if sight.sees(vertex.key[0]):
                        yield vertex
            end = reply["end"]
    if not end:
        raise GraphUnavailable("The graph's servers ended the search too early. Try again.")

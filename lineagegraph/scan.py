"""The whole graph or every vertex of some labels, page by page as the servers hand them out.

What has no index is found this way. A stream that ends before the graph does is never taken for the whole of it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from contextlib import closing
from typing import Any

import orjson

from lineagegraph.errors import GraphUnavailable
from lineagegraph.facts import Vertex
from lineagegraph.gremlin import Connection, request_key
from lineagegraph.schema import TAGS, VERTICES
from lineagegraph.settings import GraphSettings

PAGE = 500  # vertices
LONG = 24 * 3600.0  # seconds
SHORT = 300.0  # where somebody waits

Row = tuple[str, str, dict[str, Any], list[list[Any]]]  # id, label, properties, [label, target, day] of its edges


def scan(settings: GraphSettings, labels: Collection[str]) -> Iterator[Vertex]:
    """The vertices of these labels, in no particular order; one way through the graph. Raises GraphUnavailable."""
    keys = {name for label in labels for name in VERTICES[label].key}
    for page in pages(settings, labels, sorted(keys), (), SHORT):
        for id_, _, stored, _ in page:
            row = TAGS[id_.partition(":")[0]]
            if all(name in stored for name in row.key):
                yield Vertex(row.label, tuple(stored[name] for name in row.key))


def pages(
    settings: GraphSettings,
    labels: Iterable[str] | None = None,
    keys: Iterable[str] | None = None,
    edges: Iterable[str] | None = None,
    seconds: float = LONG,
) -> Iterator[list[Row]]:
    """Every vertex of these labels, with these properties and these edges that leave it; None: all there are.

    Raises GraphUnavailable.
    """
    wanted = {
        "tags": None if labels is None else [VERTICES[label].tag for label in labels],
        "keys": None if keys is None else list(keys),
        "edges": None if edges is None else list(edges),
    }
    for reply in replies(settings, "scan", {"page": PAGE, **wanted}, seconds):
        yield [tuple(row) for row in reply["v"]]


def replies(settings: GraphSettings, script: str, body: dict[str, Any], seconds: float) -> Iterator[dict[str, Any]]:
    """What a script streams, on a connection of its own; the last reply says `end`. Raises GraphUnavailable."""
    key, end = request_key(), False
    with closing(Connection(settings)) as connection:
        for reply in connection.stream(script, key, orjson.dumps({"k": key, **body}).decode(), seconds):
            yield reply
            end = reply["end"]
    if not end:
        raise GraphUnavailable("The graph's servers ended the reading too early. Try again.")

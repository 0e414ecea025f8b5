"""The write path: facts become blind upserts, and only what was acknowledged counts as known.

Nothing is read before it is written. A fact that this process has seen acknowledged is not sent again; whoever
learns that the graph may have lost something calls `forget`, and everything is sent anew.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import orjson

from lineagegraph.errors import GraphUnavailable, SchemaMismatch
from lineagegraph.facts import Facts, Properties
from lineagegraph.gremlin import Connections, request_key
from lineagegraph.install import check, meta
from lineagegraph.known import Known
from lineagegraph.schema import META_ID, VERTICES, Kind
from lineagegraph.settings import GraphSettings

ENVELOPE = 200  # bytes of a request besides its rows


@dataclass(frozen=True, slots=True)
class Acknowledged:
    """Which graph took the facts, and how many elements were sent or known to be there already."""

    graph_id: str
    elements_sent: int
    elements_suppressed: int


class GraphStore:
    """The graph of some servers. `write` and `heartbeat` may be called from several threads at once."""

    def __init__(self, settings: GraphSettings) -> None:
        self._settings = settings
        self._connections = Connections(settings)
        self._known = Known(settings.cache_elements)
        self._graph_id = ""
        self._horizon = 0

    def open(self, naming_hash: str) -> str:
        """The graph's id. Raises SchemaMismatch unless the graph is the one that this program writes."""
        self._graph_id = check(self._connections, naming_hash)
        self._horizon = int(meta(self._connections).get("horizon") or 0)
        return self._graph_id

    @property
    def horizon(self) -> int:
        """Before it (milliseconds since 1970) runs were removed; the latest that is known here."""
        return self._horizon

    def write(self, facts: Facts) -> Acknowledged:
        """Upsert these facts. Raises GraphRejected, GraphUnavailable, SchemaMismatch."""
        known = self._known  # what is acknowledged after a `forget` must not fill the memory that came after it
        horizon = self._horizon
        news = known.unknown(facts)
        for key, body in self._requests(news):
            self._ask(key, body)
            if self._horizon != horizon and any(vertex.label == "Run" for vertex in news.vertices):
                raise GraphUnavailable("The graph's horizon was raised; what is older must not be written any more.")
        known.add(news, facts.parts)
        return Acknowledged(self._graph_id, len(news), facts.stated - len(news))

    def heartbeat(self) -> str:
        """Write something through the graph's store; the graph's id. Raises as `write`."""
        beat = orjson.dumps([META_ID, "Meta", {"beat": time.time_ns() // 1000}])
        key = request_key()
        self._ask(key, self._body(key, {"v": [beat]}))
        return self._graph_id

    def forget(self) -> None:
        """Rely on nothing that was acknowledged so far."""
        self._known = Known(self._settings.cache_elements)

    def close(self) -> None:
        """Close the connections; those in use close when their request has ended."""
        self._connections.close()

    def _ask(self, key: str, body: str) -> None:
        reply = self._connections.ask("upsert", key, body)
        if reply["g"] != self._graph_id:
            self.forget()
            raise SchemaMismatch(
                f"Another graph answers now ({reply['g'] or 'one without a schema'} instead of {self._graph_id}); it "
                "lacks what was written before. Run `lineagegraph schema install`, then fill it from the beginning "
                "with `lineagegraph consume --replay-from-earliest`."
            )
        if self._horizon != reply["h"]:
            self.forget()  # retention has removed what we know to be there
        self._horizon = reply["h"]

    def _requests(self, news: Facts) -> Iterator[tuple[str, str]]:
        """Requests no larger than the servers take, by key; what comes later may rely on what came before."""
        parts: dict[str, list[bytes]] = {}
        size = ENVELOPE
        for part, row in _rows(news):
            if parts and size + len(row) > self._settings.max_request_bytes:
                yield (key := request_key()), self._body(key, parts)
                parts, size = {}, ENVELOPE
            parts.setdefault(part, []).append(row)
            size += len(row) + 1
        if parts:
            yield (key := request_key()), self._body(key, parts)

    def _body(self, key: str, parts: Mapping[str, list[bytes]]) -> str:
        fields = [b'"%s":[%s]' % (part.encode(), b",".join(rows)) for part, rows in parts.items()]
        head = b'"k":%s,"g":%s' % (orjson.dumps(key), orjson.dumps(self._graph_id))
        return (b"{" + b",".join([head, *fields]) + b"}").decode()


def _rows(news: Facts) -> Iterator[tuple[str, bytes]]:
    """Every fact as one row of the upsert script; the parts come in the order in which they are written."""
    registers = []
    for vertex, properties in news.vertices.items():
        kinds = VERTICES[vertex.label].properties
        fixed: Properties = {}
        moving: Properties = {}
        for name, value in properties.items():
            (fixed if kinds.get(name, Kind.IMMUTABLE) is Kind.IMMUTABLE else moving)[name] = value
        if fixed:
            yield "v", orjson.dumps([vertex.id, vertex.label, fixed])
        if moving:
            registers.append(orjson.dumps([vertex.id, moving]))
    for row in registers:
        yield "r", row
    for (label, source, target), day in news.edges.items():
        if day is None:
            yield "e", orjson.dumps([source.id, label, target.id])
    for (label, source, target), day in news.edges.items():
        if day is not None:
            yield "d", orjson.dumps([source.id, label, target.id, day])

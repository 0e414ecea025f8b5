"""What Cassandra holds of a graph, cell by cell, read with CQL; JanusGraph only says which header means what."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from cassandra.cluster import Session

from deploy.local import JanusGraph
from lineagegraph.facts import Facts, Vertex, identity
from lineagegraph.schema import EDGES, META_ID
from tests.lineagegraph.servers import gremlin

TEXT_ID = 0x80  # the first byte of a row whose vertex has a text for its id
END = 0x80  # the bit that marks a text's last byte

HEADERS = """
import org.janusgraph.core.EdgeLabel
import org.janusgraph.core.PropertyKey
import org.janusgraph.graphdb.database.idhandling.IDHandler
import org.janusgraph.graphdb.types.system.BaseKey
import org.janusgraph.graphdb.types.system.BaseLabel
def at = IDHandler.DirectionID
def header = { type, direction ->
  def buffer = IDHandler.getRelationType(type.longId(), direction, type.isInvisibleType())
  buffer.asByteBuffer().array().encodeHex().toString()
}
def m = graph.openManagement()
try {
  def out = [[header(BaseKey.VertexExists, at.PROPERTY_DIR), 'exists', '']]
  out << [header(BaseLabel.VertexLabelEdge, at.EDGE_OUT_DIR), 'label', '']
  m.getRelationTypes(PropertyKey).each { out << [header(it, at.PROPERTY_DIR), 'property', it.name()] }
  m.getRelationTypes(EdgeLabel).each {
    out << [header(it, at.EDGE_OUT_DIR), 'out', it.name()]
    out << [header(it, at.EDGE_IN_DIR), 'in', it.name()]
    m.getRelationIndexes(it).each { index ->
      out << [header(index.@type, at.EDGE_OUT_DIR), 'out', index.name()]
      out << [header(index.@type, at.EDGE_IN_DIR), 'in', index.name()]
    }
  }
  groovy.json.JsonOutput.toJson(out)
} finally { m.rollback() }
"""


class Place(NamedTuple):
    """Where a cell stands: `kind` is exists, label, property, out or in; `other` is an edge's other end.

    The other end of an edge label with a vertex-centric index is the raw rest of the column, in hex.
    """

    id: str
    kind: str
    name: str = ""
    other: str = ""


class Cell(NamedTuple):
    """One cell as stored."""

    place: Place
    column: bytes
    value: bytes
    written: int  # its timestamp in microseconds


class Cells:
    """The cells of one keyspace."""

    def __init__(self, session: Session, server: JanusGraph) -> None:
        self._session = session
        rows = gremlin(server, HEADERS)
        self._headers = {bytes.fromhex(text): (kind, name) for text, kind, name in rows}
        self._lengths = sorted({len(header) for header in self._headers}, reverse=True)

    def of(self, *ids: str) -> list[Cell]:
        """The cells of these vertices."""
        found = []
        for id_ in ids:
            query = "SELECT key, column1, value, writetime(value) FROM edgestore WHERE key = %s"
            found += [self._cell(*row) for row in self._session.execute(query, (row_key(id_),))]
        return found

    def all(self) -> Iterator[Cell]:
        """The cells of all vertices but Meta; the schema's own rows have numbers for keys."""
        for row in self._session.execute("SELECT key, column1, value, writetime(value) FROM edgestore"):
            if row[0][0] == TEXT_ID and row[0] != row_key(META_ID):
                yield self._cell(*row)

    def header(self, kind: str, name: str) -> bytes:
        """The first bytes of the columns of one edge label in one direction, or of one key."""
        return next(header for header, means in self._headers.items() if means == (kind, name))

    def delete(self, cell: Cell) -> None:
        """As if it had never been written: gone at its own time, so that any later write is seen."""
        query = "DELETE FROM edgestore USING TIMESTAMP %s WHERE key = %s AND column1 = %s"
        self._session.execute(query, (cell.written, row_key(cell.place.id), cell.column))

    def insert(self, id_: str, column: bytes, value: bytes, written: int) -> None:
        """One cell alone."""
        query = "INSERT INTO edgestore (key, column1, value) VALUES (%s, %s, %s) USING TIMESTAMP %s"
        self._session.execute(query, (row_key(id_), column, value, written))

    def _cell(self, key: bytes, column: bytes, value: bytes, written: int) -> Cell:
        id_ = key[1:-1].decode("ascii") + chr(key[-1] ^ END)
        for length in self._lengths:
            if (means := self._headers.get(column[:length])) is not None:
                kind, name = means
                rest = column[length:]
                return Cell(
                    Place(id_, kind, name, _other(rest) if kind in ("out", "in") else ""), column, value, written
                )
        return Cell(Place(id_, "unknown", column.hex()), column, value, written)


def row_key(id_: str) -> bytes:
    """The row of a vertex."""
    raw = id_.encode("ascii")
    return bytes([TEXT_ID]) + raw[:-1] + bytes([raw[-1] | END])


def _other(rest: bytes) -> str:
    # An edge's column ends with the other vertex's row key, written backwards.
    key = rest[::-1]
    if len(key) > 2 and key[0] == TEXT_ID and key[-1] & END and all(byte < END for byte in key[1:-1]):
        return key[1:-1].decode("ascii") + chr(key[-1] ^ END)
    return rest.hex()


def places(facts: Facts) -> Counter[Place]:
    """Every cell that these facts need, once."""
    found: Counter[Place] = Counter()
    for vertex, properties in facts.vertices.items():
        found[Place(vertex.id, "exists")] = found[Place(vertex.id, "label")] = 1
        for name in {**identity(vertex), **properties}:
            found[Place(vertex.id, "property", name)] = 1
    for edge in facts.edges:
        found[Place(edge.source.id, "out", edge.label, edge.target.id)] = 1
        if EDGES[edge.label].both_ways:
            found[Place(edge.target.id, "in", edge.label, edge.source.id)] = 1
    return found


def stored(cells: Iterable[Cell]) -> Counter[Place]:
    """How often each place is taken."""
    return Counter(cell.place for cell in cells)


def ids(facts: Facts) -> list[str]:
    """The ids of the facts' vertices."""
    return [vertex.id for vertex in facts.vertices]


__all__ = ["Cell", "Cells", "Place", "Vertex", "ids", "places", "row_key", "stored"]

// Streams every row of the graph as it is stored, whole or not: for `doctor`. Constant text; `b` is one JSON string:
//   k: request key, echoed in every page      page: rows in a page
// The first page has `types`: [[kind, name]] of the schema. Then v: [[id, whether it exists, label, {property: value},
// [[edge label, target, day]] that leave, [[edge label, source, day]] that arrive]]. The last page says `end`.
import groovy.transform.CompileStatic
import groovy.transform.Field
import org.apache.tinkerpop.gremlin.structure.Direction
import org.apache.tinkerpop.gremlin.structure.Vertex
import org.apache.tinkerpop.gremlin.structure.util.CloseableIterator
import org.apache.tinkerpop.shaded.jackson.databind.ObjectMapper
import org.janusgraph.core.EdgeLabel
import org.janusgraph.core.JanusGraphEdge
import org.janusgraph.core.JanusGraphTransaction
import org.janusgraph.core.JanusGraphVertex
import org.janusgraph.core.JanusGraphVertexProperty
import org.janusgraph.core.PropertyKey
import org.janusgraph.core.RelationType
import org.janusgraph.core.VertexLabel
import org.janusgraph.core.schema.JanusGraphManagement
import org.janusgraph.diskstorage.StaticBuffer
import org.janusgraph.diskstorage.keycolumnvalue.KeyIterator
import org.janusgraph.diskstorage.keycolumnvalue.SliceQuery
import org.janusgraph.diskstorage.util.BufferUtil
import org.janusgraph.graphdb.database.StandardJanusGraph
import org.janusgraph.graphdb.transaction.StandardJanusGraphTx

@Field static final ObjectMapper JSON = new ObjectMapper()

@CompileStatic
class Rows implements CloseableIterator<String> {
  final ObjectMapper json
  final Object key
  final int size
  final StandardJanusGraph graph
  final StandardJanusGraphTx scan
  final KeyIterator keys
  boolean begun = false
  boolean ended = false

  Rows(ObjectMapper json, StandardJanusGraph graph, Map b) {
    this.json = json
    this.graph = graph
    key = b.get('k')
    size = ((Number) b.get('page')).intValue()
    scan = (StandardJanusGraphTx) graph.buildTransaction().readOnly().start()
    keys = scan.getTxHandle().edgeStoreKeys(new SliceQuery(BufferUtil.zeroBuffer(1), BufferUtil.oneBuffer(4)).setLimit(1))
  }

  boolean hasNext() { !ended }

  String next() {
    Map<String, Object> page = new HashMap<>([k: key] as Map<String, Object>)
    if (!begun) {
      begun = true
      page.putAll([types: types(), v: [], end: false] as Map<String, Object>)
      return json.writeValueAsString(page)
    }
    List<Object> ids = new ArrayList<>(size)
    while (ids.size() < size && keys.hasNext()) {
      Object id = graph.getIDManager().getKeyID((StaticBuffer) keys.next())
      if (id instanceof String && id != 'meta:schema') ids.add(id)  // the schema's own rows have numbers
    }
    ended = ids.size() < size
    page.putAll([v: ids ? rows(ids) : [], end: ended] as Map<String, Object>)
    if (ended) close()
    return json.writeValueAsString(page)
  }

  List types() {
    JanusGraphManagement m = graph.openManagement()
    try {
      List found = new ArrayList()
      for (VertexLabel one : m.getVertexLabels()) found.add(['label', one.name()])
      for (RelationType one : m.getRelationTypes(PropertyKey)) found.add(['key', one.name()])
      for (RelationType one : m.getRelationTypes(EdgeLabel)) found.add(['edge', one.name()])
      return found
    } finally { m.rollback() }
  }

  // Rows are read without asking whether the vertex exists, so that also what is left of one is seen.
  List rows(List<Object> ids) {
    JanusGraphTransaction whole = graph.buildTransaction().readOnly().start()
    JanusGraphTransaction t = graph.buildTransaction().readOnly().checkExternalVertexExistence(false).checkInternalVertexExistence(false).start()
    try {
      Set<Object> exist = new HashSet<>()
      Iterator<Vertex> found = whole.vertices(ids.toArray())
      while (found.hasNext()) exist.add(found.next().id())
      List rows = new ArrayList(ids.size())
      for (Object id : ids) {
        JanusGraphVertex v = (JanusGraphVertex) t.getVertex(id)
        Map<String, Object> stored = new HashMap<>()
        for (JanusGraphVertexProperty p : (Iterable<JanusGraphVertexProperty>) v.query().properties()) stored.put(p.key(), p.value())
        rows.add([id, exist.contains(id), v.label(), stored, edges(v, Direction.OUT), edges(v, Direction.IN)])
      }
      return rows
    } finally { whole.rollback(); t.rollback() }
  }

  static List edges(JanusGraphVertex v, Direction direction) {
    List found = new ArrayList()
    for (JanusGraphEdge e : (Iterable<JanusGraphEdge>) v.query().direction(direction).edges())
      found.add([e.label(), (direction == Direction.OUT ? e.inVertex() : e.outVertex()).id(), e.property('last_seen_at').orElse(null)])
    return found
  }

  void close() {
    ended = true
    keys.close()
    if (scan.isOpen()) scan.rollback()
  }
}

new Rows(JSON, (StandardJanusGraph) g.getGraph(), (Map) JSON.readValue((String) b, Map.class))

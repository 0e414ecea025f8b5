// Streams the graph, or the vertices of some labels, in pages. Constant text; `b` is one JSON string:
//   k: request key, echoed in every page      page: vertices in a page      tags: how the labels' ids begin
//   keys: [property key]      edges: [label of edges that leave]      null, for these three: all there are
// Returns an iterator, so that the server sends page by page and never holds more than a few. Rows:
// v: [[id, label, {property: value}, [[edge label, target id, day or null]]]]. The Meta vertex is left out. The last
// page says `end`: a stream without it is not the whole graph.
import groovy.transform.CompileStatic
import groovy.transform.Field
import org.apache.tinkerpop.gremlin.structure.Direction
import org.apache.tinkerpop.gremlin.structure.Vertex
import org.apache.tinkerpop.gremlin.structure.util.CloseableIterator
import org.apache.tinkerpop.shaded.jackson.databind.DeserializationFeature
import org.apache.tinkerpop.shaded.jackson.databind.ObjectMapper
import org.janusgraph.core.JanusGraphEdge
import org.janusgraph.core.JanusGraphMultiVertexQuery
import org.janusgraph.core.JanusGraphTransaction
import org.janusgraph.core.JanusGraphVertex
import org.janusgraph.core.JanusGraphVertexProperty
import org.janusgraph.graphdb.database.StandardJanusGraph

@Field static final ObjectMapper JSON = new ObjectMapper().enable(DeserializationFeature.USE_LONG_FOR_INTS)

@CompileStatic
class Scan implements CloseableIterator<String> {
  final ObjectMapper json
  final Object key
  final int size
  final Set<String> tags
  final String[] keys, labels
  final JanusGraphTransaction scan
  final StandardJanusGraph graph
  final Iterator<Vertex> vertices
  boolean ended = false

  Scan(ObjectMapper json, StandardJanusGraph graph, Map b) {
    this.json = json
    this.graph = graph
    key = b.get('k')
    size = ((Number) b.get('page')).intValue()
    tags = b.get('tags') == null ? null : new HashSet<String>((List<String>) b.get('tags'))
    keys = texts(b.get('keys'))
    labels = texts(b.get('edges'))
    scan = graph.buildTransaction().readOnly().vertexCacheSize(2 * size).start()
    vertices = scan.vertices()
  }

  static String[] texts(Object list) { list == null ? null : ((List<String>) list).toArray(new String[0]) }

  boolean hasNext() { !ended }

  String next() {
    List<Object> ids = new ArrayList<>(size)
    while (ids.size() < size && vertices.hasNext()) {
      Object id = vertices.next().id()
      if (wanted(id)) ids.add(id)
    }
    ended = ids.size() < size
    String text = json.writeValueAsString([k: key, v: ids ? rows(ids) : [], end: ended])
    if (ended) close()
    return text
  }

  boolean wanted(Object id) {
    if (tags == null) return id != 'meta:schema'
    int at = id instanceof String ? ((String) id).indexOf(':') : -1
    at > 0 && tags.contains(((String) id).substring(0, at))
  }

  // A page is read in a transaction of its own, so that what it loaded can go when the page is sent.
  List rows(List<Object> ids) {
    JanusGraphTransaction t = graph.buildTransaction().readOnly().vertexCacheSize(4 * size).start()
    try {
      List<JanusGraphVertex> page = new ArrayList<>(ids.size())
      Iterator<Vertex> found = t.vertices(ids.toArray())
      while (found.hasNext()) page.add((JanusGraphVertex) found.next())
      if (page.isEmpty()) return []
      Map<JanusGraphVertex, Iterable<JanusGraphVertexProperty>> properties = (Map) (keys == null ? t.multiQuery(page) : t.multiQuery(page).keys(keys)).properties()
      Map<JanusGraphVertex, Iterable<JanusGraphEdge>> edges = labels != null && labels.length == 0 ? new HashMap() : leaving(t, page)
      return page.collect { JanusGraphVertex v ->
        Map<String, Object> stored = new HashMap<>()
        for (JanusGraphVertexProperty p : (properties.get(v) ?: (Iterable<JanusGraphVertexProperty>) Collections.emptyList())) stored.put(p.key(), p.value())
        List out = new ArrayList()
        for (JanusGraphEdge e : (edges.get(v) ?: (Iterable<JanusGraphEdge>) Collections.emptyList())) out.add([e.label(), e.inVertex().id(), e.property('last_seen_at').orElse(null)])
        [v.id(), v.label(), stored, out]
      }
    } finally { t.rollback() }
  }

  Map leaving(JanusGraphTransaction t, List<JanusGraphVertex> page) {
    JanusGraphMultiVertexQuery every = t.multiQuery(page).direction(Direction.OUT)
    (Map) (labels == null ? every : every.labels(labels)).edges()
  }

  void close() {
    ended = true
    if (scan.isOpen()) scan.rollback()
  }
}

new Scan(JSON, (StandardJanusGraph) g.getGraph(), (Map) JSON.readValue((String) b, Map.class))

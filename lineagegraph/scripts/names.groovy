// Streams the natural keys of all vertices of some labels in pages. Constant text; `b` is one JSON string:
//   k: request key, echoed in every page      page: vertices in a page      tags: how the labels' ids begin
// Rows: v: [[id, {key property: value}]]. The last page says `end`: a stream without it is not the whole graph.
import groovy.transform.CompileStatic
import groovy.transform.Field
import org.apache.tinkerpop.gremlin.structure.Vertex
import org.apache.tinkerpop.gremlin.structure.util.CloseableIterator
import org.apache.tinkerpop.shaded.jackson.databind.DeserializationFeature
import org.apache.tinkerpop.shaded.jackson.databind.ObjectMapper
import org.janusgraph.core.JanusGraphTransaction
import org.janusgraph.core.JanusGraphVertex
import org.janusgraph.core.JanusGraphVertexProperty
import org.janusgraph.graphdb.database.StandardJanusGraph

@Field static final ObjectMapper JSON = new ObjectMapper().enable(DeserializationFeature.USE_LONG_FOR_INTS)

@CompileStatic
class Names implements CloseableIterator<String> {
  final ObjectMapper json
  final Object key
  final int size
  final Set<String> tags
  final JanusGraphTransaction scan
  final StandardJanusGraph graph
  final Iterator<Vertex> vertices
  boolean ended = false

  Names(ObjectMapper json, StandardJanusGraph graph, Map b) {
    this.json = json
    this.graph = graph
    key = b.get('k')
    size = ((Number) b.get('page')).intValue()
    tags = new HashSet<String>((List<String>) b.get('tags'))
    scan = graph.buildTransaction().readOnly().vertexCacheSize(100).start()
    vertices = scan.vertices()
  }

  boolean hasNext() { !ended }

  String next() {
    List<Object> ids = new ArrayList<>(size)
    while (ids.size() < size && vertices.hasNext()) {
      Object id = vertices.next().id()
      if (id instanceof String && wanted((String) id)) ids.add(id)
    }
    ended = ids.size() < size
    String text = json.writeValueAsString([k: key, v: ids ? rows(ids) : [], end: ended])
    if (ended) close()
    return text
  }

  boolean wanted(String id) {
    int at = id.indexOf(':')
    at > 0 && tags.contains(id.substring(0, at))
  }

  List rows(List<Object> ids) {
    JanusGraphTransaction t = graph.buildTransaction().readOnly().vertexCacheSize(2 * size).start()
    try {
      List<JanusGraphVertex> page = new ArrayList<>(ids.size())
      Iterator<Vertex> found = t.vertices(ids.toArray())
      while (found.hasNext()) page.add((JanusGraphVertex) found.next())
      if (page.isEmpty()) return []
      Map<JanusGraphVertex, Iterable<JanusGraphVertexProperty>> properties = (Map) t.multiQuery(page).properties()
      return page.collect { JanusGraphVertex v ->
        Map<String, Object> stored = new HashMap<>()
        for (JanusGraphVertexProperty p : (properties.get(v) ?: (Iterable<JanusGraphVertexProperty>) Collections.emptyList())) stored.put(p.key(), p.value())
        [v.id(), stored]
      }
    } finally { t.rollback() }
  }

  void close() {
    ended = true
    if (scan.isOpen()) scan.rollback()
  }
}

new Names(JSON, (StandardJanusGraph) g.getGraph(), (Map) JSON.readValue((String) b, Map.class))

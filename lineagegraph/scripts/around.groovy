// Reads what stands around some vertices, hop by hop, and says what was cut. Constant text; `b` is one JSON string:
//   k: request key, echoed      ids: [vertex id]      index: [[[key, value]]] (indexed lookups, besides the ids)
//   hops: [[[direction, edge label]]], each applied to the vertices that the hop before reached first, and to its own
//   once more if the one before has the step ['STAY', '']
//   each: most edges of one vertex, direction and label      all: most vertices
// Rows: v: [[id, {property: value}]], e: [[source, label, target, day or null]]; t: vertices not shown to the end;
// cut: whether anything was. Every hop is one batched read per direction and label, all properties are one more.
import groovy.transform.CompileStatic
import groovy.transform.Field
import org.apache.tinkerpop.gremlin.structure.Direction
import org.apache.tinkerpop.gremlin.structure.Vertex
import org.apache.tinkerpop.shaded.jackson.databind.DeserializationFeature
import org.apache.tinkerpop.shaded.jackson.databind.ObjectMapper
import org.janusgraph.core.JanusGraphEdge
import org.janusgraph.core.JanusGraphQuery
import org.janusgraph.core.JanusGraphTransaction
import org.janusgraph.core.JanusGraphVertex
import org.janusgraph.core.JanusGraphVertexProperty
import org.janusgraph.graphdb.database.StandardJanusGraph

@Field static final ObjectMapper JSON = new ObjectMapper().enable(DeserializationFeature.USE_LONG_FOR_INTS)
@Field static final String META = 'meta:schema'

@CompileStatic
class Walk {
  final JanusGraphTransaction t
  final int each, all
  final Map<Object, JanusGraphVertex> reached = new LinkedHashMap<>()
  final Set<List> edges = new LinkedHashSet<>()
  final Set<Object> unfinished = new LinkedHashSet<>()

  Walk(JanusGraphTransaction t, int each, int all) { this.t = t; this.each = each; this.all = all }

  boolean reach(JanusGraphVertex v) {
    if (reached.containsKey(v.id())) return false
    reached.put(v.id(), v)
    return true
  }

  // One hop along one direction and label; the vertices that it reached first are added to `next`.
  void follow(Collection<JanusGraphVertex> from, String direction, String label, List<JanusGraphVertex> next) {
    Map<JanusGraphVertex, Iterable<JanusGraphEdge>> found = (Map) t.multiQuery(from)
      .direction(Direction.valueOf(direction)).labels(label).limit(each + 1).edges()
    for (JanusGraphVertex v : from) {
      int n = 0
      for (JanusGraphEdge e : (found.get(v) ?: (Iterable<JanusGraphEdge>) Collections.emptyList())) {
        JanusGraphVertex other = (JanusGraphVertex) e.otherVertex(v)
        if (++n > each || (reached.size() >= all && !reached.containsKey(other.id()))) { unfinished.add(v.id()); break }
        edges.add([e.outVertex().id(), e.label(), e.inVertex().id(), e.property('last_seen_at').orElse(null)])
        if (reach(other)) next.add(other)
      }
    }
  }

  List properties() {
    List rows = new ArrayList(reached.size())
    if (reached.isEmpty()) return rows
    Map<JanusGraphVertex, Iterable<JanusGraphVertexProperty>> found = (Map) t.multiQuery(reached.values()).properties()
    for (JanusGraphVertex v : reached.values()) {
      Map<String, Object> stored = new HashMap<>()
      for (JanusGraphVertexProperty p : (found.get(v) ?: (Iterable<JanusGraphVertexProperty>) Collections.emptyList())) stored.put(p.key(), p.value())
      rows.add([v.id(), stored])
    }
    return rows
  }
}

@CompileStatic
static void start(JanusGraphTransaction t, Walk walk, Map b) {
  List ids = (List) b.get('ids')
  if (ids) begin(walk, t.vertices(ids.toArray()))
  for (List<List> lookup : (List<List<List>>) b.getOrDefault('index', Collections.emptyList())) {
    JanusGraphQuery query = t.query()
    for (List has : lookup) query = query.has((String) has.get(0), has.get(1))
    begin(walk, (Iterator) query.limit(walk.all + 1).vertices().iterator())
  }
}

@CompileStatic
static void begin(Walk walk, Iterator<Vertex> found) {
  while (found.hasNext()) {
    if (walk.reached.size() >= walk.all) { walk.unfinished.add('start'); break }
    walk.reach((JanusGraphVertex) found.next())
  }
}

@CompileStatic
static Map around(StandardJanusGraph g, Map b) {
  JanusGraphTransaction t = g.buildTransaction().readOnly().start()
  try {
    Walk walk = new Walk(t, ((Number) b.get('each')).intValue(), ((Number) b.get('all')).intValue())
    start(t, walk, b)
    List<JanusGraphVertex> front = new ArrayList<>(walk.reached.values())
    for (List<List<String>> hop : (List<List<List<String>>>) b.get('hops')) {
      if (front.isEmpty()) break
      List<JanusGraphVertex> next = new ArrayList<>()
      for (List<String> step : hop) {
        if (step.get(0) == 'STAY') next.addAll(front) else walk.follow(front, step.get(0), step.get(1), next)
      }
      front = next
    }
    return [v: walk.properties(), e: walk.edges, t: walk.unfinished, cut: !walk.unfinished.isEmpty()]
  } finally { t.rollback() }
}

@CompileStatic
static Map meta(StandardJanusGraph g) {
  JanusGraphTransaction t = g.buildTransaction().readOnly().checkExternalVertexExistence(false).start()
  Map<String, Object> found = [h: (Object) 0L]
  try {
    JanusGraphVertex v = (JanusGraphVertex) t.getVertex(META)
    if (v != null) for (JanusGraphVertexProperty p : (Iterable<JanusGraphVertexProperty>) v.query().properties()) {
      if (p.key() == 'graph_id') found.put('g', p.value())
      if (p.key() == 'horizon') found.put('h', p.value())
    }
  } finally { t.rollback() }
  return found
}

@CompileStatic
static String run(StandardJanusGraph g, String json) {
  Map b = (Map) JSON.readValue(json, Map.class)
  return JSON.writeValueAsString(around(g, b) + meta(g) + [k: b.get('k')])
}

run((StandardJanusGraph) g.getGraph(), (String) b)

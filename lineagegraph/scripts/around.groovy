// Reads what stands around some vertices, hop by hop, and says what was cut. Constant text; `b` is one JSON string:
//   k: request key, echoed      ids: [vertex id]      index: [[[key, value]]] (indexed lookups, besides the ids)
//   hops: [[[direction, edge label, [tags of the ids that have it]]]], each applied to the vertices that the hop before reached first, and to its own
//   once more if the one before has the step ['STAY', '']
//   each: most edges of one vertex, direction and label      all: most vertices
//   Nothing is followed twice. f: [[direction, edge label, [indexes into v]]], what was followed to the end or a cap
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
  final Map<String, Set<JanusGraphVertex>> followed = new LinkedHashMap<>()

  Walk(JanusGraphTransaction t, int each, int all) { this.t = t; this.each = each; this.all = all }

  boolean reach(JanusGraphVertex v) {
    if (reached.containsKey(v.id())) return false
    reached.put(v.id(), v)
    return true
  }

  // One hop along one direction and label; the vertices that it reached first are added to `next`.
  void follow(Collection<JanusGraphVertex> all_, List step, List<JanusGraphVertex> next) {
    String direction = (String) step.get(0), label = (String) step.get(1)
    List tags = step.size() > 2 ? (List) step.get(2) : null
    Set<JanusGraphVertex> before = followed.computeIfAbsent(direction + ' ' + label) { new LinkedHashSet<JanusGraphVertex>() }
    List<JanusGraphVertex> from = new ArrayList<>(all_.size())
    for (JanusGraphVertex v : all_) {
      if ((tags == null || tags.contains(((String) v.id()).substring(0, 2))) && before.add(v)) from.add(v)
    }
    if (from.isEmpty()) return
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

  List done() {
    Map<Object, Integer> at = new HashMap<>()
    for (Object id : reached.keySet()) at.put(id, at.size())
    List rows = new ArrayList()
    for (Map.Entry<String, Set<JanusGraphVertex>> one : followed.entrySet()) {
      List<Integer> places = new ArrayList<>()
      for (JanusGraphVertex v : one.value) places.add(at.get(v.id()))
      List<String> names = one.key.split(' ').toList()
      rows.add([names.get(0), names.get(1), places])
    }
    return rows
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
    for (List<List> hop : (List<List<List>>) b.get('hops')) {
      if (front.isEmpty()) break
      List<JanusGraphVertex> next = new ArrayList<>()
      for (List step : hop) {
        if (step.get(0) == 'STAY') next.addAll(front) else walk.follow(front, step, next)
      }
      front = next
    }
    return [v: walk.properties(), e: walk.edges, f: walk.done(), t: walk.unfinished, cut: !walk.unfinished.isEmpty()]
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

// The blind upsert: facts into the graph without one read of what is stored. The text is constant (it is the key of
// the server's compile cache); all content arrives in `b`, one JSON string:
//   k: request key, echoed      g: the graph that is meant; another one is left untouched
//   v: [[id, label, {property: value}]]      e: [[source, label, target]]
//   r: [[id, {register: value}]]             d: [[source, label, target, day]]
// Order-free: what is written now (v, e) is the same whoever writes it; registers and dated edges carry a commit
// time that never depends on the clock, and of two values with one commit time Cassandra keeps the greater one.
// A store without timestamps is in this JVM's memory, so comparing under a lock is the same rule there.
import groovy.transform.CompileStatic
import groovy.transform.Field
import java.time.Instant
import java.time.LocalDate
import java.util.concurrent.ConcurrentHashMap
import org.apache.tinkerpop.gremlin.structure.Direction
import org.apache.tinkerpop.gremlin.structure.T
import org.apache.tinkerpop.shaded.jackson.databind.DeserializationFeature
import org.apache.tinkerpop.shaded.jackson.databind.ObjectMapper
import org.janusgraph.core.JanusGraphEdge
import org.janusgraph.core.JanusGraphTransaction
import org.janusgraph.core.JanusGraphVertex
import org.janusgraph.core.JanusGraphVertexProperty
import org.janusgraph.core.TransactionBuilder
import org.janusgraph.graphdb.database.StandardJanusGraph

@Field static final ObjectMapper JSON = new ObjectMapper().enable(DeserializationFeature.USE_LONG_FOR_INTS)
@Field static final String META = 'meta:schema'
@Field static final String DAY = 'last_seen_at'
@Field static final long FRESH = 1_000_000_000L
// Per graph: when its Meta vertex was read, its id, its horizon.
@Field static final Map<StandardJanusGraph, List> KNOWN = new ConcurrentHashMap<>()

@CompileStatic
static JanusGraphTransaction begin(StandardJanusGraph g, Instant at) {
  TransactionBuilder x = g.buildTransaction()
    .checkExternalVertexExistence(false).checkInternalVertexExistence(false).consistencyChecks(false)
  return (at == null ? x : x.commitTime(at)).start()
}

@CompileStatic
static void write(StandardJanusGraph g, Instant at, Closure body) {
  JanusGraphTransaction t = begin(g, at)
  boolean done = false
  try {
    body.call(t)
    t.commit()
    done = true
  } finally {
    if (!done && t.isOpen()) t.rollback()
  }
}

@CompileStatic
static List meta(StandardJanusGraph g, boolean fresh) {
  List known = KNOWN.get(g)
  if (!fresh && known != null && System.nanoTime() - (Long) known.get(0) < FRESH) return known
  long now = System.nanoTime()
  Object id = null, horizon = 0L
  JanusGraphTransaction t = g.buildTransaction().readOnly().checkExternalVertexExistence(false).start()
  try {
    JanusGraphVertex v = (JanusGraphVertex) t.getVertex(META)
    if (v != null) for (JanusGraphVertexProperty p : (Iterable<JanusGraphVertexProperty>) v.query().properties()) {
      if (p.key() == 'graph_id') id = p.value()
      if (p.key() == 'horizon') horizon = p.value()
    }
  } finally { t.rollback() }
  known = [now, id, horizon]
  if (id == null) KNOWN.remove(g) else KNOWN.put(g, known)  // a graph that is about to get its schema is looked at again
  return known
}

@CompileStatic
static void add(JanusGraphTransaction t, Map<Object, JanusGraphVertex> at, List edge) {
  Object[] day = edge.size() > 3 ? [DAY, edge.get(3)] as Object[] : new Object[0]
  vertex(t, at, edge.get(0)).addEdge((String) edge.get(1), vertex(t, at, edge.get(2)), day)
}

@CompileStatic
static JanusGraphVertex vertex(JanusGraphTransaction t, Map<Object, JanusGraphVertex> at, Object id) {
  JanusGraphVertex v = at.get(id)
  if (v == null) { v = (JanusGraphVertex) t.getVertex(id); at.put(id, v) }
  return v
}

@CompileStatic
static void facts(JanusGraphTransaction t, List<List> vertices, List<List> edges) {
  Map<Object, JanusGraphVertex> at = new HashMap<>()
  for (List row : vertices) {
    List<Object> kv = new ArrayList<>([T.id, row.get(0), T.label, row.get(1)] as List<Object>)
    for (Map.Entry p : (Set<Map.Entry>) ((Map) row.get(2)).entrySet()) { kv.add(p.key); kv.add(p.value) }
    at.put(row.get(0), (JanusGraphVertex) t.addVertex(kv.toArray()))
  }
  for (List edge : edges) add(t, at, edge)
}

@CompileStatic
static void registers(JanusGraphTransaction t, List<List> rows) {
  for (List row : rows) {
    JanusGraphVertex v = (JanusGraphVertex) t.getVertex(row.get(0))
    for (Map.Entry p : (Set<Map.Entry>) ((Map) row.get(1)).entrySet()) v.property((String) p.key, p.value)
  }
}

// A commit time that grows with the day and is long past for ever: a future one would make the server sleep.
@CompileStatic
static Instant commitTime(String day) { Instant.ofEpochSecond(3600L * LocalDate.parse(day).toEpochDay()) }

// As serialised: JanusGraph marks the end of an ASCII text by setting the top bit of its last byte.
@CompileStatic
static boolean greater(Object value, Object stored) {
  if (stored == null) return true
  if (value instanceof Long) return (Long) value > (Long) stored
  String a = (String) value, b = (String) stored
  for (int i = 0; i < Math.min(a.length(), b.length()); i++) {
    int x = a.charAt(i) as int, y = b.charAt(i) as int
    if (i == a.length() - 1) x |= 0x80
    if (i == b.length() - 1) y |= 0x80
    if (x != y) return x > y
  }
  return false
}

@CompileStatic
static void compareAndWrite(JanusGraphTransaction t, List<List> rows, List<List> dated) {
  Map<Object, JanusGraphVertex> at = new HashMap<>()
  for (List row : rows) {
    JanusGraphVertex v = vertex(t, at, row.get(0))
    Map<String, Object> stated = (Map<String, Object>) row.get(1), stored = new HashMap<>()
    String[] keys = stated.keySet().toArray(new String[0])
    for (JanusGraphVertexProperty p : (Iterable<JanusGraphVertexProperty>) v.query().keys(keys).properties())
      stored.put(p.key(), p.value())
    for (Map.Entry<String, Object> p : stated.entrySet())
      if (greater(p.value, stored.get(p.key))) v.property(p.key, p.value)
  }
  for (List edge : dated) {
    JanusGraphVertex v = vertex(t, at, edge.get(0)), w = vertex(t, at, edge.get(2))
    Iterator<JanusGraphEdge> known = v.query().direction(Direction.OUT).labels((String) edge.get(1)).adjacent(w).edges().iterator()
    if (!known.hasNext() || ((String) known.next().value(DAY)) < (String) edge.get(3)) add(t, at, edge)
  }
}

@CompileStatic
static List<List> rows(Map b, String name) { (List<List>) b.getOrDefault(name, Collections.emptyList()) }

@CompileStatic
static void upsert(StandardJanusGraph g, Map b) {
  List<List> v = rows(b, 'v'), e = rows(b, 'e'), r = rows(b, 'r'), d = rows(b, 'd')
  if (v || e) write(g, null) { JanusGraphTransaction t -> facts(t, v, e) }
  if (g.getBackend().getStoreFeatures().hasTimestamps()) {
    if (r) write(g, Instant.ofEpochSecond(1)) { JanusGraphTransaction t -> registers(t, r) }
    for (Map.Entry<Object, List<List>> day : d.groupBy { List edge -> edge.get(3) }.entrySet()) {
      List<List> ofDay = day.value
      write(g, commitTime((String) day.key)) { JanusGraphTransaction t ->
        Map<Object, JanusGraphVertex> at = new HashMap<>()
        for (List edge : ofDay) add(t, at, edge)
      }
    }
  } else if (r || d) {
    synchronized (g) { write(g, null) { JanusGraphTransaction t -> compareAndWrite(t, r, d) } }
  }
}

@CompileStatic
static String run(StandardJanusGraph g, String json) {
  Map b = (Map) JSON.readValue(json, Map.class)
  List known = meta(g, false)
  if (known.get(1) != b.get('g')) known = meta(g, true)
  if (known.get(1) != null && known.get(1) == b.get('g')) upsert(g, b)
  return JSON.writeValueAsString([k: b.get('k'), g: known.get(1), h: known.get(2)])
}

run((StandardJanusGraph) g.getGraph(), (String) b)

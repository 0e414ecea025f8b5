// Installs the graph's schema, or with `check` only says what is missing. Constant text; `b` is one JSON string:
//   k: request key, echoed      check: look only      version, naming: what the Meta vertex is to say
//   keys: {name: "str" | "int"}      vertices: [label]      edges: {label: both ways?}      indexes: {name: [key]}
//   new_id: the graph's id if it has none yet
//   turn, after: what the keys that stand for a turn are called, and how many turns were taken by who must be dead
// Everything that is missing is made in one management transaction. Whoever makes a schema element takes a lock on
// its name, so of two racing installers one rolls back as a whole. But two that each come first to some of the names
// both fail, and what JanusGraph keeps locked then blocks everybody for minutes. So whoever is to make them is found
// before, by a transaction with one name only. The graph's id (and its first naming hash) are the
// name of the key under the index `graph`, and that index's name is taken under such a lock: both are fixed only once.
import groovy.transform.CompileStatic
import groovy.transform.Field
import org.apache.tinkerpop.gremlin.structure.T
import org.apache.tinkerpop.gremlin.structure.Vertex
import org.apache.tinkerpop.shaded.jackson.databind.DeserializationFeature
import org.apache.tinkerpop.shaded.jackson.databind.ObjectMapper
import org.janusgraph.core.Cardinality
import org.janusgraph.core.EdgeLabel
import org.janusgraph.core.JanusGraphTransaction
import org.janusgraph.core.JanusGraphVertex
import org.janusgraph.core.JanusGraphVertexProperty
import org.janusgraph.core.Multiplicity
import org.janusgraph.core.PropertyKey
import org.janusgraph.core.SchemaViolationException
import org.janusgraph.core.schema.EdgeLabelMaker
import org.janusgraph.core.schema.JanusGraphIndex
import org.janusgraph.core.schema.JanusGraphManagement
import org.janusgraph.core.schema.SchemaStatus
import org.janusgraph.diskstorage.locking.PermanentLockingException
import org.janusgraph.diskstorage.locking.TemporaryLockingException
import org.janusgraph.graphdb.database.StandardJanusGraph

@Field static final ObjectMapper JSON = new ObjectMapper().enable(DeserializationFeature.USE_LONG_FOR_INTS)
@Field static final String META = 'meta:schema'
@Field static final String ANCHOR = 'graph'
@Field static final String PREFIX = 'graph_'

@CompileStatic
static Map<String, Object> meta(StandardJanusGraph g) {
  Map<String, Object> found = new HashMap<>()
  JanusGraphTransaction t = g.buildTransaction().readOnly().checkExternalVertexExistence(false).start()
  try {
    JanusGraphVertex v = (JanusGraphVertex) t.getVertex(META)
    if (v != null) for (JanusGraphVertexProperty p : (Iterable<JanusGraphVertexProperty>) v.query().properties()) found.put(p.key(), p.value())
  } finally { t.rollback() }
  return found
}

@CompileStatic
static void keys(JanusGraphManagement m, Map<String, String> wanted, boolean check, List<String> made, List<String> wrong) {
  for (Map.Entry<String, String> row : wanted.entrySet()) {
    Class type = row.value == 'int' ? Long.class : String.class
    PropertyKey known = m.getPropertyKey(row.key)
    if (known == null) {
      made.add('key ' + row.key)
      if (!check) m.makePropertyKey(row.key).dataType(type).cardinality(Cardinality.SINGLE).make()
    } else if (known.dataType() != type || known.cardinality() != Cardinality.SINGLE) {
      wrong.add('key ' + row.key + ' is ' + known.cardinality() + ' ' + known.dataType().simpleName)
    }
  }
}

@CompileStatic
static void labels(JanusGraphManagement m, Map b, boolean check, List<String> made, List<String> wrong) {
  for (String label : (List<String>) b.get('vertices')) if (!m.containsVertexLabel(label)) {
    made.add('vertex label ' + label)
    if (!check) m.makeVertexLabel(label).make()
  }
  for (Map.Entry<String, Boolean> row : ((Map<String, Boolean>) b.get('edges')).entrySet()) {
    EdgeLabel known = m.getEdgeLabel(row.key)
    if (known == null) {
      made.add('edge label ' + row.key)
      EdgeLabelMaker maker = m.makeEdgeLabel(row.key).multiplicity(Multiplicity.SIMPLE)
      if (!check) (row.value ? maker : maker.unidirected()).make()
    } else if (known.multiplicity() != Multiplicity.SIMPLE || known.isDirected() != row.value) {
      wrong.add('edge label ' + row.key + ' is ' + known.multiplicity() + (known.isDirected() ? '' : ' unidirected'))
    }
  }
}

@CompileStatic
static void index(JanusGraphManagement m, String name, List<String> on) {
  JanusGraphManagement.IndexBuilder builder = m.buildIndex(name, Vertex.class)
  for (String key : on) builder.addKey(m.getPropertyKey(key))
  builder.buildCompositeIndex()
}

// An index is at once usable only if one of its keys is new in the same transaction.
@CompileStatic
static void indexes(JanusGraphManagement m, Map<String, List<String>> wanted, boolean check, List<String> made, List<String> wrong) {
  for (Map.Entry<String, List<String>> row : wanted.entrySet()) {
    JanusGraphIndex known = m.getGraphIndex(row.key)
    if (known != null) {
      for (PropertyKey key : known.getFieldKeys())
        if (known.getIndexStatus(key) != SchemaStatus.ENABLED) wrong.add('index ' + row.key + ' is ' + known.getIndexStatus(key))
    } else if (row.value.any { String key -> made.contains('key ' + key) }) {
      made.add('index ' + row.key)
      if (!check) index(m, row.key, row.value)
    } else {
      wrong.add('index ' + row.key + ' is missing and its keys are in use: rebuild the graph')
    }
  }
}

// The graph's id and first naming hash, fixed now if there are none.
@CompileStatic
static List<String> identity(JanusGraphManagement m, Map b, boolean check, List<String> made) {
  JanusGraphIndex known = m.getGraphIndex(ANCHOR)
  String name = known == null ? PREFIX + b.get('new_id') + '_' + b.get('naming') : known.getFieldKeys()[0].name()
  if (known == null) {
    made.add('graph id')
    if (!check) {
      m.makePropertyKey(name).dataType(Long.class).cardinality(Cardinality.SINGLE).make()
      index(m, ANCHOR, [name])
    }
  }
  return name.substring(PREFIX.length()).split('_', 2) as List<String>
}

// The Meta vertex says what it said, and what it did not say yet.
@CompileStatic
static void state(StandardJanusGraph g, Map b, Map<String, Object> before, List<String> first) {
  JanusGraphTransaction t = g.buildTransaction().checkExternalVertexExistence(false).consistencyChecks(false).start()
  try {
    t.addVertex(T.id, META, T.label, 'Meta', 'schema_version', b.get('version'),
      'naming_hash', before.getOrDefault('naming_hash', first.get(1)), 'graph_id', before.getOrDefault('graph_id', first.get(0)))
    t.commit()
  } finally { if (t.isOpen()) t.rollback() }
}

// A commit that fails closes the transaction below `m` and leaves `m` open; what it failed from must not be hidden.
@CompileStatic
static void end(JanusGraphManagement m) {
  try { if (m.isOpen()) m.rollback() } catch (IllegalArgumentException closed) { }
}

@CompileStatic
static Throwable lock(Throwable x) {
  Throwable cause = x
  while (cause != null && !(cause instanceof PermanentLockingException || cause instanceof TemporaryLockingException || cause instanceof SchemaViolationException)) cause = cause.cause
  return cause
}

// How many turns are taken; one more than `after` if the next one is ours now.
@CompileStatic
static long turn(StandardJanusGraph g, Map b, List<Boolean> ours) {
  String name = (String) b.get('turn')
  long taken = (Long) b.get('after')
  JanusGraphManagement m = g.openManagement()
  try {
    while (m.containsPropertyKey(name + (taken + 1))) taken++
    if (taken == (Long) b.get('after')) {
      m.makePropertyKey(name + (taken + 1)).dataType(Long.class).cardinality(Cardinality.SINGLE).make()
      m.commit()
      taken++
      ours.add(true)
    }
  } catch (Exception x) {
    if (lock(x) == null) throw x
    taken = (Long) b.get('after') + 1
  } finally { end(m) }
  return taken
}

@CompileStatic
static List<String> look(StandardJanusGraph g, Map b, boolean check, List<String> made, List<String> wrong) {
  JanusGraphManagement m = g.openManagement()
  try {
    keys(m, (Map<String, String>) b.get('keys'), check, made, wrong)
    labels(m, b, check, made, wrong)
    indexes(m, (Map<String, List<String>>) b.get('indexes'), check, made, wrong)
    List<String> first = identity(m, b, check, made)
    if (!check && made && !wrong) m.commit()
    return first
  } finally { end(m) }
}

@CompileStatic
static Map<String, Object> install(StandardJanusGraph g, Map b) {
  List<String> made = new ArrayList<>(), wrong = new ArrayList<>()
  Map<String, Object> said = new HashMap<>([made: made, wrong: wrong] as Map<String, Object>)
  Map<String, Object> before = meta(g)
  Object version = before.get('schema_version')
  boolean check = (Boolean) b.get('check')
  boolean foreign = before.containsKey('naming_hash') && b.get('naming') != null && before.get('naming_hash') != b.get('naming')
  boolean newer = version != null && (Long) version > (Long) b.get('version')
  if (version == null && check) return said  // somebody may be making it now: half of it cannot be read
  if (check || foreign || newer || version == b.get('version')) {
    look(g, b, true, made, wrong)
    if (check || foreign || newer || wrong || !made) return said
    made.clear()
  }
  List<Boolean> ours = new ArrayList<>()
  long taken = turn(g, b, ours)
  if (!ours) { said.put('lost', 'turn'); said.put('taken', taken); return said }
  List<String> first = look(g, b, false, made, wrong)
  if (!wrong) state(g, b, before, first)
  return said
}

@CompileStatic
static String run(StandardJanusGraph g, String json) {
  Map b = (Map) JSON.readValue(json, Map.class)
  Map<String, Object> reply = new HashMap<>()
  try {
    synchronized (g) { reply.putAll(install(g, b)) }
  } catch (Throwable x) {
    if (lock(x) == null) throw x
    reply.put('lost', lock(x).class.simpleName)
  }
  Map<String, Object> now = meta(g)
  reply.put('k', b.get('k'))
  reply.put('g', now.get('graph_id'))
  reply.put('meta', now)
  return JSON.writeValueAsString(reply)
}

run((StandardJanusGraph) g.getGraph(), (String) b)

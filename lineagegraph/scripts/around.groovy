// Reads what stands around some vertices, hop by hop, and says what was cut. Constant text; `b` is one JSON string:
//   k: request key, echoed
//   asks: [{ids: [vertex id], index: [[[key, value]]], hops: [[[direction, edge label, [tags]]]]}]
//     start at the ids and at what the index has under each conjunction; every hop is applied to the vertices that the
//     hop before reached first, and to its own once more if the one before has the step ['STAY', '']; tags are those of
//     the ids that can have such an edge; direction is OUT, IN or BOTH; the label '*' means all labels
//   each: most edges of one vertex, direction and label, of '*' ten times as many      all: most vertices
//   keys: {tag: [property]}, and properties: [property], what is told of a vertex
//   dated: labels whose edges carry a day
//   have: [vertex id], of which the asker knows the properties
// Nothing is followed twice for one ask. Vertices are numbered: first those of `have`, then those of `v` as they come.
// Rows: v: [[tag, [[[the key's values], {property: value}]]]]; e: [[label, [source, target, source, target …]]], with the day of each if dated;
// f: [[direction, label, [number]]], what was followed to the end; t: the same, what was followed and cut; left:
// whether there was no room for a vertex to start at. A vertex that is not there has no row. Every step is one batched read, all properties are one more.
import groovy.transform.CompileStatic
import groovy.transform.Field
import org.apache.tinkerpop.gremlin.structure.Direction
import org.apache.tinkerpop.gremlin.structure.Vertex
import org.apache.tinkerpop.shaded.jackson.databind.DeserializationFeature
import org.apache.tinkerpop.shaded.jackson.databind.ObjectMapper
import org.janusgraph.core.JanusGraphEdge
import org.janusgraph.core.JanusGraphMultiVertexQuery
import org.janusgraph.core.JanusGraphQuery
import org.janusgraph.core.JanusGraphTransaction
import org.janusgraph.core.JanusGraphVertex
import org.janusgraph.core.JanusGraphVertexProperty
import org.janusgraph.core.PropertyKey
import org.janusgraph.graphdb.database.StandardJanusGraph

@Field static final ObjectMapper JSON = new ObjectMapper().enable(DeserializationFeature.USE_LONG_FOR_INTS)
@Field static final String META = 'meta:schema'

@CompileStatic
class Answer {
  final JanusGraphTransaction t
  final int each, all
  final Set<String> dated
  final PropertyKey day
  final Map<Object, JanusGraphVertex> reached = new LinkedHashMap<>()
  final Map<String, List> edges = new LinkedHashMap<>()
  final Map<String, List> followed = new LinkedHashMap<>(), unfinished = new LinkedHashMap<>()
  boolean left = false

  Answer(JanusGraphTransaction t, Map b) {
    this.t = t
    each = ((Number) b.get('each')).intValue()
    all = ((Number) b.get('all')).intValue()
    dated = new HashSet<String>((List<String>) b.get('dated'))
    day = t.getPropertyKey('last_seen_at')
  }

  boolean reach(JanusGraphVertex v) {
    if (reached.containsKey(v.id())) return true
    if (reached.size() >= all) return false
    reached.put(v.id(), v)
    return true
  }

  void edge(JanusGraphEdge e, Object source, Object target) {
    List rows = edges.computeIfAbsent(e.label()) { new ArrayList() }
    rows.add(source)
    rows.add(target)
    if (dated.contains(e.label())) rows.add(e.valueOrNull(day))
  }

  // What the asker has not got, by tag; its number for every vertex.
  List properties(Map keys, Set<String> told, List have, Map<Object, Integer> numbers) {
    for (Object id : have) numbers.put(id, numbers.size())
    Map<String, List<JanusGraphVertex>> news = new LinkedHashMap<>()
    List<JanusGraphVertex> all_ = new ArrayList<>()
    for (JanusGraphVertex v : reached.values()) {
      String tag = ((String) v.id()).substring(0, 2)
      if (!keys.containsKey(tag) || numbers.containsKey(v.id())) continue
      news.computeIfAbsent(tag) { new ArrayList<JanusGraphVertex>() }.add(v)
      all_.add(v)
    }
    List groups = new ArrayList()
    if (all_.isEmpty()) return groups
    Map<JanusGraphVertex, Iterable<JanusGraphVertexProperty>> found = (Map) t.multiQuery(all_).properties()
    for (Map.Entry<String, List<JanusGraphVertex>> group : news.entrySet()) {
      List names = (List) keys.get(group.key), rows = new ArrayList(group.value.size())
      for (JanusGraphVertex v : group.value) {
        Object[] key = new Object[names.size()]
        Map<String, Object> stored = new HashMap<>()
        boolean there = false
        for (JanusGraphVertexProperty p : (found.get(v) ?: (Iterable<JanusGraphVertexProperty>) Collections.emptyList())) {
          String name = p.key()
          int place = names.indexOf(name)
          if (place >= 0) key[place] = p.value()
          else if (told.contains(name)) stored.put(name, p.value())
          there = true
        }
        if (!there) continue
        numbers.put(v.id(), numbers.size())
        rows.add([key, stored])
      }
      groups.add([group.key, rows])
    }
    return groups
  }

  List numbered(Map<Object, Integer> numbers) {
    List groups = new ArrayList()
    for (Map.Entry<String, List> group : edges.entrySet()) {
      int width = dated.contains(group.key) ? 3 : 2
      List ids = group.value, rows = new ArrayList(ids.size())
      for (int i = 0; i < ids.size(); i += width) {
        Integer source = numbers.get(ids.get(i)), target = numbers.get(ids.get(i + 1))
        if (source == null || target == null) continue
        rows.add(source)
        rows.add(target)
        if (width == 3) rows.add(ids.get(i + 2))
      }
      groups.add([group.key, rows])
    }
    return groups
  }

  static List numbered(Map<String, List> steps, Map<Object, Integer> numbers) {
    List groups = new ArrayList()
    for (Map.Entry<String, List> group : steps.entrySet()) {
      List rows = new ArrayList(group.value.size())
      for (Object id : group.value) { Integer n = numbers.get(id); if (n != null) rows.add(n) }
      List<String> names = group.key.split(' ').toList()
      groups.add([names.get(0), names.get(1), rows])
    }
    return groups
  }
}

@CompileStatic
class Walk {
  final Answer answer
  final Set<Object> reached = new HashSet<>()
  final Map<String, Set<Object>> followed = new HashMap<>()

  Walk(Answer answer) { this.answer = answer }

  void run(Map ask) {
    List<JanusGraphVertex> front = start(ask)
    for (List<List> hop : (List<List<List>>) ask.getOrDefault('hops', Collections.emptyList())) {
      if (front.isEmpty()) break
      List<JanusGraphVertex> next = new ArrayList<>()
      for (List step : hop) {
        if (step.get(0) == 'STAY') next.addAll(front) else follow(front, step, next)
      }
      front = next
    }
  }

  List<JanusGraphVertex> start(Map ask) {
    List<JanusGraphVertex> front = new ArrayList<>()
    for (Object id : (List) ask.getOrDefault('ids', Collections.emptyList())) {
      begin(front, (JanusGraphVertex) answer.t.getVertex(id))
    }
    for (List<List> lookup : (List<List<List>>) ask.getOrDefault('index', Collections.emptyList())) {
      JanusGraphQuery query = answer.t.query()
      for (List has : lookup) query = query.has((String) has.get(0), has.get(1))
      for (Object v : query.limit(answer.all + 1).vertices()) begin(front, (JanusGraphVertex) v)
    }
    return front
  }

  void begin(List<JanusGraphVertex> front, JanusGraphVertex v) {
    if (v == null) return
    if (!answer.reach(v)) answer.left = true
    else if (reached.add(v.id())) front.add(v)
  }

  // Along one direction and label; the vertices that it reached first are added to `next`.
  void follow(Collection<JanusGraphVertex> front, List step, List<JanusGraphVertex> next) {
    String direction = (String) step.get(0), label = (String) step.get(1), name = direction + ' ' + label
    List tags = step.size() > 2 ? (List) step.get(2) : null
    Set<Object> before = followed.computeIfAbsent(name) { new HashSet<Object>() }
    List<JanusGraphVertex> from = new ArrayList<>(front.size())
    for (JanusGraphVertex v : front) {
      if ((tags == null || tags.contains(((String) v.id()).substring(0, 2))) && before.add(v.id())) from.add(v)
    }
    if (from.isEmpty()) return
    int most = label == '*' ? answer.each * 10 : answer.each
    JanusGraphMultiVertexQuery query = answer.t.multiQuery(from).direction(Direction.valueOf(direction)).limit(most + 1)
    Map<JanusGraphVertex, Iterable<JanusGraphEdge>> found = (Map) (label == '*' ? query : query.labels(label)).edges()
    List whole = answer.followed.computeIfAbsent(name) { new ArrayList() }
    for (JanusGraphVertex v : from) {
      if (taken(v, found.get(v), direction, most, next)) whole.add(v.id())
      else answer.unfinished.computeIfAbsent(name) { new ArrayList() }.add(v.id())
    }
  }

  boolean taken(JanusGraphVertex v, Iterable<JanusGraphEdge> edges, String direction, int most, List<JanusGraphVertex> next) {
    int n = 0
    for (JanusGraphEdge e : (edges ?: (Iterable<JanusGraphEdge>) Collections.emptyList())) {
      JanusGraphVertex other = (JanusGraphVertex) e.otherVertex(v)
      if (++n > most || !answer.reach(other)) return false
      boolean leaves = direction == 'OUT' || (direction == 'BOTH' && e.outVertex() == v)
      answer.edge(e, leaves ? v.id() : other.id(), leaves ? other.id() : v.id())
      if (reached.add(other.id())) next.add(other)
    }
    return true
  }
}

@CompileStatic
static Map around(StandardJanusGraph g, Map b) {
  JanusGraphTransaction t = g.buildTransaction().readOnly().checkExternalVertexExistence(false).start()
  try {
    Answer answer = new Answer(t, b)
    for (Map ask : (List<Map>) b.get('asks')) new Walk(answer).run(ask)
    Map<Object, Integer> numbers = new HashMap<>()
    Set<String> told = new HashSet<String>((List<String>) b.get('properties'))
    List v = answer.properties((Map) b.get('keys'), told, (List) b.getOrDefault('have', Collections.emptyList()), numbers)
    return [v: v, e: answer.numbered(numbers), f: Answer.numbered(answer.followed, numbers),
            t: Answer.numbered(answer.unfinished, numbers), left: answer.left]
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

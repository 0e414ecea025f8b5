// Reads what stands around some vertices, hop by hop, and says what was cut. Constant text; `b` is one JSON string:
//   k: request key, echoed
//   asks: [{ids: [vertex id], index: [[[key, value]]], reached: tag, hops: [[step]]}]
//     start at the ids, at what the index has under each conjunction, at what the asks before reached of a tag; every hop
//     is applied to the vertices that the hop before reached first, and to its own once more if the one before has STAY
//   a step is one of
//     [direction, labels, tags]  along edges; direction is OUT, IN or BOTH; labels are joined by +, * means all
//     ['NAMED', property, tags, [head, before, after, register]]  to the vertex that a property names: its id is the head
//       and the hash of what the property says (of a register the payload) between the other two
//     ['STAY', '', []]
//     tags are those of the ids that can take it; 'ds+x' and 'ds-x' only if the property x is there, or is not
//   short: rows of so many cells at most are read whole rather than a slice for each step; without it none are
//   each: most edges of one vertex, direction and label, of '*' ten times as many      all: most vertices
//   keys: {tag: [property]}, and properties: [property], what is told of a vertex
//   dated: labels whose edges carry a day
//   have: [vertex id], of which the asker knows the properties
// Nothing is followed twice for one ask. Vertices are numbered: first those of `have`, then those of `v` as they come.
// Rows: v: [[tag, [[[the key's values], {property: value}]]]]
//   e: [[label, [source, target, source, target, ...]]], with the day of each if dated
//   f: [[direction, labels, [number]]], what was followed to the end; t: the same, what was followed and cut
//   left: whether there was no room for a vertex to start at
// A vertex that is not there has no row. Every step is one batched read, all properties are one more.
import groovy.transform.CompileStatic
import groovy.transform.Field
import java.nio.charset.StandardCharsets
import java.util.concurrent.ConcurrentHashMap
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
import org.janusgraph.diskstorage.BackendTransaction
import org.janusgraph.diskstorage.Entry
import org.janusgraph.diskstorage.EntryList
import org.janusgraph.diskstorage.StaticBuffer
import org.janusgraph.diskstorage.keycolumnvalue.KeySliceQuery
import org.janusgraph.diskstorage.keycolumnvalue.SliceQuery
import org.janusgraph.graphdb.database.EdgeSerializer
import org.janusgraph.graphdb.database.StandardJanusGraph
import org.janusgraph.graphdb.database.idhandling.IDHandler
import org.janusgraph.graphdb.idmanagement.IDManager
import org.janusgraph.graphdb.internal.RelationCategory
import org.janusgraph.graphdb.relations.RelationCache
import org.janusgraph.graphdb.transaction.StandardJanusGraphTx

@Field static final ObjectMapper JSON = new ObjectMapper().enable(DeserializationFeature.USE_LONG_FOR_INTS)
@Field static final String META = 'meta:schema'

// BLAKE2b of 16 bytes, as in Python's hashlib: ids of vertices end with it.
@CompileStatic
class Hash {
  static final long[] START = '6a09e667f3bcc908 bb67ae8584caa73b 3c6ef372fe94f82b a54ff53a5f1d36f1 510e527fade682d1 9b05688c2b3e6c1f 1f83d9abfb41bd6b 5be0cd19137e2179'
    .split(' ').collect { Long.parseUnsignedLong((String) it, 16) } as long[]
  static final int[][] ORDER = '0123456789abcdef ea489fd61c02b753 b8c052fdae367194 7931dcbe265a40f8 905724afe1bc683d 2c6a0b834d75fe19 c51fed4a0763928b db7ec13950f4862a 6fe9b308c2d714a5 a2847615fb9e3cd0 0123456789abcdef ea489fd61c02b753'
    .split(' ').collect { row -> ((String) row).toList().collect { Integer.parseInt((String) it, 16) } as int[] } as int[][]
  static final String DIGITS = '0123456789abcdef'
  static final int MANY = 50000
  static final Map<String, String> KNOWN = new ConcurrentHashMap<>()

  static String of(String text) {
    String known = KNOWN.get(text)
    if (known != null) return known
    if (KNOWN.size() > MANY) KNOWN.clear()
    known = made(text)
    KNOWN.put(text, known)
    return known
  }

  static String made(String text) {
    byte[] data = text.getBytes(StandardCharsets.UTF_8)
    long[] h = (long[]) START.clone()
    h[0] = h[0] ^ 0x01010010L
    int at = 0
    while (data.length - at > 128) {
      mix(h, data, at, 128, (long) (at + 128), false)
      at += 128
    }
    mix(h, data, at, data.length - at, (long) data.length, true)
    StringBuilder hex = new StringBuilder(32)
    for (int i = 0; i < 16; i++) {
      int b = (int) ((h[i >> 3] >>> (8 * (i & 7))) & 255L)
      hex.append(DIGITS.charAt(b >> 4)).append(DIGITS.charAt(b & 15))
    }
    return hex.toString()
  }

  static void mix(long[] h, byte[] data, int at, int length, long count, boolean last) {
    long[] m = new long[16], v = new long[16]
    for (int i = 0; i < length; i++) m[i >> 3] = m[i >> 3] | ((((long) data[at + i]) & 255L) << (8 * (i & 7)))
    for (int i = 0; i < 8; i++) { v[i] = h[i]; v[i + 8] = START[i] }
    v[12] = v[12] ^ count
    if (last) v[14] = ~v[14]
    for (int r = 0; r < 12; r++) {
      int[] o = ORDER[r]
      for (int c = 0; c < 4; c++) part(v, c, 4 + c, 8 + c, 12 + c, m[o[2 * c]], m[o[2 * c + 1]])
      for (int c = 0; c < 4; c++) part(v, c, 4 + (c + 1) % 4, 8 + (c + 2) % 4, 12 + (c + 3) % 4, m[o[8 + 2 * c]], m[o[9 + 2 * c]])
    }
    for (int i = 0; i < 8; i++) h[i] = h[i] ^ v[i] ^ v[i + 8]
  }

  static void part(long[] v, int a, int b, int c, int d, long x, long y) {
    v[a] = v[a] + v[b] + x
    v[d] = Long.rotateRight(v[d] ^ v[a], 32)
    v[c] = v[c] + v[d]
    v[b] = Long.rotateRight(v[b] ^ v[c], 24)
    v[a] = v[a] + v[b] + y
    v[d] = Long.rotateRight(v[d] ^ v[a], 16)
    v[c] = v[c] + v[d]
    v[b] = Long.rotateRight(v[b] ^ v[c], 63)
  }
}

@CompileStatic
class Row {
  final Object[] key
  final Map<String, Object> stored = new HashMap<>()
  boolean there = false
  Row(int width) { key = new Object[width] }
}

// An edge's cell in a row.
@CompileStatic
class Cell {
  final String label
  final boolean leaves
  final Entry entry
  Cell(String label, boolean leaves, Entry entry) { this.label = label; this.leaves = leaves; this.entry = entry }
}

// Whole rows as the store has them: one slice each, and only what is asked for is decoded.
@CompileStatic
class Rows {
  final StandardJanusGraphTx t
  final int most
  final boolean together
  final EdgeSerializer serializer
  final IDManager ids
  final SliceQuery slice
  static final int PROPERTY = IDHandler.DirectionID.PROPERTY_DIR.ordinal(), OUT = IDHandler.DirectionID.EDGE_OUT_DIR.ordinal()
  final Map<Long, String> names = new HashMap<>()
  final Map<Object, List<Cell>> cells = new HashMap<>()  // null: longer than that

  Rows(StandardJanusGraph g, StandardJanusGraphTx t, int most) {
    this.t = t
    this.most = most
    serializer = t.getEdgeSerializer()
    ids = g.getIDManager()
    slice = serializer.getQuery(RelationCategory.RELATION, false).setLimit(most + 1)
    together = g.getBackend().getStoreFeatures().hasMultiQuery()
  }

  void read(Collection<Object> some, Answer answer) {
    List<Object> news = new ArrayList<>()
    List<StaticBuffer> keys = new ArrayList<>()
    for (Object id : some) if (!cells.containsKey(id)) { news.add(id); keys.add(ids.getKey(id)) }
    if (news.isEmpty()) return
    BackendTransaction store = t.getTxHandle()
    Map<StaticBuffer, EntryList> found = together ? store.edgeStoreMultiQuery(keys, slice) : null
    for (int i = 0; i < news.size(); i++) {
      EntryList row = together ? found.get(keys.get(i)) : store.edgeStoreQuery(new KeySliceQuery(keys.get(i), slice))
      cells.put(news.get(i), row != null && row.size() > most ? (List<Cell>) null : decoded(news.get(i), row, answer))
    }
  }

  List<Cell> decoded(Object id, EntryList entries, Answer answer) {
    List<Cell> edges = new ArrayList<>()
    List<String> keys = answer.keys.get(((String) id).substring(0, 2))
    Row row = new Row(keys == null ? 0 : keys.size())
    if (entries != null) for (Entry entry : entries) {
      IDHandler.RelationTypeParse type = IDHandler.readRelationType(entry.asReadBuffer())
      Long number = Long.valueOf(type.typeId)
      String name = names.get(number)
      if (name == null) { name = t.getExistingRelationType(type.typeId).name(); names.put(number, name) }
      int direction = type.dirID.ordinal()
      if (direction != PROPERTY) { edges.add(new Cell(name, direction == OUT, entry)); continue }
      row.there = true
      int place = keys == null ? -1 : keys.indexOf(name)
      if (place >= 0) row.key[place] = value(entry) else if (answer.told.contains(name)) row.stored.put(name, value(entry))
    }
    answer.rows.put(id, row)
    return edges
  }

  Object value(Entry entry) { return serializer.parseRelation(entry, true, t).getValue() }
}

@CompileStatic
class Answer {
  final StandardJanusGraphTx t
  final int each, all
  final Rows short_
  final Set<String> dated, told
  final Map<String, List<String>> keys
  final PropertyKey day
  final Map<Object, JanusGraphVertex> reached = new LinkedHashMap<>()
  final Map<Object, Row> rows = new HashMap<>()
  final Map<String, List> edges = new LinkedHashMap<>()
  final Map<String, List> followed = new LinkedHashMap<>(), unfinished = new LinkedHashMap<>()
  final Map<String, Set<Object>> finished = new HashMap<>()
  boolean left = false

  Answer(StandardJanusGraph g, StandardJanusGraphTx t, Map b) {
    this.t = t
    each = ((Number) b.get('each')).intValue()
    all = ((Number) b.get('all')).intValue()
    dated = new HashSet<String>((List<String>) b.get('dated'))
    told = new HashSet<String>((List<String>) b.get('properties'))
    keys = (Map) b.get('keys')
    day = t.getPropertyKey('last_seen_at')
    short_ = b.get('short') == null ? null : new Rows(g, t, ((Number) b.get('short')).intValue())
  }

  // The vertex may be left out: it is made when it is needed.
  boolean reach(Object id, JanusGraphVertex v) {
    if (reached.containsKey(id)) return true
    if (reached.size() >= all) return false
    reached.put(id, v)
    return true
  }

  List<JanusGraphVertex> vertices(Collection<Object> ids) {
    List<JanusGraphVertex> found = new ArrayList<>(ids.size())
    for (Object id : ids) found.add(reached.get(id) ?: (JanusGraphVertex) t.getVertex(id))
    return found
  }

  void edge(String label, Object source, Object target, Object on) {
    List rows = edges.get(label)
    if (rows == null) { rows = new ArrayList(); edges.put(label, rows) }
    rows.add(source)
    rows.add(target)
    if (dated.contains(label)) rows.add(on)
  }

  // Whether this ask is the first that takes the step from there: what another found is not told again.
  boolean first(String step, Object id) {
    Set<Object> ids = finished.get(step)
    if (ids == null) { ids = new HashSet<>(); finished.put(step, ids) }
    return ids.add(id)
  }

  void done(boolean whole, String step, Object id) {
    Map<String, List> steps = whole ? followed : unfinished
    List ids = steps.get(step)
    if (ids == null) { ids = new ArrayList(); steps.put(step, ids) }
    ids.add(id)
  }

  static String tag(Object id) { return ((String) id).substring(0, 2) }

  // Their properties are read, all at once.
  void look(Collection<Object> some) {
    List<Object> news = new ArrayList<>()
    for (Object id : some) if (!rows.containsKey(id) && keys.containsKey(tag(id))) news.add(id)
    if (short_ != null) {
      short_.read(news, this)
      news.removeAll(rows.keySet())
    }
    if (news.isEmpty()) return
    Map<JanusGraphVertex, Iterable<JanusGraphVertexProperty>> found = (Map) t.multiQuery(vertices(news)).properties()
    for (Map.Entry<JanusGraphVertex, Iterable<JanusGraphVertexProperty>> one : found.entrySet()) {
      List<String> names = keys.get(tag(one.key.id()))
      Row row = new Row(names.size())
      for (JanusGraphVertexProperty p : one.value) {
        String name = p.key()
        int place = names.indexOf(name)
        if (place >= 0) row.key[place] = p.value()
        else if (told.contains(name)) row.stored.put(name, p.value())
        row.there = true
      }
      rows.put(one.key.id(), row)
    }
  }

  // What the asker has not got, by tag; its number for every vertex.
  List properties(List have, Map<Object, Integer> numbers) {
    for (Object id : have) numbers.put(id, numbers.size())
    Map<String, List<Object>> news = new LinkedHashMap<>()
    List<Object> all_ = new ArrayList<>()
    for (Object id : reached.keySet()) {
      String tag = tag(id)
      if (!keys.containsKey(tag) || numbers.containsKey(id)) continue
      List<Object> some = news.get(tag)
      if (some == null) { some = new ArrayList<>(); news.put(tag, some) }
      some.add(id)
      all_.add(id)
    }
    look(all_)
    List groups = new ArrayList()
    for (Map.Entry<String, List<Object>> group : news.entrySet()) {
      List some = new ArrayList(group.value.size())
      for (Object id : group.value) {
        Row row = rows.get(id)
        if (row == null || !row.there) continue
        numbers.put(id, numbers.size())
        some.add([row.key, row.stored])
      }
      groups.add([group.key, some])
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
  static final ObjectMapper JSON = new ObjectMapper()
  final Answer answer
  final Set<Object> reached = new HashSet<>()
  final Map<String, Set<Object>> followed = new HashMap<>()

  Walk(Answer answer) { this.answer = answer }

  void run(Map ask) {
    List<Object> front = start(ask)
    for (List<List> hop : (List<List<List>>) ask.getOrDefault('hops', Collections.emptyList())) {
      if (front.isEmpty()) break
      List<Object> next = new ArrayList<>()
      for (List step : hop) {
        switch (step.get(0)) {
          case 'STAY': next.addAll(front); break
          case 'NAMED': named(front, step, next); break
          default: follow(front, step, next)
        }
      }
      front = next
    }
  }

  List<Object> start(Map ask) {
    List<Object> front = new ArrayList<>()
    for (Object id : (List) ask.getOrDefault('ids', Collections.emptyList())) begin(front, id, null)
    for (List<List> lookup : (List<List<List>>) ask.getOrDefault('index', Collections.emptyList())) {
      JanusGraphQuery query = answer.t.query()
      for (List has : lookup) query = query.has((String) has.get(0), has.get(1))
      for (Object v : query.limit(answer.all + 1).vertices()) begin(front, ((JanusGraphVertex) v).id(), (JanusGraphVertex) v)
    }
    Object tag = ask.get('reached')
    if (tag != null) {
      for (Object id : new ArrayList<Object>(answer.reached.keySet())) if (Answer.tag(id).equals(tag)) begin(front, id, null)
    }
    return front
  }

  void begin(List<Object> front, Object id, JanusGraphVertex v) {
    if (!answer.reach(id, v)) answer.left = true
    else if (reached.add(id)) front.add(id)
  }

  // Those of these that can take a step and have not taken it.
  List<Object> able(Collection<Object> front, List step) {
    String name = (String) step.get(0) + ' ' + (String) step.get(1)
    Set<Object> before = followed.get(name)
    if (before == null) { before = new HashSet<>(); followed.put(name, before) }
    List<Object> from = new ArrayList<>(front.size())
    List<String> tags = step.size() > 2 ? (List<String>) step.get(2) : null
    if (tags == null) { for (Object id : front) if (before.add(id)) from.add(id); return from }
    for (String form : tags) {
      String tag = form.substring(0, 2)
      List<Object> some = new ArrayList<>(front.size())
      for (Object id : front) if (Answer.tag(id).equals(tag) && !before.contains(id)) some.add(id)
      if (form.length() == 2) { for (Object id : some) if (before.add(id)) from.add(id); continue }
      answer.look(some)
      boolean has = form.charAt(2) == (char) '+'
      String property = form.substring(3)
      for (Object id : some) {
        Row row = answer.rows.get(id)
        if (row != null && row.there && row.stored.containsKey(property) == has && before.add(id)) from.add(id)
      }
    }
    return from
  }

  // Along one direction and some labels; the vertices that it reached first are added to `next`.
  void follow(Collection<Object> front, List step, List<Object> next) {
    List<Object> from = able(front, step)
    if (from.isEmpty()) return
    String direction = (String) step.get(0), label = (String) step.get(1), name = direction + ' ' + label
    String[] labels = label.split('\\+')
    int most = label == '*' ? answer.each * 10 : answer.each * labels.length
    if (answer.short_ != null) from = shortOnes(from, direction, label == '*' ? null : labels, most, name, next)
    if (from.isEmpty()) return
    JanusGraphMultiVertexQuery query = answer.t.multiQuery(answer.vertices(from)).direction(Direction.valueOf(direction)).limit(most + 1)
    Map<JanusGraphVertex, Iterable<JanusGraphEdge>> found = (Map) (label == '*' ? query : query.labels(labels)).edges()
    for (Map.Entry<JanusGraphVertex, Iterable<JanusGraphEdge>> one : found.entrySet()) {
      JanusGraphVertex v = one.key
      int n = 0
      boolean whole = true, news = answer.first(name, v.id())
      for (JanusGraphEdge e : one.value) {
        JanusGraphVertex other = (JanusGraphVertex) e.otherVertex(v)
        boolean leaves = direction == 'OUT' || (direction == 'BOTH' && e.outVertex() == v)
        whole = ++n <= most && reach(other.id(), other, next)
        if (!whole) break
        if (news) tell(v.id(), other.id(), e.label(), leaves, answer.dated.contains(e.label()) ? e.valueOrNull(answer.day) : null)
      }
      if (news) answer.done(whole, name, v.id())
    }
  }

  // The same for those whose rows are short; the others are given back.
  List<Object> shortOnes(List<Object> from, String direction, String[] labels, int most, String name, List<Object> next) {
    Rows rows = answer.short_
    rows.read(from, answer)
    List<Object> longer = new ArrayList<>()
    Set<String> wanted = labels == null ? null : new HashSet<String>(Arrays.asList(labels))
    boolean both = direction.equals('BOTH'), leaving = direction.equals('OUT')
    long day = ((Number) answer.day.id()).longValue()
    for (Object id : from) {
      List<Cell> cells = rows.cells.get(id)
      if (cells == null) { longer.add(id); continue }
      int n = 0
      boolean whole = true, news = answer.first(name, id)
      for (Cell c : cells) {
        if ((!both && c.leaves != leaving) || (wanted != null && !wanted.contains(c.label))) continue
        boolean dated = answer.dated.contains(c.label)
        RelationCache e = rows.serializer.parseRelation(c.entry, !dated, rows.t)
        Object on = dated ? e.get(day) : null
        whole = ++n <= most && reach(e.getOtherVertexId(), null, next)
        if (!whole) break
        if (news) tell(id, e.getOtherVertexId(), c.label, c.leaves, on)
      }
      if (news) answer.done(whole, name, id)
    }
    return longer
  }

  boolean reach(Object other, JanusGraphVertex v, List<Object> next) {
    if (!answer.reach(other, v)) return false
    if (reached.add(other)) next.add(other)
    return true
  }

  void tell(Object id, Object other, String label, boolean leaves, Object on) {
    answer.edge(label, leaves ? id : other, leaves ? other : id, on)
  }

  // To the vertices that a property names.
  void named(Collection<Object> front, List step, List<Object> next) {
    List<Object> from = able(front, step)
    if (from.isEmpty()) return
    answer.look(from)
    String property = (String) step.get(1)
    List form = (List) step.get(3)
    String name = 'NAMED ' + property, head = (String) form.get(0), before = (String) form.get(1), after = (String) form.get(2)
    boolean register = (boolean) form.get(3)
    for (Object id : from) {
      Row row = answer.rows.get(id)
      String said = row == null ? null : (String) row.stored.get(property)
      boolean whole = true
      if (said != null) {
        String text = register ? said.substring(said.indexOf('|') + 1) : JSON.writeValueAsString(said)
        Object other = head.concat(Hash.of(before.concat(text).concat(after)))
        whole = answer.reach(other, null)
        if (whole && reached.add(other)) next.add(other)
      }
      answer.done(whole, name, id)
    }
  }
}

@CompileStatic
static Map around(StandardJanusGraph g, Map b) {
  StandardJanusGraphTx t = (StandardJanusGraphTx) g.buildTransaction().readOnly().checkExternalVertexExistence(false).start()
  try {
    Answer answer = new Answer(g, t, b)
    for (Map ask : (List<Map>) b.get('asks')) new Walk(answer).run(ask)
    Map<Object, Integer> numbers = new HashMap<>()
    List v = answer.properties((List) b.getOrDefault('have', Collections.emptyList()), numbers)
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

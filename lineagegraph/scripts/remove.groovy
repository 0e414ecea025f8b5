// Removes edges, and vertices with all their edges: for `prune`. Constant text; `b` is one JSON string:
//   k: request key, echoed      g: the graph that is meant; another one is left untouched
//   edges: [[source, label, target]]      vertices: [id]
// What is not there is no error, so that a request may be repeated. Only for what nobody writes any more: a delete
// carries the wall clock and hides what is written later with an older commit time.
import groovy.transform.CompileStatic
import org.apache.tinkerpop.gremlin.structure.Direction
import org.apache.tinkerpop.gremlin.structure.Vertex
import org.apache.tinkerpop.shaded.jackson.databind.ObjectMapper
import org.janusgraph.core.JanusGraphEdge
import org.janusgraph.core.JanusGraphTransaction
import org.janusgraph.core.JanusGraphVertex
import org.janusgraph.core.JanusGraphVertexProperty
import org.janusgraph.graphdb.database.StandardJanusGraph

@CompileStatic
static Object graphId(StandardJanusGraph g) {
  JanusGraphTransaction t = g.buildTransaction().readOnly().checkExternalVertexExistence(false).start()
  try {
    JanusGraphVertex v = (JanusGraphVertex) t.getVertex('meta:schema')
    for (JanusGraphVertexProperty p : (Iterable<JanusGraphVertexProperty>) v.query().keys('graph_id').properties()) return p.value()
    return null
  } finally { t.rollback() }
}

// Each end is asked for the one edge, whether the other end is there or not.
@CompileStatic
static int edges(StandardJanusGraph g, List<List> wanted) {
  JanusGraphTransaction t = g.buildTransaction().checkExternalVertexExistence(false).start()
  int removed = 0
  try {
    for (List edge : wanted) {
      JanusGraphVertex from = (JanusGraphVertex) t.getVertex(edge.get(0)), to = (JanusGraphVertex) t.getVertex(edge.get(2))
      for (JanusGraphEdge e : (Iterable<JanusGraphEdge>) from.query().direction(Direction.OUT).labels((String) edge.get(1)).adjacent(to).edges()) {
        e.remove()
        removed++
      }
    }
    t.commit()
    return removed
  } finally { if (t.isOpen()) t.rollback() }
}

@CompileStatic
static int vertices(StandardJanusGraph g, List<Object> ids) {
  JanusGraphTransaction t = g.newTransaction()
  int removed = 0
  try {
    for (Object id : ids) {
      Iterator<Vertex> found = t.vertices(id)
      if (found.hasNext()) { found.next().remove(); removed++ }
    }
    t.commit()
    return removed
  } finally { if (t.isOpen()) t.rollback() }
}

@CompileStatic
static String run(StandardJanusGraph g, Map b) {
  Object id = graphId(g)
  int removed = id != null && id == b.get('g') ? edges(g, (List<List>) b.get('edges')) + vertices(g, (List<Object>) b.get('vertices')) : 0
  return new ObjectMapper().writeValueAsString([k: b.get('k'), g: id, removed: removed])
}

run((StandardJanusGraph) g.getGraph(), (Map) new ObjectMapper().readValue((String) b, Map.class))

// Removes vertices with their edges, whole or not. Constant text; `b` is one JSON string:
//   k: request key, echoed      ids: [vertex id]
// Only for what no program of ours writes: a delete hides what is written later with an older commit time.
import groovy.transform.CompileStatic
import org.apache.tinkerpop.shaded.jackson.databind.ObjectMapper
import org.janusgraph.core.JanusGraphTransaction
import org.janusgraph.graphdb.database.StandardJanusGraph

@CompileStatic
static String run(StandardJanusGraph g, Map b) {
  JanusGraphTransaction t = g.newTransaction()
  int dropped = 0
  try {
    for (Object id : (List) b.get('ids')) {
      Iterator found = t.vertices(id)
      if (found.hasNext()) { ((org.apache.tinkerpop.gremlin.structure.Vertex) found.next()).remove(); dropped++ }
    }
    t.commit()
  } finally { if (t.isOpen()) t.rollback() }
  return new ObjectMapper().writeValueAsString([k: b.get('k'), dropped: dropped])
}

run((StandardJanusGraph) g.getGraph(), (Map) new ObjectMapper().readValue((String) b, Map.class))

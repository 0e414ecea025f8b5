// Says what time it is where the server runs. Constant text; `b` is one JSON string: k: request key, echoed
import org.apache.tinkerpop.shaded.jackson.databind.ObjectMapper

new ObjectMapper().writeValueAsString([k: new ObjectMapper().readValue((String) b, Map.class).get('k'), now: System.currentTimeMillis()])

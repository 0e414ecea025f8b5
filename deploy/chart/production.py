"""The servers' configuration for production: that of the local stack, which is tested, with what differs named here.

The values in double braces are the chart's.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from deploy.compose import CONF
from deploy.local.config import template, with_values

JANUSGRAPH = Path(__file__).parents[1] / "helm" / "files" / "janusgraph"
NOTE = "# Made by `python -m deploy.chart` from deploy/local/conf; do not edit.\n"
_CASSANDRA = ".Values.janusgraph.cassandra"
GRAPH: Mapping[str, str | None] = {
    "storage.hostname": f'{{{{ join "," {_CASSANDRA}.hosts }}}}',
    "storage.port": f"{{{{ {_CASSANDRA}.port }}}}",
    "storage.cql.keyspace": f"{{{{ {_CASSANDRA}.keyspace }}}}",
    "storage.cql.local-datacenter": f"{{{{ {_CASSANDRA}.localDatacenter }}}}",
    "storage.cql.replication-factor": f"{{{{ {_CASSANDRA}.replicationFactor }}}}",
    # Two of three copies of this data center answer: what was written is read, and one node may be away.
    "storage.cql.read-consistency-level": "LOCAL_QUORUM",
    "storage.cql.write-consistency-level": "LOCAL_QUORUM",
    "graph.unique-instance-id": None,
}
GRAPH_MORE = f"""\
storage.cql.replication-strategy-class=NetworkTopologyStrategy
storage.cql.replication-strategy-options={{{{ {_CASSANDRA}.localDatacenter }}}},{{{{ {_CASSANDRA}.replicationFactor }}}}
# A new table is known to all nodes only after a moment.
storage.cql.init-wait-time=1000
# Writes repeat what is there (blind upserts): leveled compaction keeps one row in few files.
storage.cql.compaction-strategy-class=LeveledCompactionStrategy
# Each server has the name of its pod; the next one of that name takes its place over.
graph.use-hostname-for-unique-instance-id=true
# Another server's writes must be seen at once; Cassandra and the page cache remember what is asked often.
cache.db-cache=false
"""
SERVER: Mapping[str, str] = {
    "host": "0.0.0.0",  # noqa: S104  (all of the pod's; a NetworkPolicy says who comes in)
    "graphs": "{graph: /tmp/janusgraph.properties}",
}


def files() -> dict[str, str]:
    """By name: what a pod of the chart finds, before the chart's values are filled in."""
    server = with_values(template("janusgraph-server.yaml"), SERVER).replace("conf/", "/tmp/")  # noqa: S108  (the pod's own)
    graph = with_values(template("janusgraph-cassandra.properties"), GRAPH) + GRAPH_MORE
    graph = graph.replace(
        "# A killed server leaves its registration behind; the next one of the same id takes it over.\n", ""
    )
    return {
        "janusgraph.properties": _noted(graph),
        "janusgraph-server.yaml": _noted(server),
        "janusgraph-init.groovy": template("janusgraph-init.groovy"),
        "janusgraph-ready.sh": (CONF / "janusgraph-ready.sh").read_text("utf-8"),
    }


def _noted(text: str) -> str:
    first, _, rest = text.partition("\n")
    return f"{first.split('. The local stack')[0].rstrip('.')}.\n{NOTE}{rest}"

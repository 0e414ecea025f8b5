"""Alerts about JanusGraph and Cassandra."""

from __future__ import annotations

from deploy.monitoring.alert import Alert

GRAPH = (
    Alert(
        "LineageGraphOutage",
        "max(lineage_graph_outage) > 0\n",
        "2m",
        "critical",
        "The graph is away: consumers hold, commit nothing and bury nothing.",
        "Mend JanusGraph or Cassandra; the consumers go on by themselves and lose nothing while Kafka keeps the "
        "events. Do "
        "not restart or scale them. `lineagegraph check` says which part does not answer.",
    ),
    Alert(
        "LineageGraphConnectionErrors",
        'sum(rate(lineage_graph_errors_total{kind="unavailable"}[5m])) > 0\n'
        'or sum(rate(janusgraph_queries_total{result="unavailable"}[5m])) > 0\n',
        "5m",
        "warning",
        "Requests to JanusGraph fail.",
        "Is it up (`kubectl get pods -l app.kubernetes.io/component=janusgraph`), is its port reached "
        "(`lineagegraph check`), does Cassandra answer it? JanusGraph finds a restarted Cassandra again after a "
        "minute or "
        "two.",
    ),
    Alert(
        "LineageGraphHeartbeatsLate",
        'sum(increase(lineage_graph_errors_total{kind="late"}[15m])) > 3\n',
        "",
        "warning",
        "The graph answers, but too slowly to prove that it did not restart.",
        "Every late heartbeat costs a return to the committed offsets. Look at garbage collections of JanusGraph and "
        "Cassandra, at pending compactions and at the disks.",
    ),
    Alert(
        "LineageQueriesSlow",
        "histogram_quantile(0.95, sum by (le) (rate(janusgraph_query_duration_ms_bucket[5m]))) > 500\n",
        "10m",
        "warning",
        "One in twenty questions to the graph takes longer than half a second.",
        "`janusgraph_query_duration_ms` by script tells which; then Cassandra's read latency: a node that "
        "compacts, or data "
        "that no longer fits into its page cache. Lower the depth of what is asked "
        "([slow questions](operating.md)).",
    ),
    Alert(
        "LineageCassandraNodeDown",
        '(max(cassandra_endpoints_down) > 0) or (count(up{job=~".*cassandra.*"} == 0) > 0)\n',
        "1m",
        "critical",
        "A node of Cassandra is down.",
        "With three replicas and LOCAL_QUORUM everything goes on; a second node that shares data with it would "
        "stop reads and "
        "writes. Bring it back within `max_hint_window` (three hours), or repair it afterwards.",
    ),
    Alert(
        "LineageCassandraUnavailable",
        "sum(increase(cassandra_unavailables_total[5m])) > 0\n",
        "",
        "critical",
        "Cassandra has too few live replicas for some requests.",
        "Two of three replicas of some data are down. Consumers hold until one is back.",
    ),
    Alert(
        "LineageCassandraReadsSlow",
        'max(cassandra_read_latency_ms{quantile="0.95"}) > 100\n',
        "15m",
        "warning",
        "One in twenty reads of Cassandra takes longer than a tenth of a second.",
        "Pending compactions, disks, garbage collections (`nodetool tpstats`, `nodetool tablehistograms`).",
    ),
    Alert(
        "LineageCassandraCompactionsPending",
        "max by (instance) (cassandra_compactions_pending) > 100\n",
        "30m",
        "warning",
        "{{ $labels.instance }}: compactions fall behind.",
        "Reads get slower and the disk fuller. Raise `compaction_throughput`, or add a node.",
    ),
)

"""The two dashboards."""

from __future__ import annotations

from deploy.monitoring.dashboard import Dashboard, Panel

_LAG = "max by (topic, partition) (lineage_consumer_lag_records)"


def _quantiles(metric: str, by: str = "") -> dict[str, str]:
    labels = f"le, {by}" if by else "le"
    legend = f" {{{{{by}}}}}" if by else ""
    return {
        f"P{share}{legend}": f"histogram_quantile(0.{share}, sum by ({labels}) (rate({metric}_bucket[5m])))"
        for share in (50, 95, 99)
    }


GRAPH = Dashboard(
    "lineage-graph",
    "Lineage Graph Performance",
    {
        "Now": (
            Panel("Graph away", {"": "max(lineage_graph_outage)"}, kind="stat", bad_above=0.5),
            Panel(
                "P95 of questions",
                {"": "histogram_quantile(0.95, sum by (le) (rate(janusgraph_query_duration_ms_bucket[5m])))"},
                "ms",
                "stat",
                500,
            ),
            Panel("Cassandra nodes down", {"": "max(cassandra_endpoints_down)"}, kind="stat", bad_above=0.5),
            Panel(
                "Cassandra read P95",
                {"": 'max(cassandra_read_latency_ms{quantile="0.95"})'},
                "ms",
                "stat",
                100,
            ),
        ),
        "Questions": (
            Panel("Duration", _quantiles("janusgraph_query_duration_ms"), "ms"),
            Panel(
                "P95 by script",
                {
                    "{{script}}": "histogram_quantile(0.95, "
                    "sum by (le, script) (rate(janusgraph_query_duration_ms_bucket[5m])))"
                },
                "ms",
            ),
            Panel("Rate by result", {"{{result}}": "sum by (result) (rate(janusgraph_queries_total[5m]))"}, "reqps"),
        ),
        "Writes": (
            Panel(
                "Batch into the graph",
                {
                    f"P{share}": f"histogram_quantile(0.{share}, "
                    'sum by (le) (rate(lineage_processing_seconds_bucket{stage="write"}[5m])))'
                    for share in (50, 95, 99)
                },
                "s",
            ),
            Panel("Elements", {"{{result}}": "sum by (result) (rate(lineage_graph_elements_total[5m]))"}),
            Panel("Failed requests", {"{{kind}}": "sum by (kind) (rate(lineage_graph_errors_total[5m]))"}),
            Panel("Breaker", {"{{instance}}": "lineage_breaker_state"}),
        ),
        "Cassandra": (
            Panel("Reads", {"P{{quantile}}": "max by (quantile) (cassandra_read_latency_ms)"}, "ms"),
            Panel("Writes", {"P{{quantile}}": "max by (quantile) (cassandra_write_latency_ms)"}, "ms"),
            Panel("Requests", {"{{kind}}": "sum by (kind) (rate(cassandra_requests_total[5m]))"}, "reqps"),
            Panel(
                "Unanswered",
                {
                    "unavailable {{kind}}": "sum by (kind) (rate(cassandra_unavailables_total[5m]))",
                    "timeout {{kind}}": "sum by (kind) (rate(cassandra_timeouts_total[5m]))",
                },
            ),
        ),
        "Cassandra's disks": (
            Panel("Compactions due", {"{{instance}}": "cassandra_compactions_pending"}),
            Panel("Bytes on disk", {"{{instance}}": "cassandra_load_bytes"}, "bytes"),
        ),
    },
)

INGESTION = Dashboard(
    "lineage-ingestion",
    "Lineage Ingestion",
    {
        "Now": (
            Panel("Consumers", {"": "count(lineage_build_info)"}, kind="stat"),
            Panel("Records waiting", {"": f"sum({_LAG})"}, kind="stat"),
            Panel("Oldest waits", {"": "max(lineage_consumer_lag_seconds)"}, "s", "stat", 900),
            Panel(
                "Halted partitions",
                {"": "sum(max by (topic, partition) (lineage_partition_halted))"},
                "short",
                "stat",
                0.5,
            ),
            Panel("Accounting mismatch", {"": "sum(abs(lineage_accounting_mismatch_records))"}, "short", "stat", 0.5),
        ),
        "Events": (
            Panel("Received", {"{{topic}}": "sum by (topic) (rate(lineage_records_received_total[5m]))"}, "reqps"),
            Panel("What became of them", {"{{result}}": "sum by (result) (rate(lineage_records_total[5m]))"}, "reqps"),
            Panel("Skipped", {"{{reason}}": "sum by (reason) (rate(lineage_skipped_total[5m]))"}, "reqps"),
            Panel(
                "Bad facets", {"{{facet}}": "topk(10, sum by (facet) (rate(lineage_bad_facets_total[5m])))"}, "reqps"
            ),
        ),
        "Lag": (
            Panel("Records", {"{{topic}}-{{partition}}": _LAG}),
            Panel(
                "Seconds", {"{{topic}}-{{partition}}": "max by (topic, partition) (lineage_consumer_lag_seconds)"}, "s"
            ),
            Panel("Since the last commit", {"{{instance}}": "time() - lineage_last_commit_timestamp_seconds"}, "s"),
        ),
        "Dead letters": (
            Panel("Rate by class", {"{{reason}}": "sum by (reason) (rate(lineage_dead_letters_total[5m]))"}, "reqps"),
            Panel("Backlog", {"{{reason}} {{state}}": "sum by (reason, state) (lineage_dead_letter_backlog)"}),
            Panel("Replayed", {"{{result}}": "sum by (result) (rate(lineage_replayed_total[5m]))"}, "reqps"),
            Panel("Cannot be buried", {"": "sum(rate(lineage_dead_letter_failures_total[5m]))"}),
        ),
        "Consumers": (
            Panel(
                "P95 by stage",
                {
                    "{{stage}}": "histogram_quantile(0.95, "
                    "sum by (le, stage) (rate(lineage_processing_seconds_bucket[5m])))"
                },
                "s",
            ),
            Panel("Held bytes", {"{{instance}}": "lineage_in_flight_bytes"}, "bytes"),
            Panel("Records in flight", {"{{instance}}": "sum by (instance) (lineage_records_in_flight)"}),
            Panel("Partitions", {"{{instance}}": "lineage_assigned_partitions"}),
        ),
        "Kafka": (
            Panel("Commits", {"{{result}}": "sum by (result) (rate(lineage_commits_total[5m]))"}),
            Panel("Rebalances", {"{{instance}}": "increase(lineage_rebalances_total[15m])"}),
            Panel(
                "Failed reads",
                {"{{topic}}-{{partition}}": "sum by (topic, partition) (rate(lineage_fetch_errors_total[5m]))"},
            ),
            Panel(
                "Mishaps",
                {
                    "rebuilt {{reason}}": "sum by (reason) (increase(lineage_consumer_rebuilds_total[15m]))",
                    "start chosen {{reason}}": "sum by (reason) (increase(lineage_offset_resets_total[15m]))",
                    "salvaged {{result}}": "sum by (result) (increase(lineage_salvaged_records_total[15m]))",
                    "rewinds": "sum(increase(lineage_rewinds_total[15m]))",
                },
            ),
        ),
        "Producers": (
            Panel(
                "Since the last event",
                {"{{namespace}}": "time() - max by (namespace) (lineage_producer_last_event_timestamp_seconds)"},
                "s",
            ),
        ),
    },
)
DASHBOARDS = (GRAPH, INGESTION)

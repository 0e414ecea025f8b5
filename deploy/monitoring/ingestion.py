"""Alerts about the way from Kafka into the graph."""

from __future__ import annotations

from deploy.monitoring.alert import Alert

_AWAY = "max(lineage_graph_outage) > 0"


def _each(metric: str) -> str:
    """Of each partition, whoever tells it: for a moment after a rebalance two members may."""
    return f"max by (topic, partition) ({metric})"


_LAG = "lineage_consumer_lag_records"
_COMMITTED = "lineage_committed_offset"

INGESTION = (
    Alert(
        "LineageNoConsumer",
        "absent(lineage_assigned_partitions)",
        "5m",
        "critical",
        "No consumer is running.",
        "Nobody reads; nothing is lost as long as Kafka keeps the events. Look at the pods (`kubectl get pods`, "
        "`kubectl logs --previous`): a consumer that refuses to start says in its last line what to do. "
        "If they run, Prometheus does not reach their `/metrics`.",
    ),
    Alert(
        "LineageStalled",
        f"{_each(_LAG)} > 0\n"
        f"and {_each(_COMMITTED)} <= {_each(_COMMITTED + ' offset 10m')}\n"
        f"unless {_each('lineage_partition_halted')} > 0\n"
        f"unless on () ({_AWAY})\n",
        "5m",
        "critical",
        "{{ $labels.topic }}-{{ $labels.partition }} has records to read, and nothing was committed for a "
        "quarter of an hour.",
        "Ask the consumers: `/readyz` and `/status` name the stage that stands still (burying: the dead-letter "
        "topic does "
        "not take letters; reading: Kafka gives no records). `lineagegraph check` tries every part. A restart is "
        "safe at "
        "any time.",
    ),
    Alert(
        "LineageLagGrowing",
        f"sum by (topic) ({_each(_LAG)}) > 1000\n"
        f"and sum by (topic) ({_each(_LAG)}) > 1.1 * sum by (topic) ({_each(_LAG + ' offset 30m')})\n",
        "15m",
        "warning",
        "{{ $labels.topic }}: more records wait than half an hour ago.",
        "More comes than is written. Look at what bounds it: if `lineage_graph_outage` or P95 of stage `write` "
        "is up, the "
        "graph does (more consumers would make it worse); else add consumers, at most one for each partition "
        "([scaling](scaling.md)).",
    ),
    Alert(
        "LineageEventsLate",
        "max by (topic) (lineage_consumer_lag_seconds) > 900\n",
        "10m",
        "warning",
        "{{ $labels.topic }}: the oldest event that is not in the graph waits for more than a quarter of an hour.",
        "What people ask is that much out of date. The cause has an alert of its own if it is an outage or a halted "
        "partition; otherwise see LineageLagGrowing.",
    ),
    Alert(
        "LineageAccountingMismatch",
        "max by (instance) (abs(lineage_accounting_mismatch_records)) > 0\n",
        "5m",
        "critical",
        "{{ $labels.instance }}: records ended twice, or nobody knows how.",
        "A bug of ours: received, written, dead and skipped do not add up. Keep the log and `/status` of that "
        "consumer, "
        "restart it (what was not committed is read again), and report it.",
    ),
    Alert(
        "LineageCommitsFail",
        'sum(rate(lineage_commits_total{result="failed"}[10m])) > '
        'sum(rate(lineage_commits_total{result="done"}[10m]))\n',
        "10m",
        "warning",
        "More commits of offsets fail than succeed.",
        "Kafka's coordinator does not answer, or the group rebalances all the time (see LineageRebalancing). "
        "Nothing is "
        "lost: what is not committed is read again.",
    ),
    Alert(
        "LineageRebalancing",
        "sum(increase(lineage_rebalances_total[30m])) > 10 * count(lineage_build_info)\n",
        "",
        "warning",
        "Consumers get new assignments all the time.",
        "Members come and go, or are thrown out for silence. Look for restarts (memory limit, liveness) and at "
        "`LINEAGE_SESSION_SECONDS`; with autoscaling, lengthen its cool-down. A StatefulSet with static membership "
        "(`consumer.kind: StatefulSet`) keeps assignments over restarts.",
    ),
    Alert(
        "LineageConsumerRebuilt",
        "sum by (reason) (increase(lineage_consumer_rebuilds_total[1h])) > 3\n",
        "",
        "warning",
        "Kafka's client had to be replaced several times in an hour ({{ $labels.reason }}).",
        "The consumer mends this itself. Often it is the network between it and the brokers, or brokers that restart.",
    ),
    Alert(
        "LineageFetchErrors",
        "sum by (topic, partition) (rate(lineage_fetch_errors_total[5m])) > 0\n",
        "10m",
        "warning",
        "{{ $labels.topic }}-{{ $labels.partition }} cannot be read.",
        "The consumer's log has the broker's answer: rights (the group and its topics need Read and Describe), a "
        "leader "
        "that is missing, or offsets that Kafka has deleted (`LINEAGE_OFFSET_OUT_OF_RANGE`).",
    ),
    Alert(
        "LineageOffsetsSkipped",
        'sum(increase(lineage_offset_resets_total{reason="out_of_range"}[1h])) > 0\n',
        "",
        "critical",
        "Kafka had deleted events before they were read.",
        "Retention was shorter than the outage or the backlog. What is missing can only come from its producers; raise "
        "the topic's retention above the longest outage you mean to survive.",
    ),
    Alert(
        "LineageTopicSilent",
        "sum by (topic) (increase(lineage_records_received_total[1h])) == 0\n"
        "and sum by (topic) (increase(lineage_records_received_total[1d])) > 100\n",
        "30m",
        "warning",
        "{{ $labels.topic }}: no event for an hour, where there were many within the day.",
        "All producers of the topic are silent, or send elsewhere. Send one event with `lineagegraph publish` to "
        "see that "
        "the way is open.",
    ),
    Alert(
        "LineageProducerSilent",
        "max by (namespace) (lineage_producer_last_event_timestamp_seconds) < time() - 86400\n",
        "",
        "warning",
        "No event of jobs in {{ $labels.namespace }} for a day.",
        "Ask the team: a job that no longer runs, an agent that was switched off by an upgrade, or a topic that was "
        "renamed. It goes away with the next event, or when the consumers restart.",
    ),
)

"""For every alert: series at which it fires, and series, as near as can be, at which it stays quiet.

Series are written as promtool does: `a+bxn` counts up by b for n steps, `axn` stays.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

Series = Mapping[str, str]
P = 'topic="t",partition="0"'


@dataclass(frozen=True, slots=True)
class Case:
    """The series, the minute to look at, and the labels with which the alert fires."""

    fires: Series
    quiet: Series
    at: int  # minutes
    labels: Mapping[str, str] = field(default_factory=dict)
    step: int = 1  # minutes


PLACE = {"topic": "t", "partition": "0"}
TOPIC = {"topic": "t"}
BEHIND = {f"lineage_consumer_lag_records{{{P}}}": "50x60"}
STILL = {f"lineage_committed_offset{{{P}}}": "7x60"}
QUERIES = 'janusgraph_query_duration_ms_bucket{script="around",le="%s"}'

CASES: Mapping[str, Case] = {
    "LineageNoConsumer": Case({"up": "1x60"}, {"lineage_assigned_partitions": "0x60"}, 10),
    "LineageStalled": Case(
        {**BEHIND, **STILL, "lineage_graph_outage": "0x60"},
        {**BEHIND, f"lineage_committed_offset{{{P}}}": "7+1x60"},
        20,
        PLACE,
    ),
    "LineageLagGrowing": Case(
        {f"lineage_consumer_lag_records{{{P}}}": "2000+100x120"},
        {f"lineage_consumer_lag_records{{{P}}}": "9000-60x120"},
        60,
        TOPIC,
    ),
    "LineageEventsLate": Case(
        {f"lineage_consumer_lag_seconds{{{P}}}": "0+60x60"},
        {f"lineage_consumer_lag_seconds{{{P}}}": "600x60"},
        30,
        TOPIC,
    ),
    "LineageAccountingMismatch": Case(
        {'lineage_accounting_mismatch_records{instance="a"}': "0x5 -1x60"},
        {'lineage_accounting_mismatch_records{instance="a"}': "0x5 1x2 0x60"},
        15,
        {"instance": "a"},
    ),
    "LineageCommitsFail": Case(
        {'lineage_commits_total{result="failed"}': "0+9x60", 'lineage_commits_total{result="done"}': "0+1x60"},
        {'lineage_commits_total{result="failed"}': "0+1x60", 'lineage_commits_total{result="done"}': "0+9x60"},
        30,
    ),
    "LineageRebalancing": Case(
        {"lineage_rebalances_total": "0+1x60", "lineage_build_info": "1x60"},
        {"lineage_rebalances_total": "0x20 3x40", "lineage_build_info": "1x60"},
        40,
    ),
    "LineageConsumerRebuilt": Case(
        {'lineage_consumer_rebuilds_total{reason="silent"}': "0x10 1x5 2x5 3x5 5x60"},
        {'lineage_consumer_rebuilds_total{reason="silent"}': "0x10 2x60"},
        50,
        {"reason": "silent"},
    ),
    "LineageFetchErrors": Case(
        {f"lineage_fetch_errors_total{{{P}}}": "0+1x60"}, {f"lineage_fetch_errors_total{{{P}}}": "0x10 1x50"}, 20, PLACE
    ),
    "LineageOffsetsSkipped": Case(
        {'lineage_offset_resets_total{reason="out_of_range"}': "0x10 1x50"},
        {'lineage_offset_resets_total{reason="start_earliest"}': "0x10 6x50"},
        20,
    ),
    "LineageTopicSilent": Case(
        {f"lineage_records_received_total{{{P}}}": "0+150x4 600x8"},
        {f"lineage_records_received_total{{{P}}}": "0+150x12"},
        300,
        TOPIC,
        30,
    ),
    "LineageProducerSilent": Case(
        {'lineage_producer_last_event_timestamp_seconds{namespace="spark"}': "60x60"},
        {
            'lineage_producer_last_event_timestamp_seconds{namespace="spark",instance="a"}': "60x60",
            'lineage_producer_last_event_timestamp_seconds{namespace="spark",instance="b"}': "80000x60",
        },
        1500,
        {"namespace": "spark"},
        30,
    ),
    "LineageGraphOutage": Case({"lineage_graph_outage": "0x5 1x50"}, {"lineage_graph_outage": "0x5 1x1 0x50"}, 10),
    "LineageGraphConnectionErrors": Case(
        {'janusgraph_queries_total{result="unavailable",script="around"}': "0+1x60"},
        {
            'janusgraph_queries_total{result="done",script="around"}': "0+9x60",
            'lineage_graph_errors_total{kind="rejected"}': "0+1x60",
        },
        20,
    ),
    "LineageGraphHeartbeatsLate": Case(
        {'lineage_graph_errors_total{kind="late"}': "0x10 1+1x50"},
        {'lineage_graph_errors_total{kind="late"}': "0x10 1x50"},
        20,
    ),
    "LineageQueriesSlow": Case(
        {QUERIES % "500": "0+90x60", QUERIES % "1000": "0+100x60", QUERIES % "+Inf": "0+100x60"},
        {QUERIES % "500": "0+96x60", QUERIES % "1000": "0+100x60", QUERIES % "+Inf": "0+100x60"},
        30,
    ),
    "LineageCassandraNodeDown": Case(
        {'cassandra_endpoints_down{instance="a"}': "0x5 1x50", 'up{job="lineage-cassandra",instance="a"}': "1x60"},
        {'cassandra_endpoints_down{instance="a"}': "0x60", 'up{job="other",instance="a"}': "0x60"},
        10,
    ),
    "LineageCassandraUnavailable": Case(
        {'cassandra_unavailables_total{kind="Read"}': "0x5 3x50"},
        {'cassandra_unavailables_total{kind="Read"}': "3x60"},
        8,
    ),
    "LineageCassandraReadsSlow": Case(
        {'cassandra_read_latency_ms{quantile="0.95"}': "150x60"},
        {
            'cassandra_read_latency_ms{quantile="0.95"}': "50x60",
            'cassandra_read_latency_ms{quantile="0.999"}': "150x60",
        },
        30,
    ),
    "LineageCassandraCompactionsPending": Case(
        {'cassandra_compactions_pending{instance="a"}': "500x60"},
        {'cassandra_compactions_pending{instance="a"}': "500x20 3x60"},
        50,
        {"instance": "a"},
    ),
    "LineageDeadLetterRate": Case(
        {'lineage_dead_letters_total{reason="names"}': "0+10x60", f"lineage_records_received_total{{{P}}}": "0+100x60"},
        {'lineage_dead_letters_total{reason="names"}': "0+1x60", f"lineage_records_received_total{{{P}}}": "0+100x60"},
        25,
    ),
    "LineageDeadLetterNewClass": Case(
        {'lineage_dead_letter_new_classes{topic="t"}': "0x10 1x50"},
        {'lineage_dead_letter_new_classes{topic="t"}': "0x60"},
        15,
        TOPIC,
    ),
    "LineageDeadLetterNewCause": Case(
        {'lineage_dead_letter_new_fingerprints{topic="t"}': "0x10 2x50"},
        {'lineage_dead_letter_new_fingerprints{topic="t"}': "0x60"},
        15,
        TOPIC,
    ),
    "LineagePartitionHalted": Case(
        {f"lineage_partition_halted{{{P}}}": "0x10 1x50"}, {f"lineage_partition_halted{{{P}}}": "0x60"}, 15, PLACE
    ),
    "LineageDeadLetterBacklog": Case(
        {'lineage_dead_letter_oldest_open_timestamp_seconds{topic="t"}': "1x70"},
        {'lineage_dead_letter_oldest_open_timestamp_seconds{topic="t"}': "0x70"},
        1800,
        TOPIC,
        30,
    ),
    "LineageDeadLetterNumbersStale": Case(
        {'lineage_dead_letter_numbers_timestamp_seconds{topic="t"}': "1x60"},
        {'lineage_dead_letter_numbers_timestamp_seconds{topic="t"}': "0+60x60"},
        20,
        TOPIC,
    ),
    "LineageDeadLettersCannotBeBuried": Case(
        {"lineage_dead_letter_failures_total": "0+1x60"}, {"lineage_dead_letter_failures_total": "0x10 2x50"}, 25
    ),
}

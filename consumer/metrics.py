"""Every metric, in one table: what is not listed here cannot be counted, and docs/metrics.md is made of it.

Per partition: received = written + dead + skipped + given up + still in flight.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Literal

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

Kind = Literal["counter", "gauge", "histogram"]
_PLACE = ("topic", "partition")


@dataclass(frozen=True, slots=True)
class Metric:
    """One metric: its name, kind, meaning and labels."""

    name: str
    kind: Kind
    help: str
    labels: tuple[str, ...] = ()


METRICS: dict[str, Metric] = {
    row.name: row
    for row in (
        Metric("lineage_build_info", "gauge", "Always 1; the version of the program.", ("version",)),
        Metric("lineage_records_received_total", "counter", "Records read from Kafka.", _PLACE),
        Metric(
            "lineage_records_total",
            "counter",
            "What became of records: written (in the graph), dead (acknowledged by the dead-letter topic), skipped "
            "(on purpose), given_up (left to be read again after an outage or a rebalance).",
            (*_PLACE, "result"),
        ),
        Metric("lineage_records_in_flight", "gauge", "Records that were received and have not ended.", _PLACE),
        Metric("lineage_in_flight_bytes", "gauge", "Bytes of the records that are held."),
        Metric(
            "lineage_accounting_mismatch_records",
            "gauge",
            "Records whose end nobody knows or that ended twice. Anything but 0 is a bug.",
        ),
        Metric("lineage_skipped_total", "counter", "Records passed over on purpose, by reason.", ("reason",)),
        Metric("lineage_dead_letters_total", "counter", "Dead letters acknowledged, by reason.", ("reason",)),
        Metric(
            "lineage_replayed_total",
            "counter",
            "Replayed dead letters that ended: resolved (in the graph, or skipped on purpose), failed (buried again).",
            ("result",),
        ),
        Metric(
            "lineage_bad_facets_total", "counter", "Facets that could not be read and cost only themselves.", ("facet",)
        ),
        Metric(
            "lineage_dead_letter_backlog",
            "gauge",
            "Dead letters by class and by what became of them; told by `lineagegraph dlq stats --listen`.",
            ("topic", "reason", "state"),
        ),
        Metric(
            "lineage_dead_letter_oldest_open_timestamp_seconds",
            "gauge",
            "When the oldest open letter failed first; 0 if none is open. From there too.",
            ("topic",),
        ),
        Metric(
            "lineage_dead_letter_new_classes",
            "gauge",
            "Classes of which no letter is older than an hour. From there too.",
            ("topic",),
        ),
        Metric(
            "lineage_dead_letter_new_fingerprints",
            "gauge",
            "Causes of which no letter is older than an hour. From there too.",
            ("topic",),
        ),
        Metric(
            "lineage_dead_letter_numbers_timestamp_seconds",
            "gauge",
            "When these numbers were last brought up to date. From there too.",
            ("topic",),
        ),
        Metric("lineage_dead_letter_failures_total", "counter", "Failed attempts to send dead letters."),
        Metric(
            "lineage_processing_seconds", "histogram", "Time of a batch in one stage: read, write, bury.", ("stage",)
        ),
        Metric(
            "lineage_graph_elements_total", "counter", "Vertices and edges: sent, or suppressed as known.", ("result",)
        ),
        Metric(
            "lineage_graph_errors_total", "counter", "Failed graph requests: unavailable, rejected, late.", ("kind",)
        ),
        Metric("lineage_graph_outage", "gauge", "1 while the graph is away and the consumer holds."),
        Metric(
            "lineage_breaker_state",
            "gauge",
            "0: the graph is written to; 1: it answers again and one batch is tried; 2: it is away and is only probed.",
        ),
        Metric("lineage_heartbeats_total", "counter", "Heartbeats through the graph's store that were answered."),
        Metric("lineage_rewinds_total", "counter", "Returns to the committed offsets after an outage."),
        Metric("lineage_commits_total", "counter", "Commits of offsets: done or failed.", ("result",)),
        Metric("lineage_committed_offset", "gauge", "The committed offset.", _PLACE),
        Metric("lineage_last_commit_timestamp_seconds", "gauge", "When offsets were last committed."),
        Metric("lineage_rebalances_total", "counter", "Assignments received."),
        Metric("lineage_assigned_partitions", "gauge", "Partitions assigned to this member."),
        Metric("lineage_offset_resets_total", "counter", "Partitions whose start was chosen by policy.", ("reason",)),
        Metric("lineage_fetch_errors_total", "counter", "Failed reads of a partition.", _PLACE),
        Metric(
            "lineage_salvaged_records_total",
            "counter",
            "Records of batches that could not be read as a whole: sound (go on as ever) or broken (dead letters).",
            ("result",),
        ),
        Metric(
            "lineage_consumer_rebuilds_total",
            "counter",
            "New Kafka consumers in the place of one that stopped fetching, coordinating, or went silent.",
            ("reason",),
        ),
        Metric(
            "lineage_producer_last_event_timestamp_seconds",
            "gauge",
            "When the newest event of jobs in this namespace was sent; the first 200 namespaces that a consumer sees.",
            ("namespace",),
        ),
        Metric("lineage_partition_halted", "gauge", "1 while the brake holds the partition.", _PLACE),
        Metric("lineage_consumer_lag_records", "gauge", "Records after the committed offset.", _PLACE),
        Metric(
            "lineage_consumer_lag_seconds",
            "gauge",
            "Age of the oldest record that is not committed; while none of them is read, how long that is so.",
            _PLACE,
        ),
        Metric(
            "janusgraph_queries_total",
            "counter",
            "What `lineagegraph serve` asked the graph, by script: done, rejected, unavailable (also: too slow).",
            ("script", "result"),
        ),
        Metric(
            "janusgraph_query_duration_ms",
            "histogram",
            "How long they took, in milliseconds, as `lineagegraph serve` sees it.",
            ("script",),
        ),
    )
}

_BUCKETS = {
    "janusgraph_query_duration_ms": (1, 2.5, 5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10000, 30000),
    "lineage_processing_seconds": (0.001, 0.005, 0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30),
}


class Metrics:
    """The metrics of one process, in a registry of their own: all of them, or only these."""

    def __init__(self, version: str = "", only: Collection[str] = METRICS) -> None:
        self.registry = CollectorRegistry()
        self._made: dict[str, Counter | Gauge | Histogram] = {}
        for row in METRICS.values():
            if row.name in only:
                self._made[row.name] = _make(row, self.registry)
        if "lineage_build_info" in only:
            self.set("lineage_build_info", 1, version=version)

    def add(self, name: str, amount: float = 1, **labels: str) -> None:
        """Count."""
        made = self._made[name]
        assert isinstance(made, Counter)  # noqa: S101  (by the table)
        (made.labels(**labels) if labels else made).inc(amount)

    def set(self, name: str, value: float, **labels: str) -> None:
        """State what is so now."""
        made = self._made[name]
        assert isinstance(made, Gauge)  # noqa: S101  (by the table)
        (made.labels(**labels) if labels else made).set(value)

    def observe(self, name: str, value: float, **labels: str) -> None:
        """Add one observation."""
        made = self._made[name]
        assert isinstance(made, Histogram)  # noqa: S101  (by the table)
        (made.labels(**labels) if labels else made).observe(value)

    def forget(self, name: str) -> None:
        """Drop all label values, as those of partitions that are no longer ours."""
        self._made[name].clear()

    def total(self, name: str, **labels: str) -> float:
        """The sum of all samples that have these labels."""
        return sum(
            sample.value
            for family in self._made[name].collect()
            for sample in family.samples
            if sample.name == name and labels.items() <= sample.labels.items()
        )

    def text(self) -> bytes:
        """What /metrics answers."""
        return generate_latest(self.registry)


def as_markdown() -> str:
    """The table as docs/metrics.md shows it."""
    lines = [
        "# Metrics",
        "",
        "At `/metrics`. This page is made from the table in `consumer/metrics.py` by its `as_markdown`.",
        "",
        "Per partition, received = written + dead + skipped + given up + what is in flight.",
        "",
        "| metric | kind | labels | meaning |",
        "|---|---|---|---|",
    ]
    for row in METRICS.values():
        labels = ", ".join(f"`{label}`" for label in row.labels) or "–"
        lines.append(f"| `{row.name}` | {row.kind} | {labels} | {row.help} |")
    return "\n".join(lines)


def _make(row: Metric, registry: CollectorRegistry) -> Counter | Gauge | Histogram:
    match row.kind:
        case "counter":
            return Counter(row.name, row.help, row.labels, registry=registry)
        case "gauge":
            return Gauge(row.name, row.help, row.labels, registry=registry)
        case "histogram":
            return Histogram(row.name, row.help, row.labels, registry=registry, buckets=_BUCKETS[row.name])

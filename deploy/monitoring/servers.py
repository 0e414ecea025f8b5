"""Metrics of Cassandra and of Prometheus itself that alerts and dashboards ask about, beside those of the product.

Cassandra tells its own through the JMX exporter; `jmx_rules` is that exporter's configuration.
"""

from __future__ import annotations

from dataclasses import dataclass

import yaml

_REQUEST = "org.apache.cassandra.metrics<type=ClientRequest, scope={scope}, name={name}><>{attribute}"
_PERCENTILES = "(50|75|95|99|999)thPercentile"


@dataclass(frozen=True, slots=True)
class Bean:
    """A metric made of an attribute of a JMX bean; the first group of the pattern becomes the label."""

    metric: str
    kind: str
    help: str
    pattern: str
    label: str = ""
    value: str = ""
    factor: float = 1.0  # what the bean's value is multiplied with: Cassandra tells latencies in microseconds

    def rule(self) -> dict[str, object]:
        """As the exporter reads it."""
        made: dict[str, object] = {
            "pattern": self.pattern,
            "name": self.metric,
            "type": self.kind.upper(),
            "help": self.help,
        }
        if self.label:
            made["labels"] = {self.label: self.value}
        if self.factor != 1.0:
            made["valueFactor"] = self.factor
        return made


BEANS = (
    Bean(
        "cassandra_read_latency_ms",
        "gauge",
        "Latency of reads as the coordinator sees them, in milliseconds.",
        _REQUEST.format(scope="Read", name="Latency", attribute=_PERCENTILES),
        "quantile",
        "0.$1",
        0.001,
    ),
    Bean(
        "cassandra_write_latency_ms",
        "gauge",
        "Latency of writes as the coordinator sees them, in milliseconds.",
        _REQUEST.format(scope="Write", name="Latency", attribute=_PERCENTILES),
        "quantile",
        "0.$1",
        0.001,
    ),
    Bean(
        "cassandra_requests_total",
        "counter",
        "Requests of clients, by kind.",
        _REQUEST.format(scope="(Read|Write)", name="Latency", attribute="Count"),
        "kind",
        "$1",
    ),
    Bean(
        "cassandra_unavailables_total",
        "counter",
        "Requests that found too few live replicas, by kind.",
        _REQUEST.format(scope="(Read|Write)", name="Unavailables", attribute="Count"),
        "kind",
        "$1",
    ),
    Bean(
        "cassandra_timeouts_total",
        "counter",
        "Requests that replicas did not answer in time, by kind.",
        _REQUEST.format(scope="(Read|Write)", name="Timeouts", attribute="Count"),
        "kind",
        "$1",
    ),
    Bean(
        "cassandra_endpoints_down",
        "gauge",
        "Nodes that this node believes to be down.",
        "org.apache.cassandra.net<type=FailureDetector><>DownEndpointCount",
    ),
    Bean(
        "cassandra_compactions_pending",
        "gauge",
        "Compactions that are due.",
        "org.apache.cassandra.metrics<type=Compaction, name=PendingTasks><>Value",
    ),
    Bean(
        "cassandra_load_bytes",
        "gauge",
        "Bytes on this node's disks.",
        "org.apache.cassandra.metrics<type=Storage, name=Load><>Count",
    ),
)
SERVER_METRICS = frozenset({"up", *(bean.metric for bean in BEANS)})
# Only these beans are read; all of them are thousands, and reading them takes seconds.
OBJECTS = (
    "org.apache.cassandra.metrics:type=ClientRequest,scope=Read,*",
    "org.apache.cassandra.metrics:type=ClientRequest,scope=Write,*",
    "org.apache.cassandra.metrics:type=Compaction,name=PendingTasks",
    "org.apache.cassandra.metrics:type=Storage,name=Load",
    "org.apache.cassandra.net:type=FailureDetector",
)


def jmx_rules(server: str | None = None) -> str:
    """The JMX exporter's configuration: as the node's agent, or as a process of its own that asks this host:port."""
    asked = {"hostPort": server} if server else {}
    made = asked | {"includeObjectNames": list(OBJECTS), "rules": [bean.rule() for bean in BEANS]}
    return yaml.safe_dump(made, sort_keys=False, width=200)

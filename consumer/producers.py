"""When each team's jobs were last heard of: silence is only seen by who remembers the sound."""

from __future__ import annotations

from consumer.metrics import Metrics

MOST = 200  # namespaces; a label must not grow with what producers invent


class Producers:
    """The newest record of each job namespace, as a metric."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics
        self._newest: dict[str, int] = {}

    def heard(self, namespace: str, timestamp: int) -> None:
        """A record of a job in this namespace, dated in milliseconds; one without a date tells nothing."""
        newest = self._newest.get(namespace)
        if timestamp < 0 or not namespace or (newest is None and len(self._newest) >= MOST):
            return
        if newest is None or timestamp > newest:
            self._newest[namespace] = timestamp
            name = "lineage_producer_last_event_timestamp_seconds"
            self._metrics.set(name, timestamp / 1000, namespace=namespace)

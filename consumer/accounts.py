"""The accounts of records: what was received must have ended in one of four ways, or be in flight, per partition."""

from __future__ import annotations

from collections import Counter

from consumer.metrics import Metrics
from consumer.records import Partition

RESULTS = ("written", "dead", "skipped", "given_up")


class Accounts:
    """Two independent counts, of beginnings and of ends; what is in flight is counted by those who carry it."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics
        self._open: list[Counter[Partition]] = []
        self._received: Counter[Partition] = Counter()
        self._ended: Counter[Partition] = Counter()

    def received(self, counts: Counter[Partition]) -> Counter[Partition]:
        """These records were read together; what is given back is to be emptied by `ended`."""
        for partition, count in counts.items():
            self._metrics.add("lineage_records_received_total", count, **labels(partition))
        self._received.update(counts)
        carried = Counter(counts)
        self._open.append(carried)
        return carried

    def ended(self, carried: Counter[Partition], partition: Partition, result: str, count: int) -> None:
        """So many of the records that are carried ended in this way."""
        self._metrics.add("lineage_records_total", count, result=result, **labels(partition))
        self._ended[partition] += count
        carried[partition] -= count

    def landed(self, carried: Counter[Partition]) -> None:
        """Nothing of this is in flight any more."""
        self._open = [other for other in self._open if other is not carried]

    def in_flight(self) -> Counter[Partition]:
        """Records that were received and have not ended."""
        return sum(self._open, Counter())

    def mismatch(self) -> Counter[Partition]:
        """Records whose end nobody knows, or that ended twice; empty unless there is a bug."""
        flying, found = self.in_flight(), Counter[Partition]()
        for partition, count in self._received.items():
            if wrong := count - self._ended[partition] - flying[partition]:
                found[partition] = abs(wrong)
        return found

    def publish(self) -> None:
        """Bring the gauges up to date."""
        self._metrics.forget("lineage_records_in_flight")
        for partition, count in self.in_flight().items():
            self._metrics.set("lineage_records_in_flight", count, **labels(partition))
        self._metrics.set("lineage_accounting_mismatch_records", self.mismatch().total())

    def of(self, partition: Partition) -> dict[str, int]:
        """The account of one partition, for people."""
        place = labels(partition)
        return {
            "received": self._received[partition],
            **{r: int(self._metrics.total("lineage_records_total", result=r, **place)) for r in RESULTS},
            "in_flight": self.in_flight()[partition],
        }

    def all(self) -> dict[str, int]:
        """The account of all partitions."""
        ends = {result: int(self._metrics.total("lineage_records_total", result=result)) for result in RESULTS}
        return {"received": self._received.total(), **ends}


def labels(partition: Partition) -> dict[str, str]:
    """The labels of a partition's metrics."""
    return {"topic": partition.topic, "partition": str(partition.number)}

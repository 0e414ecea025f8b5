"""Sending the history at an even pace, whatever happens to the broker, and keeping where each record came to stand."""

from __future__ import annotations

import random
import threading
import time
from functools import partial
from typing import Any

import confluent_kafka

from tests.chaos.commits import MUTE
from tests.chaos.history import History, Item


class Sending:
    """One idempotent producer in a thread; every record is acknowledged in the end, once."""

    def __init__(self, bootstrap: str, topic: str, partitions: int, history: History, seconds: float) -> None:
        self._topic, self._partitions, self._history = topic, partitions, history
        self._pace = len(history.items) / seconds
        self._producer = confluent_kafka.Producer(
            {
                "bootstrap.servers": bootstrap,
                "enable.idempotence": True,
                "message.max.bytes": 8 * 2**20,
                "message.timeout.ms": 0,  # never give up
                "linger.ms": 20,
                "queue.buffering.max.messages": 20_000,
            },
            logger=MUTE,
        )
        self.ends: dict[int, int] = {}  # by partition, after the last record that was acknowledged
        self.dead: dict[tuple[int, int], str] = {}  # coordinates of what must become a dead letter, and its class
        self.acknowledged = 0
        self.failures: list[str] = []
        self._thread = threading.Thread(target=self._run, name="sending", daemon=True)

    def start(self) -> None:
        self._thread.start()

    @property
    def over(self) -> bool:
        """Whether all is acknowledged."""
        return not self._thread.is_alive()

    def finish(self, seconds: float) -> None:
        """Wait for the last acknowledgement."""
        self._thread.join(seconds)
        if not self.over or self.acknowledged < len(self._history.items):
            self.failures.append(f"only {self.acknowledged} of {len(self._history.items)} records were acknowledged")

    def _run(self) -> None:
        pick, began = random.Random(f"sending {self._history.seed}"), time.monotonic()
        for count, item in enumerate(self._history.items):
            while (ahead := count / self._pace - (time.monotonic() - began)) > 0:
                self._producer.poll(min(ahead, 0.1))
            self._send(item, pick.randrange(self._partitions))
        self._producer.flush()

    def _send(self, item: Item, partition: int) -> None:
        value, key = self._history.value(item), str(item.number)
        while True:
            try:
                self._producer.produce(
                    self._topic, value, key, partition=partition, on_delivery=partial(self._stands, item)
                )
            except BufferError:
                self._producer.poll(0.1)
            else:
                self._producer.poll(0)
                return

    def _stands(self, item: Item, error: Any, message: Any) -> None:
        if error is not None:
            self.failures.append(f"record {item.number} was not taken: {error}")
            return
        place = message.partition(), message.offset()
        self.ends[place[0]] = max(self.ends.get(place[0], 0), place[1] + 1)
        if item.row.end == "dead":
            self.dead[place] = item.row.reason
        self.acknowledged += 1

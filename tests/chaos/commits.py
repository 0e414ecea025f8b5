"""Every commit and every generation of a group, as the broker wrote them down: its own topic of offsets, read along."""

from __future__ import annotations

import logging
import struct
import threading
import time
from collections.abc import Mapping
from typing import NamedTuple

import confluent_kafka

MUTE = logging.Logger("librdkafka", logging.CRITICAL + 1)  # it would tell of every outage ten times a second
TOPIC = "__consumer_offsets"
PARTITIONS = 3  # offsets.topic.num.partitions of the local stack


class Commit(NamedTuple):
    """An offset that a group committed."""

    group: str
    topic: str
    partition: int
    offset: int


class Generation(NamedTuple):
    """A group has formed anew."""

    group: str
    number: int


def parse(key: bytes | None, value: bytes | None) -> Commit | Generation | None:
    """What a record of that topic says; None if it is about something else, or the end of something."""
    if not key or not value:
        return None
    kind, group, at = *struct.unpack_from(">h", key), *_text(key, 2)
    if kind in (0, 1):
        topic, at = _text(key, at)
        (partition,) = struct.unpack_from(">i", key, at)
        (offset,) = struct.unpack_from(">q", value, 2)
        return Commit(group, topic, partition, offset)
    if kind == 2:
        (version,) = struct.unpack_from(">h", value)
        at = 3 + value[2] - 1 if version >= 4 else _text(value, 2)[1]  # a compact text, or a plain one
        return Generation(group, *struct.unpack_from(">i", value, at))
    return None


def _text(data: bytes, at: int) -> tuple[str, int]:
    (length,) = struct.unpack_from(">h", data, at)
    return data[at + 2 : at + 2 + length].decode(), at + 2 + length


class Commits:
    """The commits of one group on one topic, followed by a thread; what went back is kept."""

    def __init__(self, bootstrap: str, group: str, topic: str) -> None:
        self._group, self._topic = group, topic
        self.offsets: dict[int, int] = {}
        self.moments: dict[int, float] = {}  # when each of them last got on
        self.went_back: list[str] = []
        self.count = 0
        self.rebalances = 0
        self._over = threading.Event()
        self._consumer = confluent_kafka.Consumer(
            {"bootstrap.servers": bootstrap, "group.id": f"watch-{group}", "enable.auto.commit": False},
            logger=MUTE,
        )
        self._thread = threading.Thread(target=self._run, name="commits", daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._over.set()
        self._thread.join()
        self._consumer.close()

    def total(self) -> int:
        """Records below the committed offsets."""
        return sum(dict(self.offsets).values())

    def behind(self, ends: Mapping[int, int]) -> dict[int, int]:
        """The committed offset of each partition that has something left to commit before these ends."""
        return {
            number: self.offsets.get(number, 0) for number, end in ends.items() if self.offsets.get(number, 0) < end
        }

    def _run(self) -> None:
        places = [confluent_kafka.TopicPartition(TOPIC, number, 0) for number in range(PARTITIONS)]
        self._consumer.assign(places)
        while not self._over.is_set():
            for message in self._consumer.consume(500, 0.05):
                if message.error() is None:
                    self._take(parse(message.key(), message.value()))

    def _take(self, found: Commit | Generation | None) -> None:
        if found is None or found.group != self._group:
            return
        if isinstance(found, Generation):
            self.rebalances += 1
        elif found.topic == self._topic:
            self.count += 1
            before = self.offsets.get(found.partition, 0)
            if found.offset < before:
                self.went_back.append(f"partition {found.partition}: {found.offset} after {before}")
            if found.offset != before:
                self.moments[found.partition] = time.monotonic()
            self.offsets[found.partition] = found.offset

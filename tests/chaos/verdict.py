"""What came out against what must have come out: the graph line by line, and the dead letters one by one."""

from __future__ import annotations

from collections import Counter
from typing import Any, NamedTuple

import confluent_kafka

from consumer.deadletters import OURS, describe
from consumer.records import Headers
from lineagegraph.canonical import lines
from lineagegraph.errors import GraphUnavailable
from lineagegraph.export import export
from lineagegraph.facts import Facts
from lineagegraph.settings import GraphSettings
from tests.chaos.commits import MUTE

ATTEMPTS = 5  # of reading the whole graph; right after a restart its store may be too slow for that


class Difference(NamedTuple):
    """Lines that are missing and lines that are too many, with the first few of each."""

    lost: int
    doubled: int
    examples: list[str]


def compare(expected: Facts, url: str) -> Difference:
    """The whole graph at this address against what events state."""
    wanted, found = Counter(lines(expected)), Counter(_exported(url))
    missing, more = wanted - found, found - wanted
    examples = [f"lost {line}" for line in [*missing][:5]] + [f"too many {line}" for line in [*more][:5]]
    return Difference(missing.total(), more.total(), examples)


def _exported(url: str) -> list[str]:
    for _ in range(ATTEMPTS - 1):
        try:
            return list(export(GraphSettings(urls=(url,))))
        except GraphUnavailable:
            continue
    return list(export(GraphSettings(urls=(url,))))


class Letter(NamedTuple):
    """Where a dead letter came from, and its class."""

    partition: int
    offset: int
    reason: str


def letters(bootstrap: str, topic: str) -> list[Letter]:
    """Every dead letter in this topic."""
    consumer = confluent_kafka.Consumer({"bootstrap.servers": bootstrap, "group.id": "verdict"}, logger=MUTE)
    found = []
    try:
        partitions = consumer.list_topics(topic, 20).topics[topic].partitions
        for number in partitions:
            place = confluent_kafka.TopicPartition(topic, number, 0)
            _, end = consumer.get_watermark_offsets(place, 20)
            consumer.assign([place])
            at = 0
            while at < end:
                for message in consumer.consume(200, 1.0):
                    at = (message.offset() or 0) + 1
                    said = describe(_headers(message))
                    _, partition, offset = said[f"{OURS}id"].rsplit("-", 2)
                    found.append(Letter(int(partition), int(offset), said[f"{OURS}class"]))
    finally:
        consumer.close()
    return found


def _headers(message: confluent_kafka.Message) -> Headers:
    found: Any = message.headers() or ()
    return tuple((name, value) for name, value in found)


def wrong(found: list[Letter], expected: dict[tuple[int, int], str]) -> list[str]:
    """Letters that should not be, and those that are missing; one that came twice is the same letter."""
    there = {(one.partition, one.offset): one.reason for one in found}
    said = [f"{place} is a dead letter ({there[place]})" for place in sorted(there.keys() - expected.keys())]
    said += [f"{place} is no dead letter ({expected[place]})" for place in sorted(expected.keys() - there.keys())]
    both = there.keys() & expected.keys()
    return said + [f"{p} is {there[p]}, not {expected[p]}" for p in sorted(both) if there[p] != expected[p]]

"""The sizes of docs/scaling.md, worked out from what was measured for one event."""

from __future__ import annotations

import math

CPU_MS = {"consumers": 0.65, "JanusGraph": 0.32, "Cassandra": 0.71}  # for one event; Cassandra's for each copy
EVENT_KB = 12.0  # in Kafka
DISK_KB = 10.0  # of all of Cassandra's copies, with the room that compaction wants: an estimate
COPIES = 3
BUSY = 0.5  # of a core, for the rest is for bursts
SIZES = (100, 10_000, 1_000_000)  # events a minute
YEAR_DAYS, KAFKA_DAYS = 365, 7
LEAST = {"consumers": 2, "JanusGraph": 2, "Cassandra": 3}  # so that one may fail
CORES = {"consumers": (1, 1, 1), "JanusGraph": (1, 1, 2), "Cassandra": (2, 2, 8)}  # of one server, by size
PARTITIONS = (6, 12, 96)  # three for each consumer


def cores(what: str, events_per_minute: int) -> float:
    """How many cores it keeps wholly busy."""
    copies = COPIES if what == "Cassandra" else 1
    return events_per_minute / 60 * CPU_MS[what] / 1000 * copies


def servers(what: str, size: int) -> int:
    """How many there must be at that size (its number in SIZES), each half busy."""
    return max(LEAST[what], math.ceil(cores(what, SIZES[size]) / BUSY / CORES[what][size]))


def as_markdown() -> str:
    """The table by size."""
    each = range(len(SIZES))
    busy = [", ".join(_short(cores(what, SIZES[size])) for what in CPU_MS) for size in each]
    rows: list[tuple[str, list[str]]] = [
        ("events a second", [_short(size / 60) for size in SIZES]),
        (f"cores kept busy: consumers, JanusGraph, Cassandra × {COPIES}", busy),
        ("partitions", [str(number) for number in PARTITIONS]),
        ("consumers, one core each", [str(servers("consumers", size)) for size in each]),
        ("JanusGraph servers", [_servers("JanusGraph", size) for size in each]),
        ("Cassandra nodes", [_servers("Cassandra", size) for size in each]),
        ("events a year", [_count(size * 60 * 24 * YEAR_DAYS) for size in SIZES]),
        ("Cassandra's disk for a year of runs, all nodes", [_disk(size, YEAR_DAYS, DISK_KB) for size in SIZES]),
        ("… for 30 days", [_disk(size, 30, DISK_KB) for size in SIZES]),
        (f"Kafka's disk for {KAFKA_DAYS} days, × {COPIES}", [_disk(n, KAFKA_DAYS, EVENT_KB * COPIES) for n in SIZES]),
    ]
    head = ["", *(f"{size:,} a minute" for size in SIZES)]
    lines = ["| " + " | ".join(head) + " |", "|---" * len(head) + "|"]
    return "\n".join([*lines, *("| " + " | ".join([name, *cells]) + " |" for name, cells in rows)])


def _servers(what: str, size: int) -> str:
    count = CORES[what][size]
    return f"{servers(what, size)} of {count} core{'s' * (count > 1)}"


def _disk(events_per_minute: int, days: int, kilobytes: float) -> str:
    return _scaled(events_per_minute * 60 * 24 * days * kilobytes / 1e6, (" GB", " TB", " PB"))


def _count(number: float) -> str:
    return _scaled(number, ("", " thousand", " million", " billion"))


def _scaled(number: float, units: tuple[str, ...]) -> str:
    step = min(len(units) - 1, max(0, math.floor(math.log10(number) / 3)))
    return f"{_short(number / 1000**step)}{units[step]}"


def _short(number: float) -> str:
    """Two digits that mean something."""
    digits = max(0, 1 - math.floor(math.log10(number)))
    return f"{round(number, 1 - math.floor(math.log10(number))):,.{digits}f}"

"""How fast events become facts, on one core, beside a bare JSON parser and OpenLineage's own Python client.

    python -m benchmarks.map [--repetitions 3] [--copies 10]

The events are those of the tests (real producers, compatibility scenarios, edge cases), as often as `--copies` says,
and no two of them are equal: each copy has runs, moments and versions of its own, as a topic has ("distinct events"),
or besides jobs, datasets and columns of its own, so that nothing is remembered for another event ("new names").
"First pass" is the corpus once, the first thing that this process maps.
Counted is the CPU time of the one thread, so that neighbours on the machine matter little; the wall clock is beside it.
JSON=1 adds one last line of JSON.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any
from uuid import UUID

import orjson

from benchmarks.measure import Spread, report, table
from consumer.event_files import read_events
from lineagegraph.naming import Naming
from mappers import Malformed, decode, map_event

EVENTS = Path(__file__).parents[1] / "tests" / "events"
NAMING = Naming()
PRODUCER = "https://example.org/benchmark"
Rate = tuple[float, float]  # events a second of CPU time and of the clock


def corpus() -> list[bytes]:
    """The events of the tests that are events."""
    values = [found.value for path in sorted(EVENTS.glob("*.ndjson")) for found in read_events([str(path)])]
    return [value for value in values if _is_event(value)]


def _is_event(value: bytes) -> bool:
    try:
        decode(value)
    except Malformed:
        return False
    return True


def copies(values: Sequence[bytes], first: int, count: int, new_names: bool) -> list[bytes]:
    """So many copies of every event, numbered from `first`, no two equal."""
    events = [orjson.loads(value) for value in values]
    return [orjson.dumps(_copy(event, n, new_names)) for n in range(first, first + count) for event in events]


def _copy(part: Any, number: int, new_names: bool) -> Any:
    if isinstance(part, list):
        return [_copy(inner, number, new_names) for inner in part]
    if not isinstance(part, dict):
        return part
    copy = {key: _copy(inner, number, new_names) for key, inner in part.items()}
    if isinstance(run := copy.get("runId"), str) and run:
        copy["runId"] = f"{run[:-6]}{number:06x}"
    if isinstance(version := copy.get("datasetVersion"), str) and version.isdigit():
        copy["datasetVersion"] = str(int(version) // 1_000_000 * 1_000_000 + number)
    if isinstance(moment := copy.get("eventTime"), str):
        copy["eventTime"] = f"{moment[:14]}{number % 60:02}{moment[16:]}"
    if new_names and isinstance(name := copy.get("name"), str):
        copy["name"] = f"{name}_{number}"
    return copy


def rate(work: Callable[[bytes], object], values: Sequence[bytes]) -> Rate:
    """Events a second."""
    cpu, clock = time.thread_time(), time.perf_counter()
    for value in values:
        work(value)
    return len(values) / (time.thread_time() - cpu), len(values) / (time.perf_counter() - clock)


def mapped(value: bytes) -> object:
    """What the consumer does with a record's value."""
    return map_event(decode(value), NAMING)


def client_events(values: Sequence[bytes]) -> list[Any]:
    """The corpus as objects of openlineage-python, as far as its checks let them be made."""
    from openlineage.client import event_v2 as v2

    made = []
    for event in map(orjson.loads, values):
        try:
            UUID(event["run"]["runId"])
            sides: list[list[Any]] = [
                [kind(d["namespace"], d["name"], d.get("facets") or {}) for d in event.get(side) or ()]
                for kind, side in ((v2.InputDataset, "inputs"), (v2.OutputDataset, "outputs"))
            ]
            run = v2.Run(event["run"]["runId"], event["run"].get("facets") or {})
            job = v2.Job(event["job"]["namespace"], event["job"]["name"], event["job"].get("facets") or {})
            inputs, outputs = sides
            made.append(
                v2.RunEvent(
                    eventTime=event["eventTime"], producer=PRODUCER, run=run, job=job, inputs=inputs, outputs=outputs
                )
            )
        except (KeyError, ValueError):  # no run, or an id or a time that the client refuses
            continue
    return made


def serialise(events: Sequence[Any]) -> Rate:
    """Events a second through the client's own serialisation."""
    from openlineage.client.serde import Serde

    cpu, clock = time.thread_time(), time.perf_counter()
    for event in events:
        Serde.to_json(event)
    return len(events) / (time.thread_time() - cpu), len(events) / (time.perf_counter() - clock)


def main() -> None:
    """The command line."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--repetitions", type=int, default=3)
    options.add_argument("--copies", type=int, default=10)
    chosen = options.parse_args()
    values = corpus()
    rates: dict[str, list[Rate]] = {"first pass": [rate(mapped, values)]}
    client = client_events(values)
    for repetition in range(chosen.repetitions):
        for name, new_names in (("distinct events", False), ("new names", True)):
            some = copies(values, 1 + repetition * chosen.copies, chosen.copies, new_names)
            rates.setdefault(name, []).append(rate(mapped, some))
            rates.setdefault("orjson.loads alone", []).append(rate(orjson.loads, some))
        rates.setdefault("openlineage-python Serde", []).append(serialise(client))
    size = sum(map(len, values)) / len(values)
    title = f"decode + map: {len(values)} events of {size:,.0f} bytes, {chosen.copies} copies, one core, events/s"
    head = ["", "by CPU time, min / median / max", "by the clock"]
    spreads = {name: [Spread.of([r[n] for r in its]) for n in (0, 1)] for name, its in rates.items()}
    table(title, head, [[name, *both] for name, both in spreads.items()])
    report(
        {
            "events_per_second": round(spreads["distinct events"][0].middle),
            "by_clock": round(spreads["distinct events"][1].middle),
            "new_names": round(spreads["new names"][0].middle),
            "first_pass": round(spreads["first pass"][0].middle),
            "orjson": round(spreads["orjson.loads alone"][0].middle),
            "openlineage_python": round(spreads["openlineage-python Serde"][0].middle),
        }
    )


if __name__ == "__main__":
    main()

"""The demo: real lineage through a real Kafka into a real JanusGraph, told step by step. Run it by `make demo`.

It calls the same commands that people call; a second run does everything again and ends the same.
"""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from pathlib import Path

from aiokafka import AIOKafkaConsumer
from aiokafka.structs import ConsumerRecord

from consumer.deadletters import CONNECT, OURS, describe
from deploy.local import LocalStackError, Stack

NAME = "demo"
TOPIC = "openlineage.events"
GROUP = "demo"
EVENTS = Path(__file__).with_name("events")
TABLE = "gold/revenue_by_country"
RUN = "01a20628-7b75-77b3-81d0-5d5cdd398e13"  # the MERGE that filled silver/orders_enriched


def main() -> int:
    """Every step in order; the first that fails ends the demo with its own error."""
    stack = Stack(NAME)
    _title("1. Kafka and JanusGraph on this machine (downloaded once, a minute or two)")
    try:
        stack.up("inmemory")
    except LocalStackError as error:
        print(f"The local stack did not start: {error}", file=sys.stderr)
        return 1
    environment = os.environ | stack.environment() | {"LINEAGE_TOPICS": TOPIC, "LINEAGE_GROUP": GROUP}
    files = [os.path.relpath(path) for path in sorted(EVENTS.glob("*.ndjson"))]
    steps = (
        ("2. The graph's schema", ("schema", "install")),
        ("3. Events that Spark and Iceberg really sent, to Kafka", ("publish", *files, "--create-topic", "3")),
        ("4. The consumer: from Kafka into the graph", ("consume", "--until-end", "--replay-from-earliest")),
        ("5. What was this gold table made of, and from which snapshots?", ("upstream", TABLE)),
        ("6. One run, exactly", ("run", RUN)),
    )
    for title, arguments in steps:
        _title(title)
        if _call(arguments, environment):
            print(f"\nThe demo stopped at «{title}». `make stack-down NAME={NAME}` stops what runs.", file=sys.stderr)
            return 1
    _title("7. A dead letter, met on purpose")
    asyncio.run(_show_dead_letters(stack.kafka().bootstrap, f"{TOPIC}.{GROUP}.dlq"))
    _what_next(stack)
    return 0


def _title(text: str) -> None:
    print(f"\n\033[1m{text}\033[0m" if sys.stdout.isatty() else f"\n{text}", flush=True)


def _call(arguments: tuple[str, ...], environment: dict[str, str]) -> int:
    words = dict.fromkeys("examples/events/*.ndjson" if word.endswith(".ndjson") else word for word in arguments)
    print(f"$ lineagegraph {' '.join(words)}", flush=True)
    quiet = {"LINEAGE_LOG_LEVEL": "CRITICAL"}  # the batches' log lines would bury what is shown here
    return subprocess.run(
        [sys.executable, "-m", "consumer", *arguments], env=environment | quiet, check=False
    ).returncode


async def _show_dead_letters(bootstrap: str, topic: str) -> None:
    """The newest dead letter: why it is there, in headers, and its bytes, as they came."""
    consumer = AIOKafkaConsumer(topic, bootstrap_servers=bootstrap, auto_offset_reset="earliest")
    await consumer.start()
    try:
        places = consumer.assignment()
        ends = await consumer.end_offsets(places)
        found: list[ConsumerRecord[bytes, bytes]] = []
        while any([await consumer.position(place) < ends[place] for place in places]):
            found += [one for some in (await consumer.getmany(timeout_ms=500)).values() for one in some]
    finally:
        await consumer.stop()
    newest = max(found, key=lambda record: record.timestamp)
    said = describe(tuple(newest.headers))
    origin = "-".join(said[f"{CONNECT}{part}"] for part in ("topic", "partition", "offset"))
    print(f"{origin} in {topic}")
    print(f"  why: {said[f'{OURS}class']}: {said[f'{CONNECT}exception.message']}")
    print(f"  its bytes: {(newest.value or b'')[:76].decode()} …")


def _what_next(stack: Stack) -> None:
    _title("What next")
    print(
        f"The stack keeps running. Point your shell at it and ask on:\n\n"
        f"  set -a; . {os.path.relpath(stack.env_file)}; set +a\n"
        f"  .venv/bin/lineagegraph downstream bronze/orders\n"
        f"  .venv/bin/lineagegraph upstream gold/customer_features --json\n"
        f"  .venv/bin/lineagegraph export | head\n"
        f"  .venv/bin/lineagegraph explain --answers examples/events/03_silver_merge.ndjson\n"
        f"  .venv/bin/lineagegraph --help\n\n"
        f"Stop it with `make stack-down NAME={stack.name}`; add WIPE=1 to delete its data too."
    )


if __name__ == "__main__":
    sys.exit(main())

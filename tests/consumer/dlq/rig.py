"""A topic, a group, a graph, and everything that tests do with their dead letters."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from aiokafka import AIOKafkaConsumer
from aiokafka.structs import TopicPartition
from click.testing import CliRunner

from consumer import connection
from consumer.burial import KafkaBurial
from consumer.cli import cli
from consumer.deadletters import DeadLetter
from consumer.dlq.desk import open_desk
from consumer.dlq.ledger import Ledger
from consumer.dlq.names import names
from consumer.publish import _check
from consumer.settings import Settings, load

ROOT = Path(__file__).parents[3]


@dataclass
class Rig:
    """A topic, a group, and everything that is done with them, in processes of their own."""

    bootstrap: str
    folder: Path
    graph_url: str = ""
    topic: str = field(default_factory=lambda: f"t-{uuid.uuid4().hex[:8]}")
    group: str = ""
    running: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.group = self.group or f"g-{self.topic}"

    def settings(self, **more: Any) -> Settings:
        given: dict[str, Any] = {"topics": (self.topic,), "group": self.group}
        return load(kafka_bootstrap_servers=(self.bootstrap,), **given | more)

    def environment(self, **more: str) -> dict[str, str]:
        clean = {name: value for name, value in os.environ.items() if not name.startswith("LINEAGE_")}
        return {
            **clean,
            "PYTHONPATH": str(ROOT),
            "LINEAGE_KAFKA_BOOTSTRAP_SERVERS": self.bootstrap,
            "LINEAGE_TOPICS": self.topic,
            "LINEAGE_GROUP": self.group,
            "LINEAGE_GRAPH_URLS": self.graph_url or "ws://127.0.0.1:9/gremlin",
            "LINEAGE_GRAPH_SYNC_SECONDS": "0",
            "LINEAGE_COMMIT_SECONDS": "0.2",
            "LINEAGE_HTTP_PORT": "0",
            "LINEAGE_SESSION_SECONDS": "6",
            "LINEAGE_BRAKE_RUN": "0",
            "LINEAGE_BRAKE_SHARE": "0",
            **more,
        }

    def run(self, *arguments: str, codes: tuple[int, ...] = (0,), **more: str) -> str:
        """What a command prints; it must end with one of these exit codes."""
        others: dict[str, str | None] = {name: None for name in os.environ if name.startswith("LINEAGE_")}
        done = CliRunner().invoke(cli, list(arguments), env=others | self.environment(**more))
        assert done.exit_code in codes, f"{arguments} ended with {done.exit_code}: {done.output}{done.exception!r}"
        return done.stdout

    def dlq(self, *arguments: str, code: int = 0, **more: str) -> Any:
        """What a command prints as JSON; it must end with this exit code."""
        return json.loads(self.run("dlq", *arguments, "--json", codes=(code,), **more).splitlines()[-1])

    def start(self, *arguments: str, module: str = "consumer", **more: str) -> subprocess.Popen[bytes]:
        with (self.folder / f"{module}.log").open("ab") as log:
            command = [sys.executable, "-m", module, *arguments]
            self.running.append(subprocess.Popen(command, env=self.environment(**more), stdout=log, stderr=log))
        return self.running[-1]

    def worker(self, **more: str) -> subprocess.Popen[bytes]:
        """A consumer whose graph refuses the runs that stand in the file `refused`."""
        return self.start(str(self.folder / "refused"), module="tests.consumer.dlq.worker", **more)

    def states(self) -> dict[str, int]:
        states: dict[str, int] = self.dlq("stats")["states"]
        return states

    async def ledger(self) -> Ledger:
        settings = self.settings()
        async with open_desk(settings, names(settings)) as desk:
            return await desk.ledger()

    async def create(self, partitions: int) -> None:
        """The source topic."""
        async with connection.admin(self.settings()) as client:
            await _check(client, self.topic, partitions)

    async def bury(self, letters: Sequence[DeadLetter]) -> None:
        """As a consumer does."""
        settings = self.settings()
        async with connection.admin(settings) as client:
            burial = KafkaBurial(settings, client, "0.0.1")
            for start in range(0, len(letters), 1000):
                await burial.bury(letters[start : start + 1000])
            await burial.close()


def eventually(condition: Callable[[], bool], seconds: float = 60) -> None:
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until, "it did not happen in time"
        time.sleep(0.2)


async def raw(settings: Settings, topic: str, isolation: str) -> list[Any]:
    """Every record of a topic, with or without those of transactions that were undone."""
    async with connection.admin(settings) as client:
        count = (await connection.topics(client))[topic].partitions
    consumer = AIOKafkaConsumer(**connection.options(settings), isolation_level=isolation)
    await consumer.start()
    try:
        places = [TopicPartition(topic, number) for number in range(count)]
        ends = await consumer.end_offsets(places)
        found: list[Any] = []
        for place in places:
            consumer.assign([place])
            await consumer.seek_to_beginning(place)
            while await consumer.position(place) < ends[place]:
                found += (await consumer.getmany(place, timeout_ms=500)).get(place, [])
        return found
    finally:
        await consumer.stop()

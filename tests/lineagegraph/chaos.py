"""Random harm to writers and servers, with a line for each; everything that is harmed is brought back."""

from __future__ import annotations

import random
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path

import orjson

from deploy.local import JanusGraph, LocalStackError
from deploy.local.server import Server
from tests.lineagegraph.random_writer import Plan

ROOT = Path(__file__).parents[2]


class Writers:
    """The writer processes of one round. A killed one starts again at once."""

    def __init__(self, plans: Sequence[Plan], folder: Path) -> None:
        self._plans, self._folder = plans, folder
        self._started = [0.0] * len(plans)
        self._processes = [self._start(number) for number in range(len(plans))]

    def _start(self, number: int) -> subprocess.Popen[bytes]:
        plan, state = orjson.dumps(asdict(self._plans[number])).decode(), self._folder / f"state-{number}.json"
        command = [sys.executable, "-W", "error", "-m", "tests.lineagegraph.random_writer", plan, str(state)]
        self._started[number] = time.time() + 1
        with (self._folder / f"writer-{number}.log").open("ab") as log:
            return subprocess.Popen(command, cwd=ROOT, stdout=log, stderr=log)

    def kill(self, number: int) -> bool:
        """Whether there was one to kill that had come so far as to write."""
        process, state = self._processes[number], self._folder / f"state-{number}.json"
        if process.poll() is not None or not state.exists() or state.stat().st_mtime < self._started[number]:
            return False
        process.kill()
        process.wait()
        self._processes[number] = self._start(number)
        return True

    def finish(self, seconds: float) -> list[str]:
        """Let them end after their pass; what those say that do not end well."""
        (self._folder / "finish").touch()
        until, wrong = time.monotonic() + seconds, []
        for number, process in enumerate(self._processes):
            try:
                code = process.wait(max(0.1, until - time.monotonic()))
            except subprocess.TimeoutExpired:
                code = -1
            if code:
                said = (self._folder / f"writer-{number}.log").read_text("utf-8", "replace")
                wrong.append(f"writer {number} ended with {code}: {said[-2000:]}")
        self.end()
        return wrong

    def end(self) -> None:
        """None is left."""
        for process in self._processes:
            process.kill()
            process.wait()

    def __len__(self) -> int:
        return len(self._processes)


class Chaos:
    """What is done to them, at random from a seed; `done` counts it."""

    def __init__(
        self,
        seed: str,
        writers: Writers,
        graphs: Sequence[JanusGraph],
        node: Server,
        kill_node: bool = False,
        kill_all: bool = True,
    ) -> None:
        self._pick = random.Random(f"chaos {seed}")
        self._writers, self._graphs, self._node = writers, graphs, node
        self.done: Counter[str] = Counter()
        self._over = threading.Event()
        # What, how often in proportion.
        self._table: list[tuple[Callable[[], None], int]] = [
            (self._kill_graph, 4),
            *([(self._kill_all_graphs, 1)] if kill_all else []),
            (self._freeze_node, 5),
            (self._freeze_graph, 2),
            *([(self._kill_node, 2)] if kill_node else []),
        ]

    def run(self, seconds: float) -> None:
        """Everything in the table once, then at random until so much time is over. All servers run at the end."""
        until = time.monotonic() + seconds
        clients = threading.Thread(target=self._harm_clients)
        clients.start()
        actions, weights = zip(*self._table, strict=True)
        first = self._pick.sample(actions, len(actions))
        try:
            while first or time.monotonic() < until:
                time.sleep(self._pick.uniform(1, 4))
                (first.pop() if first else self._pick.choices(actions, weights)[0])()
        finally:
            self._over.set()
            clients.join()
            for server in (self._node, *self._graphs):
                server.resume()
                start(server)

    def _harm_clients(self) -> None:
        pick = random.Random(self._pick.random())
        while not self._over.wait(pick.uniform(0.5, 5)):
            number = pick.randrange(len(self._writers))
            if self._writers.kill(number):
                self._tell("client_kills", f"killed writer {number}")

    def _tell(self, what: str, line: str) -> None:
        self.done[what] += 1
        print(f"  {line}", flush=True)

    def _kill_graph(self) -> None:
        server = self._pick.choice(self._graphs)
        server.kill()
        self._tell("server_kills", f"killed {server.name}")
        start(server)

    def _kill_all_graphs(self) -> None:
        for server in self._graphs:
            server.kill()
        self._tell("server_kills", "killed every server")
        for server in self._graphs:
            start(server)

    def _freeze_node(self) -> None:
        self._freeze(self._node, self._pick.choice((0.3, 1.0, 3.0, 8.0)))

    def _freeze_graph(self) -> None:
        self._freeze(self._pick.choice(self._graphs), self._pick.choice((0.3, 2.0)))

    def _freeze(self, server: Server, seconds: float) -> None:
        server.pause()
        self._tell("freezes", f"froze {server.name} for {seconds} s")
        time.sleep(seconds)
        server.resume()

    def _kill_node(self) -> None:
        self._node.kill()
        self._tell("cassandra_kills", f"killed {self._node.name}")
        start(self._node)


def start(server: Server) -> None:
    """Start; a server that met a frozen store while starting tries again."""
    for _ in range(3):
        with suppress(LocalStackError):
            server.start()
            return
        time.sleep(2)
    server.start()

"""A named stack: the servers under run/<name>/, found again by any later process through what they left there."""

from __future__ import annotations

import re
import shutil
import threading
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Literal, TypeVar, overload

from deploy.local.cassandra import Cassandra, CommitLog
from deploy.local.environment import STORES, as_file, settings
from deploy.local.errors import LocalStackError
from deploy.local.home import Home, default_home, exclusive
from deploy.local.janusgraph import JanusGraph, JanusGraphOnCassandra, Store
from deploy.local.kafka import Kafka
from deploy.local.server import Server

Stores = Literal["inmemory", "cassandra", "both"]
S = TypeVar("S", bound=Server)


class Stack:
    """Handles to the servers of one name; making a handle starts nothing."""

    def __init__(self, name: str = "default", home: Home | Path | None = None) -> None:
        if not re.fullmatch(r"[A-Za-z0-9][\w.\-]*", name):
            raise LocalStackError(f"A stack's name is letters, digits, dots and dashes, not {name!r}.")
        self.name = name
        self.home = home if isinstance(home, Home) else Home((home or default_home()).absolute())
        self.folder = self.home.run / name

    def kafka(self) -> Kafka:
        return self._handle("kafka", lambda name, folder: Kafka(name, folder, self.home))

    def cassandra(
        self, commitlog_sync: CommitLog = "periodic", period_ms: int = 2000, *, compressed: bool = False
    ) -> Cassandra:
        """The commit log is what makes a killed node lose acknowledged writes, or not."""
        return self._handle(
            "cassandra",
            lambda name, folder: Cassandra(name, folder, self.home, commitlog_sync, period_ms, compressed),
        )

    @overload
    def janusgraph(self, store: Literal["inmemory"] = "inmemory", *, server: int = 1) -> JanusGraph: ...
    @overload
    def janusgraph(
        self, store: Literal["cassandra"], *, server: int = 1, keyspace: str = "lineage"
    ) -> JanusGraphOnCassandra: ...
    @overload
    def janusgraph(self, store: Store = "inmemory", *, server: int = 1, keyspace: str = "lineage") -> JanusGraph: ...
    def janusgraph(self, store: Store = "inmemory", *, server: int = 1, keyspace: str = "lineage") -> JanusGraph:
        """A server by store and number; two numbers on one keyspace are two servers of one graph."""
        if store == "inmemory":
            return self._handle(_name(store, server), lambda name, folder: JanusGraph(name, folder, self.home))
        if not re.fullmatch(r"[a-z][a-z0-9_]{0,47}", keyspace):
            raise LocalStackError(f"A keyspace's name is small letters, digits and underscores, not {keyspace!r}.")
        return self._handle(
            _name(store, server, keyspace),
            lambda name, folder: JanusGraphOnCassandra(name, folder, self.home, self.cassandra(), keyspace, server),
        )

    def _handle(self, name: str, make: Callable[[str, Path], S]) -> S:
        return make(name, self.folder / name)

    def servers(self) -> list[Server]:
        """Every server that this stack has ever started, by what its folder is called."""
        names = sorted(path.parent.name for path in self.folder.glob("*/ports.json"))
        return [server for name in names if (server := self._named(name)) is not None]

    def _named(self, name: str) -> Server | None:
        if name == "kafka":
            return self.kafka()
        if name == "cassandra":
            return self.cassandra()
        found = re.fullmatch(r"janusgraph-(inmemory|cassandra)(?:-([a-z]\w*))?(?:-(\d+))?", name)
        if found is None:
            return None
        server = int(found[3] or 1)
        if found[1] == "inmemory":
            return self.janusgraph("inmemory", server=server)
        return self.janusgraph("cassandra", server=server, keyspace=found[2] or "lineage")

    def up(self, store: Stores = "inmemory") -> None:
        """Kafka and the graph side by side; what runs already is left alone."""
        with exclusive(self.folder / "lock", lambda: self.home.say(f"{self.name}: waiting for another up or down")):
            chains: list[Callable[[], None]] = [self.kafka().start]
            if store in ("inmemory", "both"):
                chains.append(self.janusgraph("inmemory").start)
            if store in ("cassandra", "both"):
                chains.append(self._start_on_cassandra)
            _together(chains)
            self._write_env_files()

    def _start_on_cassandra(self) -> None:
        self.cassandra().start()
        self.janusgraph("cassandra").start()

    @property
    def env_file(self) -> Path:
        return self.folder / "env"

    def environment(self, store: Store | None = None) -> dict[str, str]:
        """The settings that point the product at what runs; in-memory wins where no store is named and both run."""
        return settings([server for server in self.servers() if server.running], store)

    def _write_env_files(self) -> None:
        """One for each store that runs, and `env` for who does not care which."""
        for store, file in ((None, self.env_file), *((each, self._env_file_of(each)) for each in STORES)):
            values = self.environment(store)
            if "LINEAGE_GRAPH_URLS" in values:
                file.write_text(as_file(values), "utf-8")

    def _env_file_of(self, store: Store) -> Path:
        return self.folder / f"env.{store}"

    def down(self, wipe: bool = False) -> None:
        """Stop every server, Cassandra after those that write to it; data stays unless it is to be wiped."""
        if not self.folder.exists():
            return
        with exclusive(self.folder / "lock", lambda: self.home.say(f"{self.name}: waiting for another up or down")):
            servers = self.servers()
            _together([server.stop for server in servers if not isinstance(server, Cassandra)])
            _together([server.stop for server in servers if isinstance(server, Cassandra)])
            for file in (self.env_file, *map(self._env_file_of, STORES)):
                file.unlink(missing_ok=True)
            if wipe:
                shutil.rmtree(self.folder)


def _name(store: Store, server: int, keyspace: str = "lineage") -> str:
    parts = ("janusgraph", store, "" if keyspace == "lineage" else keyspace, str(server) if server > 1 else "")
    return "-".join(part for part in parts if part)


def _together(tasks: Iterable[Callable[[], None]]) -> None:
    """Run side by side and raise the first error; daemon threads, so that Ctrl-C is not held up by a slow start."""
    errors: list[Exception] = []

    def attempt(task: Callable[[], None]) -> None:
        try:
            task()
        except Exception as error:
            errors.append(error)

    threads = [threading.Thread(target=attempt, args=(task,), daemon=True) for task in tasks]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]

"""The servers of the tests on the published images, as docker-compose.yml runs them, each with a port on loopback.

Used where a Docker engine answers and has the images; LINEAGE_TEST_DOCKER=1 insists (and pulls), 0 forbids.
"""

from __future__ import annotations

import gc
import os
import time
import warnings
from collections.abc import Callable, Mapping, Sequence
from functools import cache, partial
from pathlib import Path
from typing import Any

import docker  # type: ignore[import-untyped]
import yaml
from testcontainers.core.config import testcontainers_config
from testcontainers.core.container import DockerContainer
from testcontainers.core.docker_client import DockerClient
from testcontainers.core.network import Network

from deploy.compose import IMAGES, MOUNTED, files, image
from deploy.local import probes
from deploy.local.config import LOOPBACK, free_ports, with_values
from deploy.local.errors import NotReady
from tests.servers import Store

COMPOSE = Path(__file__).parents[1] / "docker-compose.yml"
LABEL = "lineagegraph.tests"
START_SECONDS = 240
Changes = Mapping[str, Mapping[str, object]]


@cache
def why_not() -> str | None:
    """Why containers are not used, or None where they are."""
    wish = os.environ.get("LINEAGE_TEST_DOCKER", "")
    if wish == "0":
        return "LINEAGE_TEST_DOCKER=0 forbids containers"
    present, refusal = _images()
    if refusal and wish == "1":
        raise RuntimeError(f"LINEAGE_TEST_DOCKER=1, but no Docker engine answers ({refusal})")
    if refusal:
        return f"no Docker engine answers ({refusal})"
    missing = {image(component) for component in IMAGES} - present
    if missing and wish != "1":
        return f"the Docker engine has no image {', '.join(sorted(missing))} (LINEAGE_TEST_DOCKER=1 pulls them)"
    return None


def _images() -> tuple[set[str], str]:
    """The images of the engine, or why there is none."""
    with warnings.catch_warnings():
        # docker's own client leaves its socket open where no engine answers.
        warnings.simplefilter("ignore", ResourceWarning)
        try:
            return {tag for one in DockerClient().client.images.list() for tag in one.tags}, ""
        except docker.errors.DockerException as error:
            refusal = str(error)
        gc.collect()
        return set(), refusal


def sweep(session: str) -> None:
    """Remove the containers, volumes and networks of a session."""
    client = DockerClient().client
    mine = {"label": f"{LABEL}={session}"}
    for container in client.containers.list(all=True, filters=mine):
        container.remove(force=True, v=True)
    for network in client.networks.list(filters=mine):
        network.remove()


class Container:
    """One service of docker-compose.yml; its port and its data are kept over kill and start."""

    def __init__(self, name: str, service: str, session: Containers, changes: Callable[[int], Changes]) -> None:
        self.name = name
        (self.port,) = free_ports(1)
        self._service = service
        self._session = session
        self._changes = changes(self.port)
        self._made: Any = None  # docker's own object, once it was created

    @property
    def running(self) -> bool:
        return self._status() in ("running", "paused")

    def _status(self) -> str:
        if self._made is None:
            return "none"
        self._made.reload()
        return str(self._made.status)

    def start(self) -> None:
        if self._made is None:
            self._made = self._create()
        elif not self.running:
            self._made.start()
        self._await_ready()

    def _create(self) -> Any:
        said = yaml.safe_load(COMPOSE.read_text("utf-8"))["services"][self._service]
        container = DockerContainer(said["image"], command=said.get("command"), env=dict(said["environment"]))
        container.ports[str(INSIDE[self._service])] = (LOOPBACK, self.port)  # type: ignore[assignment]  # the engine takes it
        container.with_volume_mapping(self._configuration(), MOUNTED, "ro")
        container.with_network(self._session.network).with_network_aliases(self._service)
        container.with_kwargs(labels={LABEL: self._session.name})
        return container.start().get_wrapped_container()

    def _configuration(self) -> str:
        folder = self._session.folder / self.name
        folder.mkdir(parents=True)
        for name, text in files().items():
            (folder / name).write_text(with_values(text, self._changes.get(name, {})), "utf-8")
        return str(folder)

    def _await_ready(self) -> None:
        until = time.monotonic() + START_SECONDS
        while True:
            try:
                return PROBES[self._service](self.port, 30)
            except NotReady as error:
                if not self.running or time.monotonic() > until:
                    raise RuntimeError(f"{self.name}: {error}\n{self._made.logs(tail=30).decode()}") from None
                time.sleep(0.3)

    def stop(self) -> None:
        if self.running:
            self._made.stop(timeout=20)

    def kill(self) -> None:
        if self.running:
            self._made.kill()
            self._made.wait()

    def pause(self) -> None:
        self._made.pause()

    def resume(self) -> None:
        if self._status() == "paused":
            self._made.unpause()

    @property
    def bootstrap(self) -> str:
        return f"{LOOPBACK}:{self.port}"

    @property
    def url(self) -> str:
        return f"ws://{LOOPBACK}:{self.port}/gremlin"

    @property
    def address(self) -> tuple[str, int]:
        return LOOPBACK, self.port


INSIDE = {"kafka": 9092, "cassandra": 9042, "janusgraph": 8182}
PROBES: Mapping[str, Callable[[int, float], None]] = {
    "kafka": probes.kafka,
    "cassandra": probes.cassandra,
    "janusgraph": probes.janusgraph,
}


class Containers:
    """What `deploy.local.Stack` is, made of containers on one network."""

    def __init__(self, name: str, folder: Path) -> None:
        self.name = name
        self.folder = folder
        self._made: dict[str, Container] = {}
        self._network: Network | None = None

    @property
    def network(self) -> Network:
        if self._network is None:
            # The reaper is one more image to have; `sweep` does its work.
            testcontainers_config.ryuk_disabled = True
            self._network = Network(docker_network_kw={"labels": {LABEL: self.name}}).create()
        return self._network

    def servers(self) -> Sequence[Container]:
        return list(self._made.values())

    def kafka(self) -> Container:
        return self._container("kafka", "kafka", _kafka)

    def cassandra(self) -> Container:
        return self._container("cassandra", "cassandra", lambda port: {})

    def janusgraph(self, store: Store = "inmemory", *, server: int = 1) -> Container:
        name = f"janusgraph-{store}" + (f"-{server}" if server > 1 else "")
        return self._container(name, "janusgraph", partial(_janusgraph, store, server))

    def _container(self, name: str, service: str, changes: Callable[[int], Changes]) -> Container:
        if name not in self._made:
            self._made[name] = Container(name, service, self, changes)
        return self._made[name]


def _kafka(port: int) -> Changes:
    return {"kafka.properties": {"advertised.listeners": f"INSIDE://kafka:29092,OUTSIDE://{LOOPBACK}:{port}"}}


def _janusgraph(store: Store, server: int, _: int) -> Changes:
    return {
        "janusgraph-server.yaml": {"graphs": f"{{graph: {MOUNTED}/janusgraph-{store}.properties}}"},
        "janusgraph-cassandra.properties": {"graph.unique-instance-id": f"lineagegraph-{server}"},
    }

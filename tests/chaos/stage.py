"""The servers of a chaos run: a broker that consumers reach only through a proxy, the graph likewise, and Cassandra."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from deploy.local import Cassandra, JanusGraph, Stack
from deploy.local.config import LOOPBACK, free_ports, with_values
from deploy.local.kafka import Kafka
from tests.chaos.proxy import Proxy, standing

PERIOD_MS = 4000  # what Cassandra acknowledged less than this ago is lost when it is killed
SYNC = 6  # seconds until it is surely on disk


class ProxiedKafka(Kafka):
    """A second listener tells its clients to come through the proxy; a client learns a broker's address from itself."""

    proxied_port = 0  # of the second listener
    proxy_port = 0  # of the way to it

    def _prepare(self, java: Path, jars: Path) -> None:
        super()._prepare(java, jars)
        client, controller = (f"{LOOPBACK}:{self.ports[name]}" for name in self.port_names)
        proxied = f"{LOOPBACK}:{self.proxied_port}"
        properties = self.folder / "kafka.properties"
        values = {
            "listeners": f"PLAINTEXT://{client},CONTROLLER://{controller},PROXIED://{proxied}",
            "advertised.listeners": f"PLAINTEXT://{client},PROXIED://{LOOPBACK}:{self.proxy_port}",
            "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,PROXIED:PLAINTEXT",
        }
        properties.write_text(with_values(properties.read_text("utf-8"), values), "utf-8")


class ChaosStack(Stack):
    """A stack whose broker is that one."""

    def kafka(self) -> ProxiedKafka:
        return self._handle("kafka", lambda name, folder: ProxiedKafka(name, folder, self.home))


@dataclass
class Stage:
    """Servers at work and the proxies before them."""

    kafka: ProxiedKafka
    graph: JanusGraph
    cassandra: Cassandra
    kafka_proxy: Proxy
    graph_proxy: Proxy

    @property
    def bootstrap(self) -> str:
        """Kafka as the consumers reach it."""
        return f"{LOOPBACK}:{self.kafka_proxy.port}"

    @property
    def graph_url(self) -> str:
        """The graph as the consumers reach it."""
        return f"ws://{LOOPBACK}:{self.graph_proxy.port}/gremlin"

    @property
    def proxies(self) -> tuple[Proxy, Proxy]:
        return self.kafka_proxy, self.graph_proxy


@contextmanager
def stage(stack: ChaosStack) -> Iterator[Stage]:
    """Everything started; all of it is stopped and wiped in the end."""
    with ExitStack() as held:
        held.callback(stack.down, wipe=True)
        kafka, graph = stack.kafka(), stack.janusgraph("cassandra")
        cassandra = stack.cassandra(period_ms=PERIOD_MS, compressed=True)  # one that loses all of its last period
        ports = free_ports(3, {*kafka.ports.values(), *cassandra.ports.values(), *graph.ports.values()})
        kafka.proxy_port, _, kafka.proxied_port = ports
        to_kafka = held.enter_context(standing(Proxy(ports[0], kafka.proxied_port, kafka=True)))
        to_graph = held.enter_context(standing(Proxy(ports[1], graph.ports["gremlin"])))
        for server in (kafka, cassandra, graph):
            server.start()
        yield Stage(kafka, graph, cassandra, to_kafka, to_graph)

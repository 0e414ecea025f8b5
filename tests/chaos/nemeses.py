"""The nemeses: everything that is done to the product and to the servers it stands on, as rows of one table.

Each returns when what it did is undone, so that from then on the time to recover can be measured.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from dataclasses import dataclass, replace

from deploy.local.server import Server
from tests.chaos.group import Group, Member
from tests.chaos.proxy import HEALTHY, PRODUCE, Fault, Proxy
from tests.chaos.stage import Stage
from tests.lineagegraph.chaos import start

SESSION = 6  # seconds that the group waits for a silent member


@dataclass
class Harm:
    """What a nemesis may touch."""

    pick: random.Random
    group: Group
    stage: Stage
    server_kills: int = 0

    def some(self) -> Member:
        """One of the members."""
        return self.pick.choice(self.group.members)

    def kill(self, server: Server) -> None:
        """kill -9 of a server, and a start after a while."""
        server.kill()
        self.server_kills += 1
        time.sleep(self.pick.uniform(0, 3))
        start(server)

    def freeze(self, server: Server, seconds: float) -> None:
        """SIGSTOP of a server for so long."""
        server.pause()
        time.sleep(seconds)
        server.resume()

    def fault(self, proxy: Proxy, fault: Fault, seconds: float) -> None:
        """A network that does this for so long; often somebody is killed meanwhile."""
        proxy.set(fault)
        time.sleep(seconds / 2)
        if self.pick.random() < 0.3:
            self.group.kill(self.some())
        time.sleep(seconds / 2)
        proxy.set(HEALTHY)


def _kill(harm: Harm) -> None:
    harm.group.kill(harm.some())


def _kill_all(harm: Harm) -> None:
    for member in list(harm.group.members):
        harm.group.kill(member, again=False)
    harm.group.fill()


def _kill_when(event: str) -> Callable[[Harm], None]:
    """kill -9 at the moment at which a consumer says this."""

    def strike(harm: Harm) -> None:
        member = harm.some()
        if member.says(event, 10):
            harm.group.kill(member)

    return strike


def _kill_assigned(harm: Harm) -> None:
    member = harm.group.add()  # makes the group form anew
    for other in (member, harm.some()):
        if other.lines("assigned") or other.says("assigned", 15):
            harm.group.kill(other, again=False)
    harm.group.fill()


def _kill_rewinding(harm: Harm) -> None:
    member = harm.some()
    harm.stage.graph_proxy.set(replace(HEALTHY, accepts=False))
    member.says("graph outage", 15)
    harm.stage.graph_proxy.set(HEALTHY)
    if member.says("graph back", 30):
        harm.group.kill(member)


def _kill_ending(harm: Harm) -> None:
    member = harm.some()
    harm.group.leave(member)
    time.sleep(harm.pick.uniform(0, 2))
    if member.alive:
        member.process.kill()
        harm.group.kills += 1
    harm.group.fill()


def _kill_starting(harm: Harm) -> None:
    harm.group.kill(harm.some())
    for _ in range(2):
        time.sleep(harm.pick.uniform(0, 3))
        harm.group.kill(harm.group.members[-1])


def _freeze(harm: Harm) -> None:
    harm.group.freeze(harm.some(), SESSION + harm.pick.uniform(2, 6))


def _leave(harm: Harm) -> None:
    harm.group.leave(harm.some())
    harm.group.fill()


def _storm(harm: Harm) -> None:
    for _ in range(4):
        if harm.pick.random() < 0.5:
            harm.group.add()
        else:
            harm.group.leave(harm.some())
        time.sleep(harm.pick.uniform(0.3, 3))
        harm.group.fill()
    while len(harm.group.members) > harm.group.size:
        harm.group.leave(harm.some())


def _restart(harm: Harm) -> None:
    harm.stage.kafka.stop()
    start(harm.stage.kafka)


def _away(harm: Harm) -> None:
    harm.stage.graph.stop()
    time.sleep(harm.pick.uniform(1, 10))
    start(harm.stage.graph)


def _network(proxy: Callable[[Stage], Proxy], fault: Fault, least: float, most: float) -> Callable[[Harm], None]:
    return lambda harm: harm.fault(proxy(harm.stage), fault, harm.pick.uniform(least, most))


def _cut(proxy: Callable[[Stage], Proxy]) -> Callable[[Harm], None]:
    def strike(harm: Harm) -> None:
        for _ in range(8):
            proxy(harm.stage).cut()
            time.sleep(harm.pick.uniform(0.1, 1.5))

    return strike


def _to_kafka(stage: Stage) -> Proxy:
    return stage.kafka_proxy


def _to_graph(stage: Stage) -> Proxy:
    return stage.graph_proxy


@dataclass(frozen=True, slots=True)
class Nemesis:
    """One row; `slow` ones take minutes and are left out of short runs."""

    name: str
    strike: Callable[[Harm], None]
    slow: bool = False


LATE, SILENT = replace(HEALTHY, delay=0.2), replace(HEALTHY, requests=False, answers=False)
DEAF, GONE = replace(HEALTHY, answers=False), replace(HEALTHY, accepts=False)
NO_LETTERS = replace(HEALTHY, refused=frozenset({PRODUCE}))

TABLE: tuple[Nemesis, ...] = (
    Nemesis("consumer: kill -9", _kill),
    Nemesis("consumer: kill -9 of all", _kill_all),
    Nemesis("consumer: kill -9 after a write, before its commit", _kill_when("batch")),
    Nemesis("consumer: kill -9 at an assignment", _kill_assigned),
    Nemesis("consumer: kill -9 while going back after an outage", _kill_rewinding),
    Nemesis("consumer: kill -9 while it ends", _kill_ending),
    Nemesis("consumer: kill -9 while it starts", _kill_starting),
    Nemesis("consumer: frozen beyond its session", _freeze),
    Nemesis("consumer: leaves, another one comes", _leave),
    Nemesis("group: storm of rebalances", _storm),
    Nemesis("Kafka: kill -9", lambda harm: harm.kill(harm.stage.kafka)),
    Nemesis("Kafka: restart, the coordinator loads anew", _restart),
    Nemesis("Kafka: frozen", lambda harm: harm.freeze(harm.stage.kafka, harm.pick.uniform(3, 10))),
    Nemesis("Kafka: network late", _network(_to_kafka, LATE, 5, 10)),
    Nemesis("Kafka: connections cut", _cut(_to_kafka)),
    Nemesis("Kafka: network silent", _network(_to_kafka, SILENT, 5, 12)),
    Nemesis("Kafka: answers lost", _network(_to_kafka, DEAF, 3, 8)),
    Nemesis("Kafka: unreachable", _network(_to_kafka, GONE, 5, 15)),
    Nemesis("dead-letter topic: unreachable", _network(_to_kafka, NO_LETTERS, 10, 40)),
    Nemesis("graph: kill -9", lambda harm: harm.kill(harm.stage.graph)),
    Nemesis("graph: away", _away),
    Nemesis("graph: frozen", lambda harm: harm.freeze(harm.stage.graph, harm.pick.uniform(2, 10))),
    Nemesis("graph: network late", _network(_to_graph, LATE, 5, 10)),
    Nemesis("graph: connections cut", _cut(_to_graph)),
    Nemesis("graph: network silent", _network(_to_graph, SILENT, 4, 12)),
    Nemesis("graph: answers lost", _network(_to_graph, DEAF, 3, 8)),
    Nemesis("Cassandra: frozen", lambda harm: harm.freeze(harm.stage.cassandra, harm.pick.uniform(1, 8))),
    Nemesis("Cassandra: kill -9", lambda harm: harm.kill(harm.stage.cassandra), slow=True),
)


def heal(stage: Stage) -> None:
    """Everything is well again."""
    for proxy in stage.proxies:
        proxy.set(HEALTHY)
    for server in (stage.kafka, stage.cassandra, stage.graph):
        server.resume()
        start(server)

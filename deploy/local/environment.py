"""What runs, told in the settings of the product."""

from __future__ import annotations

import math
import shlex
from collections.abc import Mapping, Sequence

from deploy.local.cassandra import Cassandra
from deploy.local.janusgraph import JanusGraph, JanusGraphOnCassandra, Store
from deploy.local.kafka import Kafka
from deploy.local.server import Server

STORES: tuple[Store, ...] = ("inmemory", "cassandra")


def settings(running: Sequence[Server], store: Store | None = None) -> dict[str, str]:
    """The settings that point the product at these servers; in-memory wins where no store is named and both run."""
    found: dict[str, str] = {}
    for kafka in (server for server in running if isinstance(server, Kafka)):
        found["LINEAGE_KAFKA_BOOTSTRAP_SERVERS"] = kafka.bootstrap
    for each in STORES if store is None else (store,):
        if urls := _urls(running, each):
            found["LINEAGE_GRAPH_URLS"] = ",".join(urls)
            found["LINEAGE_GRAPH_SYNC_SECONDS"] = "0" if each == "inmemory" else _sync(running)
            break
    return found


def as_file(values: Mapping[str, str]) -> str:
    """Lines for `set -a; . file`."""
    return "".join(f"{name}={shlex.quote(value)}\n" for name, value in values.items())


def _urls(running: Sequence[Server], store: Store) -> list[str]:
    """The servers of the stack's graph in a store. Each in-memory server has a graph of its own: the first counts."""
    graphs = [server for server in running if isinstance(server, JanusGraph) and server.store == store]
    if store == "inmemory":
        return [graph.url for graph in graphs if graph.name == "janusgraph-inmemory"]
    return [graph.url for graph in graphs if isinstance(graph, JanusGraphOnCassandra) and graph.keyspace == "lineage"]


def _sync(running: Sequence[Server]) -> str:
    """Whole seconds until what was acknowledged is on disk, with a second for the sync itself."""
    seconds = max((node.sync_seconds for node in running if isinstance(node, Cassandra)), default=0.0)
    return str(math.ceil(seconds) + 1 if seconds else 0)

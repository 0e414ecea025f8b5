"""What runs on the published images: their versions are those of the jar lock, their configuration is that of the local
stack with a few values changed. `python -m deploy.compose` writes conf/; docker-compose.yml mounts it.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from deploy.local.config import template, with_values
from deploy.local.jars import locked
from deploy.monitoring.servers import jmx_rules

CONF = Path(__file__).with_name("conf")
MOUNTED = "/etc/lineagegraph"  # where a container finds conf/
# By component: the image's repository, and the artifact whose version it has.
IMAGES = {
    "kafka": ("apache/kafka", "kafka_2.13"),
    "janusgraph": ("janusgraph/janusgraph", "janusgraph-server"),
    "cassandra": ("cassandra", "cassandra-all"),
}
# By file of deploy/local/conf: the values that differ. Names are those of the services.
CHANGES: Mapping[str, Mapping[str, str]] = {
    "kafka.properties": {
        "listeners": "INSIDE://:29092,OUTSIDE://:9092,CONTROLLER://127.0.0.1:9093",
        "advertised.listeners": "INSIDE://kafka:29092,OUTSIDE://127.0.0.1:9092",
        "inter.broker.listener.name": "INSIDE",
        "listener.security.protocol.map": "INSIDE:PLAINTEXT,OUTSIDE:PLAINTEXT,CONTROLLER:PLAINTEXT",
        "log.dirs": "/var/lib/kafka/data",
    },
    "cassandra.yaml": {
        "rpc_address": "cassandra",
        "commitlog_sync_period": "2000ms",
        "data_file_directories": "[/var/lib/cassandra/data]",
        "commitlog_directory": "/var/lib/cassandra/commitlog",
        "saved_caches_directory": "/var/lib/cassandra/saved_caches",
        "hints_directory": "/var/lib/cassandra/hints",
        "cdc_raw_directory": "/var/lib/cassandra/cdc_raw",
    },
    "janusgraph-cassandra.properties": {"storage.hostname": "cassandra"},
    "janusgraph-inmemory.properties": {},
    "janusgraph-init.groovy": {},
    "janusgraph-server.yaml": {
        "host": "0.0.0.0",  # noqa: S104  (all of the container's; only loopback's is published)
        "graphs": "{graph: conf/janusgraph-cassandra.properties}",
    },
}
NOTE = "# Made by `python -m deploy.compose` from deploy/local/conf; do not edit.\n"


def image(component: str) -> str:
    """The published image of a component."""
    repository, artifact = IMAGES[component]
    return f"{repository}:{next(jar.parts[2] for jar in locked(component) if jar.parts[1] == artifact)}"


def files() -> dict[str, str]:
    """By name: the configuration as a container finds it under MOUNTED."""
    made = {name: with_values(template(name), changes) for name, changes in CHANGES.items()}
    made["janusgraph-server.yaml"] = made["janusgraph-server.yaml"].replace("conf/", f"{MOUNTED}/")
    noted = {name: text if name.endswith(".groovy") else _noted(text) for name, text in made.items()}
    # The exporter shares the node's network, where JMX stays on loopback.
    return noted | {"cassandra-jmx.yml": NOTE + jmx_rules("127.0.0.1:7199")}


def _noted(text: str) -> str:
    """The template's first line says what the file is; that the local stack replaces values is not true here."""
    first, _, rest = text.partition("\n")
    return f"{first.split('. The local stack')[0].rstrip('.')}.\n{NOTE}{rest}"

"""The local stack: real Kafka, JanusGraph and Cassandra as processes on loopback; Python alone is enough."""

import sys

if sys.version_info < (3, 11):  # noqa: UP036  (said here, before anything that an older Python cannot read)
    raise SystemExit("The local stack needs Python 3.11 or newer; this is {}.{}.".format(*sys.version_info))
if sys.platform == "win32":
    raise SystemExit("The local stack runs on Linux and macOS; on Windows use WSL, or docker-compose.yml.")

from deploy.local.cassandra import Cassandra
from deploy.local.errors import LocalStackError
from deploy.local.home import Home
from deploy.local.janusgraph import JanusGraph, JanusGraphOnCassandra
from deploy.local.kafka import Kafka
from deploy.local.stack import Stack

__all__ = ["Cassandra", "Home", "JanusGraph", "JanusGraphOnCassandra", "Kafka", "LocalStackError", "Stack"]

"""A Kafka of several brokers on the wire, inside the test's process: the mock cluster of librdkafka.

It ships in the confluent-kafka wheel. It speaks the real protocol and can be told to fail, which a real
broker cannot; it keeps about 5 MB per partition and does not look into record batches.
"""

from __future__ import annotations

import ctypes
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

import confluent_kafka

FETCH, OFFSET_COMMIT, JOIN_GROUP, HEARTBEAT = 1, 8, 11, 12  # keys of the protocol's requests
NOT_LEADER, COORDINATOR_LOADING, NOT_COORDINATOR, REBALANCE_IN_PROGRESS = 6, 14, 16, 27
PRODUCER = 0
OURS = {"t.g.dlq": 3, "t.g.retry": 1, "t.g.dlq.ledger": 1}  # of topic `t` and group `g`
WITHOUT_RESULT = ("push_request_errors_array", "group_initial_rebalance_delay_ms")


def _library() -> ctypes.CDLL:
    folder = Path(confluent_kafka.__file__).parents[1] / "confluent_kafka.libs"
    (path,) = folder.glob("librdkafka*.so*")
    library = ctypes.CDLL(str(path))
    for name, result in {
        "rd_kafka_conf_new": ctypes.c_void_p,
        "rd_kafka_new": ctypes.c_void_p,
        "rd_kafka_mock_cluster_new": ctypes.c_void_p,
        "rd_kafka_mock_cluster_bootstraps": ctypes.c_char_p,
    }.items():
        getattr(library, name).restype = result
    return library


@cache
def _client() -> tuple[ctypes.CDLL, int]:
    """The client that all clusters of the process belong to; ending one would take a second."""
    library, error = _library(), ctypes.create_string_buffer(512)
    configuration = ctypes.c_void_p(library.rd_kafka_conf_new())
    for name, value in ((b"log_level", b"0"), (b"bootstrap.servers", b"127.0.0.1:1")):
        library.rd_kafka_conf_set(configuration, name, value, error, ctypes.c_size_t(512))
    return library, library.rd_kafka_new(PRODUCER, configuration, error, ctypes.c_size_t(512))


class MockKafka:
    """The cluster; brokers are numbered from 1."""

    def __init__(self, library: ctypes.CDLL, cluster: int, brokers: int) -> None:
        self._library = library
        self._cluster = ctypes.c_void_p(cluster)
        self.brokers = range(1, brokers + 1)
        self.bootstrap: str = library.rd_kafka_mock_cluster_bootstraps(self._cluster).decode()

    def create(self, topic: str, partitions: int) -> None:
        """A topic; this is the only way to make one."""
        self._call("topic_create", topic.encode(), partitions, 1)

    def fail(self, request: int, *codes: int) -> None:
        """The next requests of that kind are answered with these error codes."""
        array = (ctypes.c_int * len(codes))(*codes)
        self._call("push_request_errors_array", ctypes.c_int16(request), ctypes.c_size_t(len(codes)), array)

    def down(self, *brokers: int) -> None:
        """These brokers (all, if none is named) refuse connections."""
        for broker in brokers or self.brokers:
            self._call("broker_set_down", ctypes.c_int32(broker))

    def up(self, *brokers: int) -> None:
        """They answer again."""
        for broker in brokers or self.brokers:
            self._call("broker_set_up", ctypes.c_int32(broker))

    def coordinate(self, group: str, broker: int) -> None:
        """That broker coordinates the group from now on."""
        self._call("coordinator_set", b"group", group.encode(), ctypes.c_int32(broker))

    def lead(self, topic: str, partition: int, broker: int) -> None:
        """That broker leads the partition from now on."""
        self._call("partition_set_leader", topic.encode(), ctypes.c_int32(partition), ctypes.c_int32(broker))

    def _call(self, name: str, *arguments: object) -> None:
        code = getattr(self._library, f"rd_kafka_mock_{name}")(self._cluster, *arguments)
        if name not in WITHOUT_RESULT and code:
            raise RuntimeError(f"{name} failed with {code}")


@contextmanager
def mock_kafka(topics: dict[str, int], brokers: int = 1) -> Iterator[MockKafka]:
    """A cluster with these topics and their numbers of partitions."""
    library, client = _client()
    cluster = library.rd_kafka_mock_cluster_new(ctypes.c_void_p(client), brokers)
    made = MockKafka(library, cluster, brokers)
    made._call("group_initial_rebalance_delay_ms", ctypes.c_int32(0))
    try:
        for topic, partitions in topics.items():
            made.create(topic, partitions)
        yield made
    finally:
        library.rd_kafka_mock_cluster_destroy(ctypes.c_void_p(cluster))

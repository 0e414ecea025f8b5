"""A Kafka of several brokers on the wire, inside the test's process: the mock cluster of librdkafka.

It ships in the confluent-kafka wheel. It speaks the real protocol and can be told to fail, which a real
broker cannot; it keeps about 5 MB per partition and does not look into record batches.
"""

from __future__ import annotations

import ctypes
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import confluent_kafka

FETCH, OFFSET_COMMIT, JOIN_GROUP, HEARTBEAT = 1, 8, 11, 12  # keys of the protocol's requests
COORDINATOR_LOADING, NOT_COORDINATOR, REBALANCE_IN_PROGRESS = 14, 16, 27
PRODUCER = 0


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
        if name not in ("push_request_errors_array",) and code:
            raise RuntimeError(f"{name} failed with {code}")


@contextmanager
def mock_kafka(topics: dict[str, int], brokers: int = 1) -> Iterator[MockKafka]:
    """A cluster with these topics and their numbers of partitions."""
    library = _library()
    error = ctypes.create_string_buffer(512)
    configuration = ctypes.c_void_p(library.rd_kafka_conf_new())
    client = library.rd_kafka_new(PRODUCER, configuration, error, ctypes.c_size_t(512))
    cluster = library.rd_kafka_mock_cluster_new(ctypes.c_void_p(client), brokers)
    made = MockKafka(library, cluster, brokers)
    try:
        for topic, partitions in topics.items():
            made.create(topic, partitions)
        yield made
    finally:
        library.rd_kafka_mock_cluster_destroy(ctypes.c_void_p(cluster))
        library.rd_kafka_destroy(ctypes.c_void_p(client))


def codes(code: int, times: int) -> Sequence[int]:
    """The same error several times."""
    return [code] * times

"""Readiness by the server's own protocol, down to its store: an open port or a ping proves nothing."""

from __future__ import annotations

import http.client
import json
import socket
import struct
import urllib.error
import urllib.request

from deploy.local.config import LOOPBACK
from deploy.local.errors import Broken, NotReady

STORE_READ = "g.V('meta:schema').count().next()"


def kafka(port: int, timeout: float) -> None:
    """A Metadata answer that lists a broker: one that is still fenced is not listed."""
    client = b"lineagegraph"
    # Metadata version 4, no topics, no automatic creation.
    body = struct.pack(">hhih", 3, 4, 1, len(client)) + client + struct.pack(">i?", 0, False)
    try:
        with socket.create_connection((LOOPBACK, port), timeout) as connection:
            connection.sendall(struct.pack(">i", len(body)) + body)
            (size,) = struct.unpack(">i", _exactly(connection, 4))
            answer = _exactly(connection, size)
    except OSError as error:
        raise NotReady(f"no Kafka answer on port {port}: {error}") from None
    # Correlation id, throttle time, number of brokers.
    if struct.unpack_from(">iii", answer)[2] < 1:
        raise NotReady("the broker is not registered with its controller yet")


def cassandra(port: int, timeout: float, host: str = LOOPBACK) -> None:
    """A read of system.local by the native protocol that says the node has joined."""
    try:
        rows = cql(host, port, "SELECT bootstrapped FROM system.local", timeout)
    except OSError as error:
        raise NotReady(f"no Cassandra answer on port {port}: {error}") from None
    if b"COMPLETED" not in rows:
        raise NotReady("the node has not joined its ring yet")


def cql(host: str, port: int, query: str, timeout: float) -> bytes:
    """What a node answers to a statement, as sent. Raises OSError, also for what the node refuses."""
    text = query.encode()
    body = struct.pack(">i", len(text)) + text + struct.pack(">hB", 1, 0)
    version = b"CQL_VERSION", b"3.0.0"
    startup = struct.pack(">h", 1) + b"".join(struct.pack(">h", len(part)) + part for part in version)
    with socket.create_connection((host, port), timeout) as connection:
        connection.settimeout(timeout)
        _cql(connection, 0x01, startup)
        return _cql(connection, 0x07, body)


def _cql(connection: socket.socket, opcode: int, body: bytes) -> bytes:
    connection.sendall(struct.pack(">BBhBi", 4, 0, 0, opcode, len(body)) + body)
    _, _, _, kind, size = struct.unpack(">BBhBi", _exactly(connection, 9))
    answer = _exactly(connection, size)
    if kind == 0x00:
        raise OSError(answer[6:].decode("utf-8", "replace"))
    return answer


def _exactly(connection: socket.socket, size: int) -> bytes:
    received = b""
    while len(received) < size:
        piece = connection.recv(size - len(received))
        if not piece:
            raise ConnectionError("the connection was closed")
        received += piece
    return received


def janusgraph(port: int, timeout: float) -> None:
    """A read through the graph's store, by HTTP on the port that speaks WebSocket as well."""
    body = json.dumps({"gremlin": STORE_READ}).encode()
    request = urllib.request.Request(f"http://{LOOPBACK}:{port}/gremlin", body, {"Content-Type": "application/json"})
    # No proxy: an environment's http_proxy must not carry a request for loopback away.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(request, timeout=timeout) as answer:
            answer.read()
    except urllib.error.HTTPError as error:
        with error:
            message = _message(error.read())
        if "No such property: g " in message:
            raise Broken("the server runs, but its graph could not be opened") from None
        raise NotReady(f"the store read failed: {message}") from None
    except (OSError, http.client.HTTPException) as error:
        raise NotReady(f"no JanusGraph answer on port {port}: {error}") from None


def _message(body: bytes) -> str:
    try:
        return str(json.loads(body).get("message", ""))[:300]
    except (ValueError, AttributeError):
        return body[:300].decode("utf-8", "replace")

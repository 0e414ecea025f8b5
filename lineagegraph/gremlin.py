"""Supervised connections to Gremlin Servers: every request ends by a deadline, with its own reply or an error of ours.

After a timeout gremlinpython can hand a reply to the wrong caller, and after a failed connect it waits for ever.
So a connection is thrown away after every error that did not come from the server, and a reply must echo the
request's key.
"""

from __future__ import annotations

import asyncio
import logging
import queue
import secrets
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache
from importlib.resources import files
from typing import Any
from urllib.parse import urlsplit

import orjson
from gremlin_python.driver.client import Client
from gremlin_python.driver.protocol import ConfigurationError, GremlinServerError
from gremlin_python.driver.serializer import GraphBinarySerializersV1

from lineagegraph.errors import GraphRejected, GraphUnavailable
from lineagegraph.settings import GraphSettings
from lineagegraph.transport import Transport, unreached

COMPILING = 30.0  # seconds that the first request with a script may take on a cold server
READ_AHEAD = 8  # messages of a stream that may wait for us

# Root causes that would be the same again. Whatever else goes wrong may go right later.
PERMANENT = (
    "org.janusgraph.core.SchemaViolationException",
    "java.lang.IllegalArgumentException",
    "java.lang.ClassCastException",
    "org.apache.tinkerpop.shaded.jackson.",
    "org.codehaus.groovy.control.",
    "groovy.lang.",
)
SCRIPT_FAILED = (500, 597)
UNAUTHORIZED = (401, 403)
SHIPPED = 65_536  # bytes of a request: JanusGraph's own maxContentLength; a larger request ends the connection
_LARGE = (
    " If it goes on, the server's maxContentLength is smaller than this request of {:,} bytes: raise it, or lower "
    "LINEAGE_GRAPH_REQUEST_BYTES."
)
NOT_TAKEN = (498, 499)  # the request itself is refused: no such traversal source, no evaluation of scripts

# It logs whole messages, and they hold the content of events; what went wrong is in our errors.
logging.getLogger("gremlinpython").setLevel(logging.CRITICAL)

Reply = dict[str, Any]


@cache
def script(name: str) -> str:
    """The constant text of one of our scripts."""
    return files("lineagegraph").joinpath("scripts", f"{name}.groovy").read_text(encoding="utf-8")


def request_key() -> str:
    """What a reply must echo."""
    return secrets.token_hex(8)


class Connection:
    """One connection, for one thread at a time; opened when needed and replaced when in doubt."""

    def __init__(self, settings: GraphSettings, first: int = 0) -> None:
        self._settings = settings
        self._at = first % len(settings.urls)
        self._client: Client | None = None
        self._transport: Transport | None = None
        self._compiled: set[str] = set()
        self._sent = 0  # bytes of the request under way

    def ask(self, name: str, key: str, body: str, seconds: float | None = None) -> Reply:
        """Run a script with this JSON text; its reply. Raises GraphRejected, GraphUnavailable."""
        limit = seconds or self._settings.timeout_seconds
        with self._consequences():
            results = self._submit(name, body, limit).all().result(limit + COMPILING)
            self._compiled.add(name)
            return _echoed(results, key)

    def stream(self, name: str, key: str, body: str, seconds: float) -> Iterator[Reply]:
        """Run a script that gives many replies, within so many seconds in all."""
        room = threading.Semaphore(READ_AHEAD)
        finished = False
        try:
            with self._consequences():
                results = self._submit(name, body, seconds, room)
                while not (results.done.done() and results.stream.empty()):
                    try:
                        page = results.stream.get(timeout=0.2)
                    except queue.Empty:
                        continue
                    yield _echoed(page, key)
                    room.release()
                results.done.result()
                finished = True
        finally:
            if not finished:
                self.close()

    def close(self) -> None:
        """Close; the next request opens again."""
        client, transport, self._client, self._transport = self._client, self._transport, None, None
        self._compiled.clear()
        if transport is not None:
            transport.abort()
        if client is not None:
            with suppress(Exception):
                client.close()
        if transport is not None:
            transport.close()

    @property
    def host(self) -> str:
        """The server that is, or will be, asked."""
        return urlsplit(self._settings.urls[self._at]).netloc.rpartition("@")[2]

    def _submit(self, name: str, body: str, seconds: float, room: threading.Semaphore | None = None) -> Any:
        if name not in self._compiled:
            seconds = max(seconds, COMPILING)
        # The server gives up before we do, so that a slow request does not cost the connection.
        options = {"evaluationTimeout": int(seconds * 900), "batchSize": 1}
        self._sent = len(script(name)) + len(body)
        for attempt in range(len(self._settings.urls)):
            client, transport = self._open()
            transport.deadline = time.monotonic() + seconds
            transport.room = room
            transport.patience = None if room is None else max(self._settings.timeout_seconds, COMPILING)
            try:
                return client.submit_async(script(name), {"b": body}, options).result(seconds + COMPILING)
            except Exception:
                if transport.connected or attempt + 1 == len(self._settings.urls):
                    raise
                self._next_server()
        raise AssertionError("unreachable")

    def _open(self) -> tuple[Client, Transport]:
        if self._client is None or self._transport is None:
            settings = self._settings
            transport = self._transport = Transport(settings.connect_seconds, settings.tls_ca_file)
            self._client = Client(
                settings.urls[self._at],
                settings.traversal_source,
                pool_size=1,
                max_workers=1,
                transport_factory=lambda: transport,
                message_serializer=GraphBinarySerializersV1(),
                username=settings.username or "",
                password=settings.password or "",
            )
        return self._client, self._transport

    def _next_server(self) -> None:
        self.close()
        self._at = (self._at + 1) % len(self._settings.urls)

    @contextmanager
    def _consequences(self) -> Iterator[None]:
        """Every failure as one of our errors, without its message, which may quote an event."""
        with suppress(RuntimeError):
            asyncio.get_running_loop()
            raise AssertionError("the graph is asked from worker threads, never on an event loop")
        try:
            yield
        except GremlinServerError as error:
            raise _consequence(error, self.host, self._settings.traversal_source) from None
        except GeneratorExit:
            raise
        except GraphUnavailable:
            self._next_server()
            raise
        except Exception as error:
            host, reached = self.host, self._transport is not None and self._transport.connected
            self._next_server()
            if isinstance(error, ConfigurationError):
                raise GraphUnavailable(_unauthorized(host)) from None
            if not reached:
                raise GraphUnavailable(unreached(error, host)) from None
            large = _LARGE.format(self._sent) if self._sent > SHIPPED and isinstance(error, ConnectionError) else ""
            raise GraphUnavailable(f"The graph at {host} did not answer ({type(error).__name__}).{large}") from None


class Connections:
    """A few connections that threads take in turn."""

    def __init__(self, settings: GraphSettings) -> None:
        self._settings = settings
        self._idle: queue.LifoQueue[Connection] = queue.LifoQueue()
        for number in reversed(range(settings.connections)):
            self._idle.put(Connection(settings, number))
        self._closed = False

    def ask(self, name: str, key: str, body: str, seconds: float | None = None) -> Reply:
        """As Connection.ask, on whichever is free."""
        try:
            connection = self._idle.get(timeout=self._settings.timeout_seconds)
        except queue.Empty:
            raise GraphUnavailable(
                f"All {self._settings.connections} connections to the graph are busy; it answers too slowly."
            ) from None
        try:
            return connection.ask(name, key, body, seconds)
        finally:
            if self._closed:
                connection.close()
            self._idle.put(connection)

    def close(self) -> None:
        """Close those that are idle now, and the others when their request has ended."""
        self._closed = True
        waiting = []
        with suppress(queue.Empty):
            while True:
                waiting.append(self._idle.get_nowait())
        for connection in waiting:
            connection.close()
            self._idle.put(connection)


def _echoed(results: list[Any], key: str) -> Reply:
    if len(results) == 1 and isinstance(results[0], str):
        reply: Reply = orjson.loads(results[0])
        if reply.get("k") == key:
            return reply
    raise GraphUnavailable("A reply of the graph belongs to another request; the connection was replaced.")


def _consequence(error: GremlinServerError, host: str, source: str = "g") -> GraphRejected | GraphUnavailable:
    if error.status_code in UNAUTHORIZED:
        return GraphUnavailable(_unauthorized(host))
    if error.status_code in NOT_TAKEN or "GremlinScriptEngine" in str(error):
        return GraphUnavailable(
            f"The server at {host} takes no scripts for a traversal source {source!r}. Set "
            "LINEAGE_GRAPH_TRAVERSAL_SOURCE to the one that it has, and let it evaluate gremlin-groovy scripts "
            "(scriptEngines in its configuration): lineagegraph sends all its work as scripts."
        )
    causes = [str(cause) for cause in (error.status_attributes or {}).get("exceptions", ())]
    name = causes[-1].rpartition(".")[2] if causes else f"status {error.status_code}"
    if error.status_code in SCRIPT_FAILED and any(cause.startswith(PERMANENT) for cause in causes):
        return GraphRejected(f"The graph at {host} refuses this request ({name}).")
    return GraphUnavailable(f"The graph at {host} could not do this ({name}).")


def _unauthorized(host: str) -> str:
    return f"The graph at {host} refused the credentials. Check LINEAGE_GRAPH_USERNAME and LINEAGE_GRAPH_PASSWORD."

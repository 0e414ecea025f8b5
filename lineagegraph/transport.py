"""One WebSocket to a Gremlin Server, for gremlinpython; nothing in it waits without a bound.

gremlinpython's own transport waits for ever for a handshake, leaves its session open when connecting fails and
cannot be stopped from another thread.
"""

from __future__ import annotations

import asyncio
import ssl
import threading
import time
from collections.abc import Coroutine
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar

import aiohttp
from gremlin_python.driver.transport import AbstractBaseTransport

CLOSING = 1.0  # seconds for a farewell
PARTING = 0.05  # seconds in which a socket under TLS, or one that never became a WebSocket, is let go
MOST_REPLY_BYTES = 256 * 1024 * 1024

T = TypeVar("T")


class NoCertificates(Exception):
    """The file that should say whom to trust cannot be read, or holds no certificates."""


_UNTRUSTED = (
    "The graph at {host} shows a certificate that is not trusted ({reason}). Set LINEAGE_GRAPH_TLS_CA_FILE to the "
    "certificate of who signed it, and LINEAGE_GRAPH_URLS to a name that it is made for."
)
_NOT_TLS = "The server at {host} speaks no TLS, or none that we do. Without TLS LINEAGE_GRAPH_URLS is ws://…."
_STRANGER = "What answers at {host} is no Gremlin Server, or one behind TLS. With TLS LINEAGE_GRAPH_URLS is wss://…."
# What an error that ended an attempt to connect means; the first row that fits.
_REASONS: tuple[tuple[type[Exception], str], ...] = (
    (NoCertificates, "The file of LINEAGE_GRAPH_TLS_CA_FILE cannot be read, or holds no certificates."),
    (ssl.SSLCertVerificationError, _UNTRUSTED),
    (ssl.SSLError, _NOT_TLS),
    (aiohttp.ServerDisconnectedError, _STRANGER),
    (aiohttp.WSServerHandshakeError, _STRANGER),
    (Exception, "No graph answers at {host}. Start it, or set LINEAGE_GRAPH_URLS."),
)


def unreached(error: Exception, host: str) -> str:
    """Why there is no connection, and the remedy."""
    reason = getattr(getattr(error, "certificate_error", error), "verify_message", "")
    return next(says for kind, says in _REASONS if isinstance(error, kind)).format(host=host, reason=reason)


class Transport(AbstractBaseTransport):  # type: ignore[misc]  # gremlinpython has no types
    """Has an event loop of its own, so it must be called from a thread in which none runs."""

    def __init__(self, connect_seconds: float, tls_ca_file: Path | None) -> None:
        self._loop = asyncio.new_event_loop()
        self._task: asyncio.Task[Any] | None = None
        self._session: aiohttp.ClientSession | None = None
        self._socket: aiohttp.ClientWebSocketResponse | None = None
        self._connect_seconds = connect_seconds
        self._tls_ca_file = tls_ca_file
        self._plain = True
        self.deadline = 0.0  # of the request under way, by the monotonic clock
        self.patience: float | None = None  # instead of a deadline: seconds for each message of a stream
        self.room: threading.Semaphore | None = None  # how many messages of a stream may still be read ahead

    @property
    def connected(self) -> bool:
        """Whether there ever was a connection."""
        return self._socket is not None

    @property
    def closed(self) -> bool:
        """Whether nothing can be sent any more."""
        return self._socket is None or self._socket.closed

    def connect(self, url: str, headers: Any = None) -> None:
        """Open the connection. Raises what the network says, TimeoutError and NoCertificates."""

        try:
            context = ssl.create_default_context(cafile=str(self._tls_ca_file)) if self._tls_ca_file else True
        except OSError as error:
            raise NoCertificates from error

        async def connect() -> None:
            self._plain = url.startswith("ws:")
            self._session = aiohttp.ClientSession()
            self._socket = await self._session.ws_connect(
                url,
                headers=headers,
                ssl=context,
                max_msg_size=MOST_REPLY_BYTES,
                timeout=aiohttp.ClientWSTimeout(ws_close=CLOSING),
            )

        self._run(connect(), self._connect_seconds)

    def write(self, message: bytes) -> None:
        """Send one message before the deadline."""
        assert self._socket is not None  # noqa: S101  (gremlinpython connects first)
        self._run(self._socket.send_bytes(message), self.deadline - time.monotonic())

    def read(self) -> bytes:
        """The next message. Raises ConnectionResetError if there will be none."""
        assert self._socket is not None  # noqa: S101  (likewise)
        if self.room is not None:
            self.room.acquire()
        left = self.deadline - time.monotonic() if self.patience is None else self.patience
        message = self._run(self._socket.receive(), left)
        if message.type not in (aiohttp.WSMsgType.BINARY, aiohttp.WSMsgType.TEXT):
            raise ConnectionResetError("the server closed the connection")
        data: bytes | str = message.data
        return data.encode() if isinstance(data, str) else data

    def abort(self) -> None:
        """Stop what another thread waits for here."""

        def cancel() -> None:
            if self._task is not None:
                self._task.cancel()

        self.patience, self.deadline = None, 0.0
        if self.room is not None:
            self.room.release()
        with suppress(RuntimeError):  # the loop is closed already
            self._loop.call_soon_threadsafe(cancel)

    def close(self) -> None:
        """Close for good, whatever the state."""
        if self._loop.is_closed():
            return

        async def close() -> None:
            if self._socket is not None:
                with suppress(Exception):
                    await self._socket.close()
            if self._session is not None:
                await self._session.close()
            await asyncio.sleep(0 if self._plain and self.connected else PARTING)  # sockets go before their loop does

        with suppress(Exception):
            self._run(close(), 3 * CLOSING)
        with suppress(RuntimeError):
            self._loop.close()

    def _run(self, work: Coroutine[Any, Any, T], seconds: float) -> T:
        async def bounded() -> T:
            self._task = asyncio.current_task()
            try:
                async with asyncio.timeout(seconds):
                    return await work
            finally:
                self._task = None

        try:
            return self._loop.run_until_complete(bounded())
        except asyncio.CancelledError:
            raise ConnectionAbortedError("stopped") from None
        finally:
            work.close()  # never started if the loop was not ours to run

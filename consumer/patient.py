"""HTTP connections are not waited for without end: the headers of a request must come in time, as its body must."""

from __future__ import annotations

import asyncio

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

SECONDS = 20.0  # from the connection, or from the first byte of a further request, to the end of its headers


class PatientProtocol(H11Protocol):
    """uvicorn's own has no time for headers: a few hundred unfinished requests would keep all others out."""

    seconds = SECONDS
    _ends: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        super().connection_made(transport)
        self._wait()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        self._wait()

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self._stop()

    def _wait(self) -> None:
        """A byte more gives no more time; a whole request ends the waiting."""
        if self.conn.their_state is not h11.IDLE:
            self._stop()
        elif self._ends is None:
            self._ends = self.loop.call_later(self.seconds, self.transport.close)

    def _stop(self) -> None:
        if self._ends is not None:
            self._ends.cancel()
            self._ends = None

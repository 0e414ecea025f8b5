"""A TCP proxy on loopback that does harm: late, deaf, silent, cut, or without certain requests of Kafka's protocol.

It runs in a thread of its own; faults are set from any other.
"""

from __future__ import annotations

import asyncio
import random
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

from deploy.local.config import LOOPBACK

CHUNK = 64 * 1024
PRODUCE = 0  # the number of Kafka's request to write records


@dataclass(frozen=True, slots=True)
class Fault:
    """What a proxy does to its connections; the default is no harm."""

    delay: float = 0.0  # seconds at most, for each chunk and way
    requests: bool = True  # whether they get through
    answers: bool = True  # whether they get back
    accepts: bool = True  # whether there are connections at all; those that stand are cut
    refused: frozenset[int] = frozenset()  # Kafka requests that cut their connection instead of passing


HEALTHY = Fault()


@dataclass
class Proxy:
    """One port before another one."""

    port: int
    target: int
    kafka: bool = False  # whether requests are told apart
    fault: Fault = HEALTHY
    cuts: int = 0
    _writers: set[asyncio.StreamWriter] = field(default_factory=set)
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)
    _loop: asyncio.AbstractEventLoop = field(default_factory=asyncio.new_event_loop)
    _pick: random.Random = field(default_factory=random.Random)

    def cut(self) -> None:
        """Cut every connection that stands now."""
        self._loop.call_soon_threadsafe(self._cut)

    def set(self, fault: Fault) -> None:
        """From now on."""
        self.fault = fault
        if not fault.accepts:
            self.cut()

    async def _serve(self, ready: Callable[[], None]) -> None:
        server = await asyncio.start_server(self._connected, LOOPBACK, self.port)
        ready()
        async with server:
            await server.serve_forever()

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            await self._carry(reader, writer)
        except asyncio.CancelledError:
            pass  # the end of the proxy
        finally:
            self._tasks.discard(task)

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if not self.fault.accepts:
            writer.close()
            return
        try:
            there, back = await asyncio.open_connection(LOOPBACK, self.target)
        except OSError:
            writer.close()
            return
        both = {writer, back}
        self._writers |= both
        ways = [
            asyncio.ensure_future(self._pump(reader, back, lambda: self.fault.requests, self.kafka)),
            asyncio.ensure_future(self._pump(there, writer, lambda: self.fault.answers, False)),
        ]
        try:
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for way in ways:
                way.cancel()
            self._writers -= both
            for one in both:
                one.close()

    async def _pump(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, passes: Callable[[], bool], told_apart: bool
    ) -> None:
        frames = Frames()
        with suppress(OSError):
            while data := await reader.read(CHUNK):
                if told_apart and self.fault.refused.intersection(frames.kinds(data)):
                    self.cuts += 1
                    return
                await self._hold(passes)
                if reader.at_eof() and not passes():
                    return
                writer.write(data)
                await writer.drain()

    async def _hold(self, passes: Callable[[], bool]) -> None:
        if self.fault.delay:
            await asyncio.sleep(self._pick.uniform(0, self.fault.delay))
        while not passes():  # noqa: ASYNC110  (set from another thread)
            await asyncio.sleep(0.02)

    def _cut(self) -> None:
        self.cuts += len(self._writers) // 2
        for writer in self._writers:
            writer.transport.abort()

    async def _end(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)


class Frames:
    """Kafka's requests in a stream: four bytes of length, two of kind, the rest."""

    def __init__(self) -> None:
        self._left = 0  # of the request that has begun
        self._head = b""

    def kinds(self, data: bytes) -> list[int]:
        """The kinds of the requests that begin with these bytes."""
        found = []
        data = self._head + data
        at = self._left
        while at + 6 <= len(data):
            found.append(int.from_bytes(data[at + 4 : at + 6], "big"))
            at += 4 + int.from_bytes(data[at : at + 4], "big")
        self._head = data[at:] if at <= len(data) else b""
        self._left = max(0, at - len(data))
        return found


@contextmanager
def standing(proxy: Proxy) -> Iterator[Proxy]:
    """The proxy at work."""
    listening = threading.Event()
    loop = proxy._loop
    task = loop.create_task(proxy._serve(listening.set))
    thread = threading.Thread(target=_run, args=(loop, task), name=f"proxy {proxy.port}", daemon=True)
    thread.start()
    if not listening.wait(10):
        raise OSError(f"nothing can be listened to on port {proxy.port}")
    try:
        yield proxy
    finally:
        loop.call_soon_threadsafe(task.cancel)
        thread.join()
        loop.run_until_complete(proxy._end())
        loop.close()


def _run(loop: asyncio.AbstractEventLoop, task: asyncio.Task[None]) -> None:
    with suppress(asyncio.CancelledError):
        loop.run_until_complete(task)

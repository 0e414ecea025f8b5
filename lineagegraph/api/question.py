"""One question of one request: a reader in a thread, bounded by the request's time and its bearer's sight."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Collection, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from lineagegraph.corrections import NONE, Corrections
from lineagegraph.errors import LineageError
from lineagegraph.facts import Vertex
from lineagegraph.gremlin import Connections
from lineagegraph.naming import Naming
from lineagegraph.reader import Limits, Reader
from lineagegraph.statements import Statement
from lineagegraph.store import GraphStore
from lineagegraph.tokens import Grant, Scope

if TYPE_CHECKING:
    from lineagegraph.api.catalogue import Names
    from lineagegraph.api.letters import Counted

T = TypeVar("T")


class Forbidden(LineageError):
    """The token does not allow this."""


class NotServed(LineageError):
    """This server has not been given what it would take to answer."""


class LettersAway(LineageError):
    """The dead letters cannot be counted now; the same may succeed later."""


class TooSlow(LineageError):
    """The request's time is over."""


@dataclass(frozen=True)
class Backend:
    """What all requests share."""

    connections: Connections
    store: GraphStore
    naming: Naming
    threads: Executor
    seconds: float = 10.0
    corrections: Corrections = NONE
    clock: Callable[[], float] = time.time
    names: Callable[[], Awaitable[Names]] | None = None
    letters: Callable[[str | None], Awaitable[Counted]] | None = None  # of a source topic


class Asking:
    """One request: who asks, and until when."""

    def __init__(self, backend: Backend, grant: Grant) -> None:
        self._backend = backend
        self._grant = grant
        self._until = time.monotonic() + backend.seconds

    def question(self) -> Question:
        """A question of this request. Raises Forbidden."""
        self._allow("read")
        limits = Limits(seconds=max(0.1, self._left() * 0.8))
        reader = Reader(self._ask, limits, self._grant.sight, self._backend.corrections)
        return Question(reader, self.in_thread)

    def _ask(self, script: str, key: str, body: str) -> dict[str, Any]:
        return self._backend.connections.ask(script, key, body, self._left())

    def now(self) -> int:
        """Milliseconds since 1970."""
        return int(self._backend.clock() * 1000)

    async def state(self, say: Callable[[Statement], None]) -> None:
        """Write a statement. Raises Forbidden, BadStatement, GraphUnavailable."""
        self._allow("write")

        def work() -> None:
            said = Statement(self._backend.naming, self.now())
            say(said)
            if hidden := self._grant.sight.hidden_in(said.facts):
                raise Forbidden(f"This token may not write to namespace {hidden[0]!r}.")
            self._backend.store.write(said.facts)

        await self.in_thread(work)

    async def names(self, labels: Collection[str]) -> Sequence[Vertex]:
        """Every name of these labels that may be seen, in order. Raises Forbidden, NotServed, GraphUnavailable."""
        self._allow("read")
        if self._backend.names is None:
            raise NotServed("This server does not look through all names.")
        names = await self._in_time(self._backend.names())
        return await self.in_thread(lambda: names.seen(self._grant.sight, labels))

    async def letters(self, topic: str | None) -> Counted:
        """The dead letters of a source topic, counted. Raises Forbidden, NotServed, LettersAway, BadArgument.

        What is in them often cannot be read, so nobody can say to which namespaces they belong.
        """
        self._allow("read")
        if not self._grant.sight.whole:
            raise Forbidden("Dead letters belong to no namespace: a token for some namespaces may not see them.")
        if self._backend.letters is None:
            raise NotServed("This server does not speak to Kafka, so it cannot count dead letters.")
        return await self._in_time(self._backend.letters(topic))

    async def in_thread(self, work: Callable[[], T]) -> T:
        """The result of the work, if it comes in time; what comes later ends at its next request to the graph."""
        return await self._in_time(asyncio.get_running_loop().run_in_executor(self._backend.threads, work))

    async def _in_time(self, found: Awaitable[T]) -> T:
        try:
            async with asyncio.timeout(self._left()):
                return await found
        except TimeoutError:
            raise self._too_slow() from None

    def _left(self) -> float:
        left = self._until - time.monotonic()
        if left <= 0:
            raise self._too_slow()
        return left

    def _too_slow(self) -> TooSlow:
        return TooSlow(f"This took longer than {self._backend.seconds:g} seconds; ask for less depth or fewer fields.")

    def _allow(self, scope: Scope) -> None:
        if scope not in self._grant.scopes:
            raise Forbidden(f"This token has no scope {scope!r}.")


class Question:
    """What several fields of one answer share; asked by one of them at a time, each thing once."""

    def __init__(self, reader: Reader, in_thread: Callable[[Callable[[], Any]], Any]) -> None:
        self.reader = reader
        self._in_thread = in_thread
        self._turn = asyncio.Lock()
        self._known: dict[str, Any] = {}

    async def ask(self, name: str, work: Callable[[Reader], T]) -> T:
        """The result of the work; `name` tells it from the question's others."""
        async with self._turn:
            if name not in self._known:
                self._known[name] = await self._in_thread(lambda: work(self.reader))
            found: T = self._known[name]
            return found

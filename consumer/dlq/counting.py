"""The numbers of dead letters for the API, for as long as a server runs.

A topic's letters are read when somebody first asks, and after that only what is new, at most once a second however
many ask. Reading goes on when an asker has given up, so that the next one finds it done.
"""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any

from consumer.dlq.cases import Case
from consumer.dlq.desk import Desk, now_ms, open_desk
from consumer.dlq.following import Following
from consumer.dlq.names import names
from consumer.dlq.stats import GROUPS, grouped, numbers, row_as_json
from consumer.errors import BadFilter, KafkaUnusable
from consumer.settings import Settings
from lineagegraph.api.arguments import BadArgument
from lineagegraph.api.question import LettersAway

SECONDS = 1.0  # between two looks


@dataclass(frozen=True, slots=True)
class Counted:
    """The letters of a topic as they were at one moment."""

    numbers: dict[str, Any]
    cases: tuple[Case, ...]

    def groups(self, by: str) -> list[dict[str, Any]]:
        """The rows of this way to group them. Raises BadArgument."""
        if by not in GROUPS:
            raise BadArgument(f"`by` is one of {', '.join(sorted(GROUPS))}.")
        return [row_as_json(row) for row in grouped(self.cases, by)]


class _Topic:
    """One source topic: its open desk, what was read from it, and the look that goes on."""

    def __init__(self, settings: Settings, source: str, clock: Callable[[], float]) -> None:
        self._settings = settings
        self._names = names(settings, source)
        self._clock = clock
        self._open = AsyncExitStack()
        self._desk: Desk | None = None
        self._following = Following()
        self._counted: Counted | None = None
        self._at = 0.0
        self._look: asyncio.Task[Counted] | None = None

    async def counted(self) -> Counted:
        if self._counted is not None and self._clock() - self._at < SECONDS:
            return self._counted
        if self._look is None or self._look.done():
            self._look = asyncio.create_task(self._count())
        return await asyncio.shield(self._look)

    async def _count(self) -> Counted:
        at = self._clock()
        try:
            if self._desk is None:
                self._desk = await self._open.enter_async_context(open_desk(self._settings, self._names))
            await self._following.look(self._desk)
        except BaseException:  # whatever happened to Kafka: the next one begins anew
            await self.forget()
            raise
        self._counted, self._at = await asyncio.to_thread(self._now), at
        return self._counted

    def _now(self) -> Counted:
        cases = self._following.cases
        every = tuple(cases)
        return Counted(numbers(self._names.source, every, cases.ledger).as_json(now_ms()), every)

    async def forget(self) -> None:
        self._desk, self._counted, self._following = None, None, Following()
        await self._open.aclose()

    async def close(self) -> None:
        if self._look is not None:
            self._look.cancel()
            await asyncio.gather(self._look, return_exceptions=True)
        await self.forget()


class Counting:
    """Counts the letters of the topics that the settings name."""

    def __init__(self, settings: Settings, clock: Callable[[], float] = time.monotonic) -> None:
        self._settings = settings
        self._clock = clock
        self._topics: dict[str, _Topic] = {}

    @asynccontextmanager
    async def open(self) -> AsyncIterator[None]:
        """As long as this nothing has to be read twice."""
        try:
            yield
        finally:
            for topic in self._topics.values():
                await topic.close()

    async def __call__(self, topic: str | None) -> Counted:
        """The letters of this source topic now; it may be left out if there is one. Raises BadArgument, LettersAway."""
        try:
            source = names(self._settings, self._known(topic)).source
            if source not in self._topics:
                self._topics[source] = _Topic(self._settings, source, self._clock)
            return await self._topics[source].counted()
        except BadFilter as error:
            raise BadArgument(str(error).replace("--topic", "`topic`")) from None
        except KafkaUnusable as error:
            raise LettersAway(str(error)) from None

    def _known(self, topic: str | None) -> str | None:
        if topic is not None:
            pattern = self._settings.topic_pattern
            if not (re.fullmatch(f"(?:{pattern})", topic) if pattern else topic in self._settings.topics):
                raise BadFilter(f"{topic!r} is not a topic whose events are read here.")
        return topic

"""Dead letters as numbers. Only who serves the API knows Kafka, so it brings the way to count them along."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NewType, Protocol

import strawberry

from lineagegraph.api.arguments import page
from lineagegraph.api.question import Asking

Info = strawberry.Info[Asking, None]
Milliseconds = NewType("Milliseconds", int)
MILLISECONDS = strawberry.scalar(
    name="Milliseconds",
    description="A moment: whole milliseconds since 1970 in UTC, which no Int can hold.",
    serialize=int,
    parse_value=int,
)


class Counted(Protocol):
    """The letters of one source topic, counted at one moment."""

    @property
    def numbers(self) -> Mapping[str, Any]:
        """What `lineagegraph dlq stats --json` says."""

    def groups(self, by: str) -> Sequence[Mapping[str, Any]]:
        """The rows of one way to group them. Raises BadArgument."""


@strawberry.type
class DeadLetterStates:
    """How many letters are in which state."""

    open: int
    planned: int
    sent: int
    resolved: int
    parked: int
    discarded: int


@strawberry.type
class DeadLetterGroup:
    """Letters that share something: how many, in which states, since when, and the newest as an example."""

    name: str
    letters: int
    open: int
    planned: int
    sent: int
    resolved: int
    parked: int
    discarded: int
    first: Milliseconds
    last: Milliseconds
    reason: str | None = strawberry.field(name="class")
    pointer: str | None
    message: str | None
    example: str | None


@strawberry.type
class DeadLetters:
    """The numbers of `lineagegraph dlq stats --json`; a class or fingerprint is new for an hour."""

    counted: strawberry.Private[Counted]
    in_thread: strawberry.Private[Callable[[Callable[[], Any]], Any]]
    source: str
    letters: int
    states: DeadLetterStates
    oldest_open: Milliseconds | None
    replays_running: int

    @strawberry.field
    def new_classes(self, first: int = 100, offset: int = 0) -> list[str]:
        return page(self.counted.numbers["new_classes"], first, offset)

    @strawberry.field
    def new_fingerprints(self, first: int = 100, offset: int = 0) -> list[str]:
        return page(self.counted.numbers["new_fingerprints"], first, offset)

    @strawberry.field
    def classes(self, first: int = 100, offset: int = 0) -> list[DeadLetterGroup]:
        return _rows(self.counted.numbers["classes"], first, offset)

    @strawberry.field
    def fingerprints(self, first: int = 100, offset: int = 0) -> list[DeadLetterGroup]:
        return _rows(self.counted.numbers["fingerprints"], first, offset)

    @strawberry.field
    async def groups(self, by: str, first: int = 100, offset: int = 0) -> list[DeadLetterGroup]:
        """By class, fingerprint, producer, job, hour …: whatever `dlq stats --by` takes."""
        return _rows(await self.in_thread(lambda: self.counted.groups(by)), first, offset)


def _rows(rows: Iterable[Mapping[str, Any]], first: int, offset: int) -> list[DeadLetterGroup]:
    return [DeadLetterGroup(reason=row["class"], **_without(row, "class")) for row in page(rows, first, offset)]


def _without(row: Mapping[str, Any], name: str) -> dict[str, Any]:
    return {key: value for key, value in row.items() if key != name}


@strawberry.type
class OfLetters:
    """The question about dead letters."""

    @strawberry.field
    async def dead_letters(self, info: Info, topic: str | None = None) -> DeadLetters:
        """What could not be written and what became of it; `topic` is needed if several are read."""
        asking = info.context
        counted = await asking.letters(topic)
        told = counted.numbers
        return DeadLetters(
            counted=counted,
            in_thread=asking.in_thread,
            source=told["source"],
            letters=told["letters"],
            states=DeadLetterStates(**told["states"]),
            oldest_open=told["oldest_open"],
            replays_running=told["replays_running"],
        )

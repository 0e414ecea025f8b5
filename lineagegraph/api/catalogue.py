"""Every name in the graph, for questions that no index answers: read once for all who ask, and kept for a minute.

Looking at every vertex is the dearest thing that a stranger could ask for. So whoever asks, and however often, at most
one such look goes on; it goes on when its asker has given up, so that the next one finds it done.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from itertools import takewhile

from lineagegraph.facts import Vertex
from lineagegraph.inventory import NAMED, in_order
from lineagegraph.sight import Sight

SECONDS = 60.0  # that names are kept


@dataclass(frozen=True, slots=True)
class Names:
    """The names as they were at one moment, in the order of lists."""

    every: tuple[Vertex, ...]
    at: float

    def seen(self, sight: Sight, labels: Iterable[str] = NAMED) -> Sequence[Vertex]:
        """Those of these labels that may be seen."""
        wanted = frozenset(labels)
        return [name for name in self.every if name.label in wanted and sight.sees(name.key[0])]


class Catalogue:
    """Names, for as long as a server runs. `read` gives every vertex of the labels that have names."""

    def __init__(self, read: Callable[[], Iterable[Vertex]], clock: Callable[[], float] = time.monotonic) -> None:
        self._read = read
        self._clock = clock
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="names")
        self._look: Future[Names] | None = None
        self._closed = False

    async def names(self) -> Names:
        """Names not older than a minute. Raises GraphUnavailable."""
        if self._look is None or self._stale(self._look):
            self._look = self._thread.submit(self._all)
        return await asyncio.shield(asyncio.wrap_future(self._look))

    def close(self) -> None:
        """End; a look that goes on ends with what it reads next."""
        self._closed = True
        self._thread.shutdown(wait=False, cancel_futures=True)

    def _stale(self, look: Future[Names]) -> bool:
        if not look.done():
            return False
        return look.exception() is not None or self._clock() - look.result().at >= SECONDS

    def _all(self) -> Names:
        at = self._clock()
        return Names(tuple(in_order(takewhile(lambda _: not self._closed, self._read()))), at)

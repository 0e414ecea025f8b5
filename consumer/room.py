"""How much may be in flight: batches being written, and bytes held until their records have ended."""

from __future__ import annotations

import asyncio


class Room:
    """Bounds for one process. Batches count while they are written; bytes also while their letters wait."""

    def __init__(self, most_bytes: int) -> None:
        self._most_bytes = most_bytes
        self._changed = asyncio.Event()
        self.batches = 0
        self.bytes = 0

    async def under(self, batches: int, seconds: float = 1.0) -> bool:
        """Whether one more batch may be begun, with fewer than `batches` being written; waits a while for it."""
        try:
            async with asyncio.timeout(seconds):
                while self.batches >= batches or self.bytes >= self._most_bytes:
                    self._changed.clear()
                    await self._changed.wait()
        except TimeoutError:
            return False
        return True

    def begin(self, size: int) -> None:
        """A batch of so many bytes is begun."""
        self.batches += 1
        self.bytes += size

    def written(self, freed: int) -> None:
        """A batch is no longer being written, and so many of its bytes are not needed any more."""
        self.batches -= 1
        self.free(freed)

    def free(self, size: int) -> None:
        """So many bytes are not held any more."""
        self.bytes -= size
        self._changed.set()

"""`lineagegraph` in a process that is killed in the middle of a replay, always at the same place.

Arguments: which portion is its last, whether it dies `before` or `after` that is committed, and the command.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Sequence

from consumer.cli import main
from consumer.dlq import pen
from consumer.dlq.ledger import Entry

LAST, WHEN = int(sys.argv[1]), sys.argv[2]


class Mortal(pen.Pen):
    """Kills its process at a portion."""

    portions = 0

    async def together(self, postings: Sequence[pen.Posting], entries: Sequence[Entry]) -> None:
        self.portions += bool(postings)
        last = bool(postings) and self.portions == LAST
        if last and WHEN == "before":
            await self._producer.begin_transaction()
            sent = [await self._post(one) for one in postings]
            await asyncio.gather(*sent, *await self._entries(entries))  # Kafka has it all, and it is not committed
            os.kill(os.getpid(), signal.SIGKILL)
        await super().together(postings, entries)
        if last:
            os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    pen.Pen = Mortal  # type: ignore[misc]
    main(sys.argv[3:])

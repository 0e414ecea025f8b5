"""The cases of a desk, kept up to date: everything is read once, and then only what is new."""

from __future__ import annotations

from consumer.dlq.cases import Cases
from consumer.dlq.desk import Desk
from consumer.dlq.letters import letter


class Following:
    """The cases as they were at the last look."""

    def __init__(self) -> None:
        self.cases = Cases()
        self._read_to: dict[int, int] = {}
        self._begins: dict[int, int] = {}

    async def look(self, desk: Desk) -> None:
        """Take in what is new. Once letters were deleted, by `purge` or by age, all that are left are read again."""
        ends = await desk.shelf.ends(desk.letters.name, range(desk.letters.partitions))
        begins = {number: begin for number, (begin, _) in ends.items()}
        cut_off = any(end < self._read_to.get(number, 0) for number, (_, end) in ends.items())
        if cut_off or (self._begins and begins != self._begins):
            self.cases = Cases(self.cases.ledger)
            self._read_to = {}
        self._begins = begins
        async for record in desk.records(read_to=self._read_to):
            self.cases.add(letter(record))
        if desk.names.ledger not in desk.topics:
            await desk.refresh()
        await desk.follow(self.cases.ledger)

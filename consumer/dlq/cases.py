"""Cases: every dead letter by its source record, with what became of it. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from consumer.dlq.ledger import Ledger, State
from consumer.dlq.letters import Letter


@dataclass(frozen=True, slots=True)
class Case:
    """One source record that could not be written: the letter that counts, and where every letter about it lies."""

    letter: Letter
    state: State
    places: tuple[tuple[int, int], ...]  # partition and offset


@dataclass(slots=True)
class Cases:
    """The fold of a dead-letter topic and its ledger."""

    ledger: Ledger = field(default_factory=Ledger)
    _letters: dict[str, Letter] = field(default_factory=dict)
    _places: dict[str, list[tuple[int, int]]] = field(default_factory=dict)

    def add(self, letter: Letter) -> None:
        """Take in a letter; of several about one record the one that counts is the furthest."""
        known = self._letters.get(letter.id)
        if known is None or _rank(letter) >= _rank(known):
            self._letters[letter.id] = letter
        self._places.setdefault(letter.id, []).append((letter.place.number, letter.at))

    def __len__(self) -> int:
        return len(self._letters)

    def __iter__(self) -> Iterator[Case]:
        for id_ in self._letters:
            yield self[id_]

    def __getitem__(self, id_: str) -> Case:
        return Case(self._letters[id_], self.ledger.state(id_), tuple(self._places[id_]))

    def get(self, id_: str) -> Case | None:
        """The case of that name, None if there is none."""
        return self[id_] if id_ in self._letters else None


def in_order(cases: Iterable[Case]) -> list[Case]:
    """As they lie in the dead-letter topic."""
    return sorted(cases, key=lambda case: (case.letter.place, case.letter.at))


def newest(cases: Iterable[Case], count: int) -> list[Case]:
    """So many that failed last, the newest at the end."""
    found = sorted(cases, key=lambda case: case.letter.failed_at)
    return found[max(0, len(found) - count) :]


def _rank(letter: Letter) -> tuple[int, int, int]:
    """A consumer that is killed buries a record twice; what people or a replay have added since counts for more."""
    return letter.attempts, letter.edits, letter.at

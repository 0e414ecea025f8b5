"""The ledger: what became of dead letters, as entries of a compacted topic and as the fold of them. Pure.

Three kinds of keys, so that compaction keeps what is needed and the order of writers does not matter:
`<id>` what people decided, `<id>|<replay>` how far one replay got with one letter, `|<replay>` a replay itself.
Once a record is in the graph it stays there: a letter that any replay resolved is resolved.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field, fields
from typing import Any, Literal, get_args

State = Literal["open", "planned", "sent", "resolved", "parked", "discarded"]
Step = Literal["planned", "sent", "resolved", "failed", "left"]
Decision = Literal["open", "parked", "discarded"]
Stage = Literal["preparing", "running", "cancelled", "aborted", "done"]
STATES: tuple[State, ...] = get_args(State)
OPEN = ("open", "planned", "sent", "parked")  # not yet ended: what is purged never reaches these


@dataclass(frozen=True, slots=True)
class Decided:
    """What somebody decided about a letter."""

    id: str
    state: Decision
    at: int
    by: str = ""
    note: str = ""

    @property
    def key(self) -> str:
        return self.id


@dataclass(frozen=True, slots=True)
class Tried:
    """How far one replay got with one letter; `attempts` is how often it had failed before."""

    id: str
    replay: str
    state: Step
    at: int
    attempts: int = 1
    place: str = ""  # partition@offset of the letter that is sent
    sha256: str = ""
    note: str = ""

    @property
    def key(self) -> str:
        return f"{self.id}|{self.replay}"


@dataclass(frozen=True, slots=True)
class ReplayNote:
    """A replay: its options, by which `resume` goes on, and how far it said it was."""

    replay: str
    state: Stage
    at: int
    total: int = 0
    by: str = ""
    filter: str = ""
    note: str = ""
    options: dict[str, Any] = field(default_factory=dict)

    @property
    def key(self) -> str:
        return f"|{self.replay}"


Entry = Decided | Tried | ReplayNote


def encode(entry: Entry) -> tuple[bytes, bytes]:
    """Key and value of the record in the ledger topic."""
    content = {name: value for name, value in asdict(entry).items() if name not in ("id", "replay")}
    kept = {name: value for name, value in content.items() if value not in ("", {})}
    return entry.key.encode(), json.dumps(kept).encode()


def decode(key: bytes | None, value: bytes | None) -> Entry | None:
    """The entry of a record; None for a tombstone or what is not ours."""
    try:
        name, bar, replay = (key or b"").decode().partition("|")
        told = json.loads(value or b"")
        if not bar:
            return Decided(id=name, **_known(Decided, Decision, told))
        if not name:
            return ReplayNote(replay=replay, **_known(ReplayNote, Stage, told))
        return Tried(id=name, replay=replay, **_known(Tried, Step, told))
    except (ValueError, TypeError, KeyError, AttributeError):
        return None


def _known(kind: type[Entry], states: Any, told: dict[str, Any]) -> dict[str, Any]:
    """What an entry of this kind can hold; a later version may have written more."""
    if told["state"] not in get_args(states):
        raise ValueError(told["state"])
    names = {one.name for one in fields(kind)} - {"id", "replay"}
    return {name: value for name, value in told.items() if name in names}


@dataclass(slots=True)
class Ledger:
    """The fold of all entries: the latest of each key."""

    decided: dict[str, Decided] = field(default_factory=dict)
    tried: dict[str, dict[str, Tried]] = field(default_factory=dict)
    replays: dict[str, ReplayNote] = field(default_factory=dict)
    read_to: dict[int, int] = field(default_factory=dict)  # how far the topic was read, by partition

    def add(self, key: bytes | None, value: bytes | None) -> Entry | None:
        """Take in one record of the topic, in their order; the entry, if it is one."""
        match decode(key, value):
            case Decided() as entry:
                self.decided[entry.id] = entry
                return entry
            case Tried() as entry:
                self.tried.setdefault(entry.id, {})[entry.replay] = entry
                return entry
            case ReplayNote() as entry:
                self.replays[entry.replay] = entry
                return entry
        if value is None and key:
            self._forget(*key.decode("utf-8", "replace").partition("|"))
        return None

    def _forget(self, name: str, bar: str, replay: str) -> None:
        if not bar:
            self.decided.pop(name, None)
        elif not name:
            self.replays.pop(replay, None)
        else:
            self.tried.get(name, {}).pop(replay, None)

    def state(self, id_: str, but: str | None = None) -> State:
        """What has become of this letter; without any entry it is open. What the replay `but` plans does not count."""
        tries = self.tried.get(id_, {})
        if any(one.state == "resolved" for one in tries.values()):
            return "resolved"
        if (decided := self.decided.get(id_)) is not None and decided.state != "open":
            return decided.state
        if any(one.state == "sent" for one in tries.values()):
            return "sent"
        if any(one.state == "planned" and one.replay != but and self._goes_on(one.replay) for one in tries.values()):
            return "planned"
        return "open"

    def step(self, id_: str, replay: str) -> Step | None:
        """How far one replay got with one letter; None if that letter is none of its."""
        one = self.tried.get(id_, {}).get(replay)
        return one.state if one else None

    def _goes_on(self, replay: str) -> bool:
        note = self.replays.get(replay)
        return note is not None and note.state in ("preparing", "running")

    def resolved_at(self, id_: str) -> int:
        """When a replay brought it into the graph; negative if none did."""
        return max((one.at for one in self.tried.get(id_, {}).values() if one.state == "resolved"), default=-1)

    def of(self, replay: str) -> Iterator[Tried]:
        """Every letter of one replay."""
        for tries in self.tried.values():
            if (one := tries.get(replay)) is not None:
                yield one

    def keys(self, id_: str) -> list[bytes]:
        """The keys of everything about one letter."""
        decided = [id_.encode()] if id_ in self.decided else []
        return decided + [one.key.encode() for one in self.tried.get(id_, {}).values()]

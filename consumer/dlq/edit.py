"""Mending dead letters: a new letter about the same source record, with a note of who changed what, when and why.

The original stays where it lies, for as long as the topic keeps it.
"""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass

from consumer.deadletters import VERSION, Parcel
from consumer.dlq.cases import Case
from consumer.dlq.desk import Desk
from consumer.dlq.dialects import DIALECTS
from consumer.dlq.edit_note import EditNote, shortened
from consumer.dlq.letters import Letter, as_it_came, letter
from consumer.dlq.patch import DoesNotFit, Patch
from consumer.records import Record
from consumer.replayed import CONNECT, OURS
from mappers.redact import redact

OURSELVES = DIALECTS[0]


@dataclass(frozen=True, slots=True)
class Edit:
    """Who edits and why, and what: a patch, a whole value, or (neither) what the producer sent is restored."""

    by: str
    at: int
    reason: str
    patch: Patch | None = None
    value: bytes | None = None

    @property
    def restores(self) -> bool:
        """Whether it brings the original back."""
        return self.patch is None and self.value is None

    def apply(self, value: bytes | None) -> bytes:
        """The new value. Raises DoesNotFit."""
        if self.value is not None:
            return self.value
        return self.patch.apply(value) if self.patch else value or b""

    @property
    def text(self) -> str:
        """What is written down about it."""
        return self.patch.text if self.patch else "restored" if self.restores else "replaced"


@dataclass(frozen=True, slots=True)
class Edited:
    """One letter and its new form; `why_not` says why there is none."""

    case: Case
    before: Record
    parcel: Parcel | None
    why_not: str = ""


async def edits(desk: Desk, cases: Sequence[Case], edit: Edit) -> AsyncIterator[Edited]:
    """The new form of each of these letters; nothing is written."""
    source = originals(desk, cases) if edit.restores else desk.values(cases)
    async for case, record in source:
        try:
            value = edit.apply(record.value)
        except DoesNotFit as error:
            yield Edited(case, record, None, str(error))
            continue
        if value == record.value and not edit.restores:
            yield Edited(case, record, None, "the patch changes nothing")
        else:
            yield Edited(case, record, edited(case.letter, record, value, edit))


async def originals(desk: Desk, cases: Sequence[Case]) -> AsyncIterator[tuple[Case, Record]]:
    """Of those that were edited the letter before the first edit, if the topic still has it."""
    changed = {case.letter.id: case for case in cases if case.letter.edits}
    found = dict[str, Record]()
    places = [place for case in changed.values() for place in case.places]
    async for record in desk.shelf.some(desk.letters.name, places):
        one = letter(record)
        if (case := changed.get(one.id)) and case.letter.edit and one.sha256 == case.letter.edit.original_sha256:
            found[one.id] = record
    for id_, record in found.items():
        yield changed[id_], record


def edited(one: Letter, record: Record, value: bytes, edit: Edit) -> Parcel:
    """The new letter for the one whose record is `record`; it lies in the same partition."""
    note = EditNote(
        one.edits + 1,
        edit.by,
        edit.at,
        redact(edit.reason, 500),
        f"{one.place.number}@{one.at}",
        one.edit.original_sha256 if one.edit else one.sha256,
        shortened(redact(edit.text, 100_000)),
    )
    told = {
        "topic": one.source.topic,
        "partition": one.source.number,
        "offset": one.offset,
        "message": one.message,
        "timestamp": one.stated_at,
        "attempts": one.attempts,
        "id": one.id,
        "class": one.reason,
        "disposition": one.disposition,
        "fingerprint": one.fingerprint,
        "pointer": one.pointer,
        "producer": one.producer,
        "first_failed_at": one.first_failed_at,
        "failed_at": one.failed_at,
        "group": one.group,
        "worker_version": one.worker_version,
        "replay": one.replay,
        "edit": note.text(),
        "payload_sha256": hashlib.sha256(value).hexdigest(),
        "payload_bytes": len(value),
        "value": "present",
    }
    texts = {OURSELVES.fields[name][0]: str(what) for name, what in told.items()}
    texts |= {f"{OURS}v": VERSION, f"{CONNECT}exception.class.name": one.reason}
    ours = tuple((name, text.encode("utf-8", "replace")) for name, text in texts.items())
    return Parcel(one.place.number, record.key, value, (*as_it_came(record), *ours))

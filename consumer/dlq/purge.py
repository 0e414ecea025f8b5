"""Purging: letters that have ended are deleted from the front of their topic, never past one that is still open."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from aiokafka.admin import RecordsToDelete
from aiokafka.errors import KafkaError, TopicAuthorizationFailedError
from aiokafka.structs import TopicPartition

from consumer.dlq.cases import Case, Cases
from consumer.dlq.desk import Desk
from consumer.dlq.ledger import OPEN
from consumer.errors import KafkaAway, KafkaUnusable


@dataclass(slots=True)
class Sweep:
    """What a purge would delete: per partition everything below an offset; `ends` are the ids that are gone then."""

    below: dict[int, int] = field(default_factory=dict)
    letters: int = 0
    ended: list[str] = field(default_factory=list)
    held_by: dict[int, str] = field(default_factory=dict)  # the open letter that stops it, by partition


def sweep(cases: Cases, partitions: Iterable[int], before_ms: int) -> Sweep:
    """What can go: letters that failed before this time, up to the first that must stay. Pure."""
    stays, goes = dict[int, tuple[int, str]](), list[tuple[int, int, Case]]()
    for case in cases:
        keeps = case.state in OPEN or case.letter.failed_at >= before_ms
        for number, offset in case.places:
            if not keeps:
                goes.append((number, offset, case))
            elif number not in stays or offset < stays[number][0]:
                stays[number] = offset, case.letter.id if case.state in OPEN else ""
    found = Sweep(held_by={number: id_ for number, (_, id_) in stays.items() if id_})
    gone = dict[str, int]()
    for number, offset, case in sorted(goes, key=lambda one: one[:2]):
        if number in stays and offset >= stays[number][0]:
            continue
        found.below[number] = offset + 1
        found.letters += 1
        gone[case.letter.id] = gone.get(case.letter.id, 0) + 1
    found.ended = [id_ for id_, count in gone.items() if count == len(cases[id_].places)]
    return found


async def delete(desk: Desk, found: Sweep) -> None:
    """Delete what was found. Raises KafkaUnusable, KafkaAway."""
    if desk.names.shared:
        raise KafkaUnusable(
            f"{desk.letters.name!r} holds the letters of several source topics; what of it has ended cannot be told "
            "from one of them. Let its retention delete them."
        )
    records = {TopicPartition(desk.letters.name, number): RecordsToDelete(at) for number, at in found.below.items()}
    try:
        await desk.admin.delete_records(records, timeout_ms=30_000)
    except TopicAuthorizationFailedError:
        raise KafkaUnusable(f"Kafka forbids deleting from {desk.letters.name!r}. Grant DELETE on it.") from None
    except KafkaError as error:
        raise KafkaAway(f"Kafka did not delete ({type(error).__name__}: {error}). Try again.") from None


def forgotten(cases: Cases, found: Sweep) -> list[bytes]:
    """The keys of the ledger that say nothing of use once these letters are gone. Pure."""
    ended, ledger = set(found.ended), cases.ledger
    keys = [key for id_ in found.ended for key in ledger.keys(id_)]
    over = (note for note in ledger.replays.values() if note.state in ("done", "cancelled", "aborted"))
    return keys + [note.key.encode() for note in over if all(one.id in ended for one in ledger.of(note.replay))]

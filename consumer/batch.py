"""One record to what becomes of it: facts, a dead letter, or a skip. Pure: the same record ends the same.

Whatever is wrong with a record's bytes is found here; a retry could not end differently.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

import mappers
from consumer.deadletters import DeadLetter
from consumer.records import Partition, Record
from consumer.replayed import Replayed, replayed, stated_at
from lineagegraph.facts import Facts
from lineagegraph.naming import Naming

LARGE = 256 * 1024  # decoding more than this takes long enough to be kept off the event loop
LEAD = 24 * 3600 * 1000  # an event may be dated this much after its record, in milliseconds
NOT_JSON = frozenset({"encoding", "json_syntax", "empty_value", "not_object"})


@dataclass(frozen=True, slots=True)
class Good:
    """A record and the facts that it states."""

    record: Record
    facts: Facts
    bad_facets: tuple[mappers.BadFacet, ...]
    namespace: str = ""  # of the event's job, if it has one


@dataclass(frozen=True, slots=True)
class Skip:
    """A record that is passed over on purpose, and why."""

    record: Record
    reason: str


@dataclass(slots=True)
class Batch:
    """What becomes of the records that were read together."""

    good: list[Good] = field(default_factory=list)
    dead: list[DeadLetter] = field(default_factory=list)
    skipped: list[Skip] = field(default_factory=list)

    def add(self, result: Good | DeadLetter | Skip) -> None:
        """Put it where it belongs."""
        match result:
            case Good():
                self.good.append(result)
            case DeadLetter():
                self.dead.append(result)
            case Skip():
                self.skipped.append(result)

    def invalid(self, partition: Partition) -> list[bool]:
        """Of each record of the partition that is not skipped, in order, whether the event is to blame for its end."""
        ends = [(one.record, False) for one in self.good]
        ends += [(one.record, one.disposition in ("malformed", "rejected")) for one in self.dead]
        mine = [(record.offset, bad) for record, bad in ends if record.partition == partition]
        return [bad for _, bad in sorted(mine)]

    def through(self) -> list[tuple[Partition, Replayed]]:
        """The replayed records that did not fail again, each with the partition it was read from."""
        ends = [*(one.record for one in self.good), *(one.record for one in self.skipped)]
        found = ((record.partition, replayed(record)) for record in ends if record.headers)
        return [(partition, one) for partition, one in found if one is not None]

    def counts(self) -> Counter[tuple[Partition, str]]:
        """How many records of each partition end how."""
        ends: dict[str, Sequence[Good | DeadLetter | Skip]] = {
            "written": self.good,
            "dead": self.dead,
            "skipped": self.skipped,
        }
        return Counter((one.record.partition, end) for end, many in ends.items() for one in many)


@dataclass(frozen=True, slots=True)
class Reader:
    """How records are read: the naming rules and the limits."""

    naming: Naming
    max_event_bytes: int = 4 * 2**20
    on_tombstone: Literal["skip", "dead_letter"] = "skip"

    def read(self, record: Record, horizon: int = 0) -> Good | DeadLetter | Skip:
        """What becomes of this record; runs that ended before the horizon (milliseconds) were removed on purpose."""
        if record.value is None:
            if self.on_tombstone == "skip":
                return Skip(record, "tombstone")
            return DeadLetter(record, "tombstone", message="The record has no value.")
        if len(record.value) > self.max_event_bytes:
            message = f"The value has {len(record.value)} bytes; the limit is {self.max_event_bytes}."
            return DeadLetter(record, "too_large", message=message)
        try:
            return self._map(record, _decode(record.value), horizon)
        except RecursionError:
            return DeadLetter(record, "json_depth", message="The event is nested too deeply.")
        except mappers.Malformed as error:
            return DeadLetter(record, error.reason, error.pointer, error.message, error.producer)

    def _map(self, record: Record, event: mappers.Event, horizon: int) -> Good | Skip:
        if 0 <= stated_at(record) < event.event_time_ms - LEAD:
            message = "The event is dated more than 24 hours after its Kafka record."
            raise mappers.Malformed("event_time", "/eventTime", message, event.producer)
        if event.run is not None and event.event_time_ms < horizon:
            return Skip(record, "before_horizon")  # it would bring back the stump of a run
        mapped = mappers.map_event(event, self.naming)
        return Good(record, mapped.facts, mapped.bad_facets, event.job.namespace if event.job else "")


def _decode(value: bytes) -> mappers.Event:
    """The event, also behind a schema registry's frame: a zero byte and four bytes of schema id."""
    if value[:1] != b"\x00" or len(value) <= 5:
        return mappers.decode(value)
    try:
        return mappers.decode(value[5:])
    except mappers.Malformed as error:
        if error.reason not in NOT_JSON:
            raise
        schema = int.from_bytes(value[1:5], "big")
        message = f"The value is framed by a schema registry (schema {schema}) and is not JSON behind the frame."
        raise mappers.Malformed("framed", "", message) from None

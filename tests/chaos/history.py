"""What is sent, made from a seed: numbered events of which every single one leaves a trace, and what is no event.

The same seed gives the same bytes in the same order. What must come out is computed without any server.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Literal

import orjson

from lineagegraph.facts import Facts
from lineagegraph.naming import Naming
from mappers import decode, map_event

MB = 2**20
LARGEST = 4 * MB  # the consumer's limit
JOBS, TABLES, DAYS = 40, 60, 10
AGAIN = 0.1  # of the sound events come twice
SPREAD = 0.1  # how far an event may be from its place, as a share of all
PAD = orjson.dumps("0123456789abcdef" * 64)[1:-1]

Json = dict[str, Any]
End = Literal["written", "dead", "skipped"]


def _moment(number: int, second: int = 0) -> str:
    return f"2025-03-{1 + number % DAYS:02}T{number % 24:02}:{number // 24 % 60:02}:{second:02}Z"


def _started(run: str, number: int) -> Json:
    """A run without datasets: one vertex and two edges."""
    return {
        "eventType": "START",
        "eventTime": _moment(number),
        "run": {"runId": run},
        "job": {"namespace": "chaos", "name": f"job{number % JOBS}"},
    }


def _completed(run: str, number: int) -> Json:
    """A run that read a table and wrote a snapshot of another one, whose schema changes over and over."""
    fields = [{"name": f"c{n}", "type": ("int", "bigint", "string")[(number + n) % 3]} for n in range(3)]
    facets = {"version": {"datasetVersion": str(10**18 + number)}, "schema": {"fields": fields}}
    return {
        **_started(run, number),
        "eventType": "COMPLETE",
        "eventTime": _moment(number, 30),
        "inputs": [{"namespace": "s3://lake", "name": f"bronze/t{number % TABLES}"}],
        "outputs": [{"namespace": "s3://lake", "name": f"silver/t{number % TABLES}", "facets": facets}],
    }


def _dataset(run: str, number: int) -> Json:
    """A version of a table that no run has written."""
    facets = {"version": {"datasetVersion": run}}
    table = {"namespace": "s3://lake", "name": f"gold/t{number % TABLES}", "facets": facets}
    return {"eventTime": _moment(number), "dataset": table}


def _event(make: Callable[[str, int], Json]) -> Callable[[str, int], bytes]:
    return lambda run, number: orjson.dumps(make(run, number))


def _padded(run: str, number: int, size: int) -> bytes:
    """A sound event of about that many bytes."""
    pad = b"".join([b'"', PAD * (size // len(PAD)), b'"'])
    event = orjson.dumps(_completed(run, number))
    return event[:-1] + b',"producerNotes":' + pad + b"}"


def _broken(**change: Any) -> Callable[[str, int], bytes]:
    return lambda run, number: orjson.dumps({**_completed(run, number), **change})


@dataclass(frozen=True, slots=True)
class Kind:
    """What is sent, how often in proportion, and what becomes of it; `reason` is a dead letter's class."""

    share: float
    make: Callable[[str, int], bytes | None]
    end: End = "written"
    reason: str = ""


def _dead(share: float, reason: str, make: Callable[[str, int], bytes]) -> Kind:
    return Kind(share, make, "dead", reason)


KINDS: dict[str, Kind] = {
    "started": Kind(600, _event(_started)),
    "completed": Kind(250, _event(_completed)),
    "dataset": Kind(130, _event(_dataset)),
    "huge": Kind(0.3, lambda run, number: _padded(run, number, MB + number % 7 * (3 * MB - 8192) // 6)),
    "tombstone": Kind(3, lambda run, number: None, "skipped"),
    "too large": _dead(0.05, "too_large", lambda run, number: _padded(run, number, LARGEST + 4096)),
    "cut": _dead(3, "json_syntax", lambda run, number: orjson.dumps(_started(run, number))[:-1]),
    "bytes": _dead(2, "encoding", lambda run, number: b"\xff" + orjson.dumps(_started(run, number))),
    "list": _dead(2, "not_object", lambda run, number: orjson.dumps([_started(run, number)])),
    "type": _dead(2, "event_type", _broken(eventType="BROKEN")),
    "time": _dead(2, "event_time", _broken(eventTime="soon")),
    "nameless": _dead(2, "names", _broken(job={"namespace": "chaos", "name": ""})),
    "inputs": _dead(2, "envelope", _broken(inputs=3)),
    "long": _dead(1, "limits", _broken(inputs=[{"namespace": "n" * 3000, "name": "x"}])),
    "empty": _dead(0.5, "empty_value", lambda run, number: b""),
    "framed": _dead(0.5, "framed", lambda run, number: b"\0\0\0\0\7avro%d" % number),
}


@dataclass(frozen=True, slots=True)
class Item:
    """One record: the number of the event and what is made of it."""

    number: int
    kind: str

    @property
    def row(self) -> Kind:
        return KINDS[self.kind]


class History:
    """The records of one run, in the order in which they are sent."""

    def __init__(self, seed: int, count: int) -> None:
        self.seed = seed
        pick = random.Random(f"history {seed}")
        shares = [row.share for row in KINDS.values()]
        kinds = pick.choices(list(KINDS), shares, k=count)
        for at, kind in enumerate(KINDS):  # each at least once, however short the run
            kinds[at % count] = kind
        items = [Item(number, kind) for number, kind in enumerate(kinds)]
        again = [item for item in items if item.row.end == "written" and pick.random() < AGAIN]
        reach = count * SPREAD
        placed = [(item.number + pick.uniform(0, reach * times), item) for times, some in ((1, items), (3, again))
                  for item in some]  # fmt: skip
        self.items = [item for _, item in sorted(placed, key=lambda one: one[0])]

    def value(self, item: Item) -> bytes | None:
        """The bytes of a record."""
        return item.row.make(f"run-{self.seed}-{item.number}", item.number)

    def expected(self, items: Iterable[Item] | None = None) -> Facts:
        """What the sound events state, each once."""
        together, naming = Facts(), Naming.load(None)
        for value in self._sound(self.items if items is None else items):
            together.add(map_event(decode(value), naming).facts)
        return together

    def _sound(self, items: Iterable[Item]) -> Iterator[bytes]:
        for item in {item for item in items if item.row.end == "written"}:
            value = self.value(item)
            assert value is not None
            yield value

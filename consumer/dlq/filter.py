"""The one filter language of all commands: terms that must all hold. Pure.

    class=json_syntax,encoding  job~^daily  attempts>=2  offset=100..200  since=2h  topic-3-42

A term is a field, an operator and a value; several values separated by commas are alternatives, `*` stands for
anything, `~` takes a regular expression, `a..b` a range with both ends. The name of a letter alone means it.
"""

from __future__ import annotations

import difflib
import re
import shlex
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from consumer.dlq.cases import Case
from consumer.dlq.fields import FIELDS, Field
from consumer.dlq.ledger import STATES
from consumer.errors import BadFilter

Test = Callable[[Case], bool]

_TERM = re.compile(r"([a-z_]+)\s*(>=|<=|!=|!~|=|~|>|<)(.*)", re.DOTALL)
_NAME = re.compile(r"[\w.-]+-\d+-\d+", re.ASCII)
_AGO = re.compile(r"(\d+)\s*([smhdw])", re.ASCII)
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}


_SHORT = {"since": ("failed", ">="), "until": ("failed", "<")}


@dataclass(frozen=True, slots=True)
class Filter:
    """Terms that must all hold, with every time absolute."""

    terms: tuple[str, ...]
    tests: tuple[Test, ...]
    names: frozenset[str]  # the fields that are asked about

    @property
    def text(self) -> str:
        """The terms as one would type them."""
        return shlex.join(self.terms)

    def __call__(self, case: Case) -> bool:
        return all(test(case) for test in self.tests)

    def unless_stated(self, *states: str) -> Filter:
        """With these states, if no term asks about the state or for one letter by its name."""
        if {"state", "id"} & self.names:
            return self
        return Filter((*self.terms, f"state={','.join(states)}"), (*self.tests, _in(states)), self.names)


def _in(states: tuple[str, ...]) -> Test:
    return lambda case: case.state in states


def parse(terms: Sequence[str], now_ms: int) -> Filter:
    """The filter of these terms; without any everything matches. Raises BadFilter."""
    texts, tests, names = [], [], set()
    for term in terms:
        name, operator, value = _split(term.strip())
        row = FIELDS[name]
        make = _text_test if row.kind == "text" else _number_test
        shown, test = make(name, operator, value, row, now_ms)
        texts.append(shown)
        tests.append(test)
        names.add(name)
    return Filter(tuple(texts), tuple(tests), frozenset(names))


def _split(term: str) -> tuple[str, str, str]:
    if not (found := _TERM.fullmatch(term)):
        if _NAME.fullmatch(term):
            return "id", "=", term
        raise BadFilter(f"{term!r} is no term such as class=json_syntax. Fields: {', '.join(FIELDS)}.")
    name, operator, value = found.groups()
    if name in _SHORT:
        if operator != "=":
            raise BadFilter(f"{term!r}: write {name}=2h or {name}=2026-11-25.")
        name, operator = _SHORT[name]
    if name not in FIELDS:
        near = difflib.get_close_matches(name, [*FIELDS, *_SHORT], n=1)
        meant = f"Did you mean {near[0]!r}?" if near else f"Fields: {', '.join([*FIELDS, *_SHORT])}."
        raise BadFilter(f"{term!r} asks about {name!r}, which letters do not have. {meant}")
    if not value:
        raise BadFilter(f"{term!r} has no value; an example: {FIELDS[name].example}.")
    return name, operator, value


def _text_test(name: str, operator: str, value: str, row: Field, now_ms: int) -> tuple[str, Test]:
    get, wanted = row.get, operator in ("=", "~")
    if operator in ("~", "!~"):
        try:
            found = re.compile(value).search
        except re.error as error:
            raise BadFilter(f"{value!r} is no regular expression ({error}).") from None
        return f"{name}{operator}{value}", lambda case: (found(get(case)) is not None) == wanted
    if operator not in ("=", "!="):
        raise BadFilter(f"{name!r} is a text: it takes =, !=, ~ and !~, not {operator}.")
    values = value.split(",")
    if name == "state" and (odd := set(values) - set(STATES)):
        raise BadFilter(f"{odd.pop()!r} is no state; there are {', '.join(STATES)}.")
    likes = [re.compile(".*".join(map(re.escape, one.split("*"))), re.DOTALL).fullmatch for one in values]
    return (
        f"{name}{operator}{value}",
        lambda case: any(like(get(case)) for like in likes) == wanted,
    )


def _number_test(name: str, operator: str, value: str, row: Field, now_ms: int) -> tuple[str, Test]:
    if operator in ("~", "!~"):
        raise BadFilter(f"{name!r} is a {row.kind}: it takes =, !=, <, <=, > and >=, not {operator}.")

    def read(text: str) -> int:
        return moment(name, text, now_ms) if row.kind == "time" else _number(name, text)

    get, ranges, shown = row.get, [], []
    for part in value.split(","):
        low, dots, high = part.partition("..")
        if operator not in ("=", "!=") and (dots or "," in value):
            raise BadFilter(f"{name}{operator}{value}: only = and != take several values or a range.")
        bounds = (read(low) if low else -(2**63), read(high) if high else 2**63) if dots else (read(low),) * 2
        ranges.append(bounds)
        shown.append(part if row.kind == "number" else "..".join(map(_iso, dict.fromkeys(bounds))))
    compare = _COMPARE.get(operator)
    if compare is not None:
        bound = ranges[0][0]
        return f"{name}{operator}{shown[0]}", lambda case: compare(get(case), bound)
    wanted = operator == "="
    text = f"{name}{operator}{','.join(shown)}"
    return text, lambda case: any(low <= get(case) <= high for low, high in ranges) == wanted


_COMPARE: dict[str, Callable[[int, int], bool]] = {
    ">=": lambda a, b: a >= b,
    "<=": lambda a, b: a <= b,
    ">": lambda a, b: a > b,
    "<": lambda a, b: a < b,
}


def _number(name: str, text: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise BadFilter(f"{name}: {text!r} is not a whole number.") from None


def moment(name: str, text: str, now_ms: int) -> int:
    """The time in milliseconds that a text means: an age, or a time in UTC. Raises BadFilter."""
    if ago := _AGO.fullmatch(text):
        return now_ms - int(ago[1]) * _SECONDS[ago[2]] * 1000
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise BadFilter(
            f"{name}: {text!r} is neither a time such as 2026-11-25T12:00 (UTC) nor an age such as 2h."
        ) from None
    return int(moment.replace(tzinfo=moment.tzinfo or UTC).timestamp() * 1000)


def _iso(moment_ms: int) -> str:
    if abs(moment_ms) >= 2**62:
        return ""
    return datetime.fromtimestamp(moment_ms / 1000, UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3]

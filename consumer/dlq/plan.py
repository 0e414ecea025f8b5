"""A plan: exactly which letters a replay will send, in a file that cannot be changed unnoticed. Pure."""

from __future__ import annotations

import hashlib
import json
import secrets
from collections import Counter
from collections.abc import Container, Iterable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from consumer import program_version
from consumer.dlq.cases import Case, in_order
from consumer.dlq.names import Names
from consumer.errors import BadFilter

To = Literal["retry", "source"]
VERSION = 1
HOURS = 24  # that a plan is good for


@dataclass(frozen=True, slots=True)
class Item:
    """One letter of a plan: its name, where it lies (partition@offset), the hash of its value."""

    id: str
    place: str
    sha256: str
    attempts: int


@dataclass(frozen=True, slots=True)
class Plan:
    """The letters of one replay. `left` counts those that the filter chose and the plan leaves out, by reason."""

    replay: str
    made_at: int
    by: str
    program: str
    group: str
    source: str
    letters: str
    to: To
    terms: tuple[str, ...]
    most_attempts: int
    items: tuple[Item, ...]
    classes: Mapping[str, int] = field(default_factory=dict)
    bytes: int = 0
    left: Mapping[str, int] = field(default_factory=dict)

    def text(self) -> str:
        """The file."""
        content = _plain({"plan": VERSION, **asdict(self)})
        return json.dumps({**content, "sha256": _hash(content)}, indent=1) + "\n"

    def expired(self, now_ms: int) -> bool:
        """Whether too much may have happened since."""
        return now_ms - self.made_at > HOURS * 3_600_000


def place(case: Case) -> str:
    """Where the letter that counts lies, as plans and the ledger tell it."""
    return f"{case.letter.place.number}@{case.letter.at}"


def item(case: Case) -> Item:
    """The case as an item of a plan."""
    return Item(case.letter.id, place(case), case.letter.sha256, case.letter.attempts)


def choose(cases: Iterable[Case], most_attempts: int) -> tuple[list[Case], Counter[str]]:
    """Those that can be sent, as they lie, and how many cannot, by reason."""
    chosen, left = [], Counter[str]()
    for case in in_order(cases):
        if case.letter.kept == "null" and not case.letter.key:
            left["neither key nor value: discard them"] += 1
        elif most_attempts and case.letter.attempts >= most_attempts:
            left[f"failed {most_attempts} times or more: park them, or raise --max-attempts"] += 1
        else:
            chosen.append(case)
    return chosen, left


def make(
    cases: Iterable[Case],
    of: Names,
    group: str,
    terms: tuple[str, ...],
    to: To,
    most_attempts: int,
    by: str,
    now_ms: int,
) -> Plan:
    """A plan for those of these cases that can be sent."""
    chosen, left = choose(cases, most_attempts)
    return Plan(
        replay=secrets.token_hex(4),
        made_at=now_ms,
        by=by,
        program=program_version(),
        group=group,
        source=of.source,
        letters=of.letters,
        to=to,
        terms=terms,
        most_attempts=most_attempts,
        items=tuple(map(item, chosen)),
        classes=dict(Counter(case.letter.reason for case in chosen).most_common()),
        bytes=sum(case.letter.size for case in chosen),
        left=dict(left),
    )


def check(plan: Plan, of: Names, group: str, now_ms: int, begun: Container[str]) -> None:
    """Raises BadFilter if this plan must not be replayed here and now; one that was begun may always be ended."""
    if (plan.group, plan.source, plan.letters) != (group, of.source, of.letters):
        raise BadFilter(
            f"The plan is for the letters {plan.letters!r} of {plan.source!r} and group {plan.group!r}, "
            f"not for {of.letters!r} of {of.source!r} and {group!r}."
        )
    if plan.expired(now_ms) and plan.replay not in begun:
        raise BadFilter(f"The plan is older than {HOURS} hours: make it again.")


def load(text: str) -> Plan:
    """The plan in a file. Raises BadFilter."""
    try:
        content: dict[str, Any] = json.loads(text)
        stated = content.pop("sha256")
        if content.pop("plan") != VERSION:
            raise BadFilter("The plan was made by another version of this program: make it again.")
        if _hash({"plan": VERSION, **content}) != stated:
            raise BadFilter("The plan was changed after it was made (its hash does not fit): make it again.")
        content["items"] = tuple(Item(**one) for one in content["items"])
        content["terms"] = tuple(content["terms"])
        return Plan(**content)
    except (ValueError, TypeError, KeyError, AttributeError):
        raise BadFilter("This is no plan; `lineagegraph dlq plan -o plan.json` makes one.") from None


def _plain(content: dict[str, Any]) -> dict[str, Any]:
    plain: dict[str, Any] = json.loads(json.dumps(content))
    return plain


def _hash(content: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True, separators=(",", ":")).encode()).hexdigest()

"""What of a plan still stands: entries that are missing in the ledger, letters that have changed. Pure."""

from __future__ import annotations

import shlex

from consumer.dlq.cases import Case, Cases
from consumer.dlq.ledger import Ledger, Tried
from consumer.dlq.plan import Item, Plan
from consumer.errors import BadFilter


def missing(plan: Plan, cases: Cases, now: int) -> list[Tried]:
    """The entries of the plan's letters that are not in the ledger yet."""
    return [
        _entry(item, plan, cases, now) for item in plan.items if plan.replay not in cases.ledger.tried.get(item.id, {})
    ]


def _entry(item: Item, plan: Plan, cases: Cases, now: int) -> Tried:
    case = cases.get(item.id)
    why = "its letter is gone from Kafka" if case is None else changed(item, case)
    if case is not None and why is None:
        why = not_as_planned(case, cases.ledger, plan.replay)
    step = "planned" if why is None else "left"
    # step is one of the literals that Tried knows
    return Tried(item.id, plan.replay, step, now, item.attempts, item.place, item.sha256, why or "")  # type: ignore[arg-type]


def changed(item: Item, case: Case) -> str | None:
    """How the letter differs from what was planned, if it does."""
    if case.letter.sha256 != item.sha256:
        return "it was edited since"
    if case.letter.attempts != item.attempts:
        return "it has failed again since"
    return None


def not_as_planned(case: Case, ledger: Ledger, replay: str) -> str | None:
    """Why the letter must not be sent by this replay now, if it must not."""
    state = ledger.state(case.letter.id, but=replay)
    return None if state == "open" else f"it is {state}"


def from_ledger(ledger: Ledger, replay: str, group: str, source: str, letters: str) -> Plan:
    """The plan of a replay as the ledger has it, so that any machine can go on. Raises BadFilter."""
    note = ledger.replays.get(replay)
    if note is None:
        known = ", ".join(sorted(ledger.replays)) or "none at all"
        raise BadFilter(f"There is no replay {replay!r} in the ledger; there are: {known}.")
    tries = sorted(ledger.of(replay), key=lambda one: _sort(one.place))
    if note.state == "preparing" and len(tries) < note.total:
        raise BadFilter(
            f"The replay {replay} was stopped before its plan was written down; nothing was sent. "
            "Replay the plan file again, or make a new plan."
        )
    if note.options.get("letters", letters) != letters:
        raise BadFilter(
            f"The replay {replay} is of {note.options['letters']}: say --letters {note.options['letters']}."
        )
    return Plan(
        replay,
        note.at,
        note.by,
        "",
        group,
        source,
        letters,
        note.options.get("to", "retry"),
        tuple(shlex.split(note.filter)),
        int(note.options.get("most_attempts", 0)),
        tuple(Item(one.id, one.place, one.sha256, one.attempts) for one in tries),
    )


def _sort(where: str) -> tuple[int, int]:
    partition, _, offset = where.partition("@")
    return (int(partition), int(offset)) if partition.isdigit() and offset.isdigit() else (0, 0)

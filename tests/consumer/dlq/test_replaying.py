"""What replays are made of, without a server: plans, pace, what of a plan still stands, who else replays, purges."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from typing import Any, cast

import click
import pytest

from consumer.dlq import plan as plans
from consumer.dlq.cases import Case, Cases
from consumer.dlq.ledger import Decided, Entry, Ledger, ReplayNote, Tried, encode
from consumer.dlq.names import names
from consumer.dlq.options import Options
from consumer.dlq.others import not_named
from consumer.dlq.pace import Pace, canary_first, too_many_fail
from consumer.dlq.plan import Plan
from consumer.dlq.planned import changed, from_ledger, missing, not_as_planned
from consumer.dlq.progress import active, progress_of, stage
from consumer.dlq.purge import forgotten, sweep
from consumer.dlq.quantities import rate, seconds, share
from consumer.dlq.watch import Watch
from consumer.errors import BadFilter
from consumer.settings import load
from tests.consumer.dlq.made import a_case, a_letter
from tests.consumer.fakes import TIME

OF = names(load(topics=("events",)))
HOUR = 3_600_000


def made(*cases: Case, most: int = 5) -> Plan:
    return plans.make(cases, OF, "lineagegraph", ("class=names",), "retry", most, "me", TIME)


def folded(*letters: int, entries: tuple[Decided | Tried | ReplayNote, ...] = ()) -> Cases:
    cases = Cases()
    for number in letters:
        cases.add(a_letter(number, number))
    for entry in entries:
        cases.ledger.add(*encode(entry))
    return cases


def test_a_plan_comes_back_from_its_file_as_it_was() -> None:
    plan = made(a_case(3), a_case(1))
    assert plans.load(plan.text()) == plan
    assert [item.id for item in plan.items] == ["events-0-3", "events-1-1"], "as the letters lie"
    assert (plan.classes, plan.bytes > 0) == ({"envelope": 2}, True)


@pytest.mark.parametrize("change", [{"most_attempts": 99}, {"items": []}, {"to": "source"}, {"terms": ["job=other"]}])
def test_a_plan_that_was_changed_is_refused(change: dict[str, object]) -> None:
    content = json.loads(made(a_case(1)).text())
    with pytest.raises(BadFilter, match="changed after it was made"):
        plans.load(json.dumps({**content, **change}))


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"plan": 1}', "no json"])
def test_what_is_no_plan_is_refused(text: str) -> None:
    with pytest.raises(BadFilter, match="This is no plan"):
        plans.load(text)


def test_a_plan_is_good_for_a_day_here_unless_it_was_begun() -> None:
    plan = made(a_case(1))
    plans.check(plan, OF, "lineagegraph", TIME + 24 * HOUR, ())
    with pytest.raises(BadFilter, match="older than 24 hours"):
        plans.check(plan, OF, "lineagegraph", TIME + 25 * HOUR, ())
    plans.check(plan, OF, "lineagegraph", TIME + 25 * HOUR, (plan.replay,))
    with pytest.raises(BadFilter, match="not for"):
        plans.check(plan, OF, "another", TIME, ())


def test_a_plan_leaves_out_what_cannot_or_should_not_be_sent_and_says_so() -> None:
    tired = replace(a_case(2), letter=replace(a_case(2).letter, attempts=5))
    empty = replace(a_case(3), letter=replace(a_case(3).letter, kept="null", key=""))
    plan = made(a_case(1), tired, empty)
    assert [item.id for item in plan.items] == ["events-1-1"]
    assert sorted(plan.left.values()) == [1, 1]
    assert len(made(tired, most=0).items) == 1, "without a limit"


def test_only_what_is_not_in_the_ledger_is_written_there() -> None:
    cases = folded(1, 2, 3)
    plan = made(*cases)
    cases.ledger.add(*encode(Tried("events-1-1", plan.replay, "sent", TIME)))
    found = {one.id: one.state for one in missing(plan, cases, TIME)}
    assert found == {"events-2-2": "planned", "events-0-3": "planned"}


def test_a_letter_that_is_not_what_was_planned_is_left() -> None:
    cases = folded(1, 2, 3, 4)
    plan = made(*cases)
    after = folded(1, 2, 3, entries=(Decided("events-2-2", "parked", TIME),))
    after.add(replace(a_letter(3, 9), sha256="other"))
    notes = {one.id: (one.state, one.note) for one in missing(plan, after, TIME)}
    assert notes["events-1-1"] == ("planned", "")
    assert notes["events-2-2"] == ("left", "it is parked")
    assert notes["events-0-3"] == ("left", "it was edited since")
    assert notes["events-1-4"] == ("left", "its letter is gone from Kafka")
    again = replace(a_case(1), letter=replace(a_case(1).letter, attempts=2))
    assert changed(plan.items[0], replace(again, letter=replace(again.letter, sha256=plan.items[0].sha256))) == (
        "it has failed again since"
    )


def test_what_another_replay_has_planned_or_sent_is_not_sent_again() -> None:
    running = ReplayNote("other", "running", TIME, 1)
    case = a_case(1)
    for step, says in (("planned", "it is planned"), ("sent", "it is sent"), ("resolved", "it is resolved")):
        ledger = folded(1, entries=(running, Tried("events-1-1", "other", step, TIME))).ledger  # type: ignore[arg-type]
        assert not_as_planned(case, ledger, "mine") == says
        assert (not_as_planned(case, ledger, "other") is None) == (step == "planned")


def test_any_machine_can_go_on_with_a_replay_from_the_ledger_alone() -> None:
    cases = folded(1, 2)
    plan = made(*cases)
    options = {"to": "retry", "most_attempts": 5, "letters": OF.letters}
    note = ReplayNote(plan.replay, "running", TIME, 2, "me", "class=names", options=options)
    entries: list[Entry] = [note, *missing(plan, cases, TIME)]
    for entry in entries:
        cases.ledger.add(*encode(entry))
    assert from_ledger(cases.ledger, plan.replay, "lineagegraph", OF.source, OF.letters).items == plan.items
    with pytest.raises(BadFilter, match=f"there are: {plan.replay}"):
        from_ledger(cases.ledger, "nothing", "lineagegraph", OF.source, OF.letters)
    with pytest.raises(BadFilter, match="say --letters"):
        from_ledger(cases.ledger, plan.replay, "lineagegraph", OF.source, "others")
    half = folded(1, entries=(replace(note, state="preparing"), Tried("events-1-1", plan.replay, "planned", TIME)))
    with pytest.raises(BadFilter, match="nothing was sent"):
        from_ledger(half.ledger, plan.replay, "lineagegraph", OF.source, OF.letters)


def test_a_replay_that_is_alive_is_noticed_and_one_that_is_silent_or_done_is_not() -> None:
    note = ReplayNote("other", "running", TIME, 2)
    steps = Tried("events-1-1", "other", "sent", TIME + 1), Tried("events-2-2", "other", "planned", TIME)
    ledger = folded(1, 2, entries=(note, *steps)).ledger
    assert active(ledger, TIME + 30_000, "mine") == "other"
    assert active(ledger, TIME + 30_000, "other") is None
    assert active(ledger, TIME + 90_000, "mine") is None
    ended = folded(1, entries=(note, steps[0])).ledger
    assert active(ended, TIME + 1_000, "mine") is None, "it has nothing more to send"
    assert (stage(ledger, "other"), stage(ended, "other")) == ("running", "waiting")
    ended.add(*encode(replace(steps[0], state="resolved")))
    assert (stage(ended, "other"), progress_of(ended, "other").through) == ("done", 1)


class LateLedger:
    """A desk whose ledger shows what was written only after it was looked at a few times."""

    def __init__(self, *entries: Entry) -> None:
        self._entries = list(entries)
        self.looks = 0

    async def follow(self, ledger: Ledger) -> None:
        self.looks += 1
        if self.looks > 3 and self._entries:
            ledger.add(*encode(self._entries.pop(0)))


def watch(desk: LateLedger, *entries: Entry, wait: float = 60.0) -> Watch:
    """The watch over a replay of two letters."""
    ledger = folded(1, 2, entries=(ReplayNote("r", "running", TIME, 2), *entries)).ledger
    return Watch(cast(Any, desk), ledger, "r", 2, Options(wait=wait), Pace(100.0, 0.0, 0.0), lambda _: None)


PLANNED = Tried("events-1-1", "r", "planned", TIME), Tried("events-2-2", "r", "planned", TIME)


@pytest.mark.parametrize(("wait", "ended"), [(60.0, None), (0.0, "sent")])
def test_a_replay_has_not_ended_before_the_ledger_shows_what_it_sent(wait: float, ended: str | None) -> None:
    sent = [replace(one, state="sent") for one in PLANNED]
    desk = LateLedger(*sent, *(replace(one, state="resolved") for one in PLANNED if wait))
    watching = watch(desk, *PLANNED, wait=wait)
    watching.wrote(one.id for one in sent)
    asyncio.run(watching.outcomes())
    assert watching.progress.sent == 2
    assert watching.progress.steps["resolved"] == (2 if wait else 0)
    assert watching.progress.ended == ended


def test_what_failed_before_somebody_said_resume_does_not_stop_the_replay_again() -> None:
    failed = [replace(PLANNED[0], id=f"events-0-{n}", state="failed") for n in range(3, 99, 3)]
    watching = watch(LateLedger(), *failed, *PLANNED)
    asyncio.run(watching.look(at_once=True))
    assert not watching.over
    new = [replace(PLANNED[0], id=f"events-0-{n}", state="failed") for n in range(99, 198, 3)]
    desk = LateLedger(*new)
    watching = watch(desk, *failed, *PLANNED)
    desk.looks = 3
    for _ in new:
        asyncio.run(watching.look(at_once=True))
    assert watching.progress.ended == "aborted", "but what fails now does"


def test_the_pace_rises_to_its_rate_and_keeps_it() -> None:
    pace = Pace(100.0, 10.0, began=0.0)
    assert [pace.now(time) for time in (0.0, 5.0, 10.0, 99.0)] == [1.0, 50.0, 100.0, 100.0]
    assert [pace.portion(time, 500) for time in (0.0, 5.0, 10.0)] == [1, 25, 50]
    steady, time, sent = Pace(100.0, 0.0, began=0.0), 0.0, 0
    while time < 10.0:
        sent += steady.portion(time, 500)
        time += steady.sent(steady.portion(time, 500), time)
    assert sent == 1000


@pytest.mark.parametrize(("count", "picked"), [(0, []), (2, [0, 5]), (3, [0, 3, 6]), (99, list(range(10)))])
def test_a_canary_is_taken_from_all_over(count: int, picked: list[int]) -> None:
    first, others = canary_first(range(10), count)
    assert first == picked
    assert sorted(first + others) == list(range(10))


@pytest.mark.parametrize(
    ("failed", "ended", "canary", "stops"),
    [(10, 19, 0, False), (11, 20, 0, True), (10, 20, 0, False), (3, 5, 5, True), (3, 4, 5, False), (0, 99, 5, False)],
)
def test_a_replay_stops_when_too_large_a_share_fails_again(failed: int, ended: int, canary: int, stops: bool) -> None:
    assert too_many_fail(failed, ended, 0.5, canary) is stops


def test_the_other_groups_of_a_source_topic_must_be_named_exactly() -> None:
    assert not_named([], (), "events") is None
    assert not_named(["datahub", "marquez"], ("marquez", "datahub"), "events") is None
    wrong = not_named(["datahub", "marquez"], ("marquez",), "events")
    assert wrong is not None
    assert "2 other groups" in wrong
    assert "datahub not named" in wrong
    assert "--and-group datahub --and-group marquez" in wrong
    assert not_named([], ("marquez",), "events") == "marquez: no such group reads 'events'."


def ended(*numbers: int) -> tuple[Decided, ...]:
    return tuple(Decided(f"events-{number % 3}-{number}", "discarded", TIME) for number in numbers)


def test_a_purge_never_passes_an_open_letter() -> None:
    # Source partition 0 holds the letters 0, 3, 6 and 9, at those offsets.
    found = sweep(folded(0, 3, 6, 9, entries=ended(0, 3, 9)), range(3), TIME + HOUR)
    assert (found.below, found.letters, found.held_by) == ({0: 4}, 2, {0: "events-0-6"})
    assert found.ended == ["events-0-0", "events-0-3"]


@pytest.mark.parametrize("state", ["parked", "planned", "sent"])
def test_a_purge_keeps_what_may_still_be_wanted(state: str) -> None:
    entry: Decided | Tried = Tried("events-0-0", "r", state, TIME)  # type: ignore[arg-type]
    if state == "parked":
        entry = Decided("events-0-0", "parked", TIME)
    cases = folded(0, 3, entries=(ReplayNote("r", "running", TIME, 1), entry, *ended(3)))
    assert sweep(cases, range(3), TIME + HOUR).below == {}


def test_a_purge_keeps_what_is_younger_than_asked_and_every_letter_of_an_open_record() -> None:
    assert sweep(folded(0, entries=ended(0)), range(3), TIME).letters == 0
    twice = folded(0, 3, entries=ended(3))
    twice.add(a_letter(0, 9))
    assert sweep(twice, range(3), TIME + HOUR).below == {}, "the first letter of an open record is its original"
    twice.ledger.add(*encode(ended(0)[0]))
    assert sweep(twice, range(3), TIME + HOUR).letters == 3


def test_a_record_of_which_a_letter_is_left_is_not_forgotten() -> None:
    cases = folded(0, 3, entries=ended(0))
    cases.add(a_letter(0, 9))
    found = sweep(cases, range(3), TIME + HOUR)
    assert (found.below, found.letters, found.ended) == ({0: 1}, 1, []), "letter 3 is open and keeps the one behind it"


def test_the_ledger_forgets_what_was_purged_and_replays_of_nothing_else() -> None:
    tries = Tried("events-0-0", "r", "resolved", TIME), Tried("events-0-3", "s", "failed", TIME)
    notes = ReplayNote("r", "done", TIME, 1), ReplayNote("s", "done", TIME, 1)
    cases = folded(0, 3, entries=(*tries, *notes))
    found = sweep(cases, range(3), TIME + HOUR)
    assert forgotten(cases, found) == [b"events-0-0|r", b"|r"]


@pytest.mark.parametrize(
    ("read", "text", "value"),
    [
        *((rate, "200/s", 200), (rate, "600/min", 10), (rate, "5", 5)),
        *((seconds, "90", 90), (seconds, "5m", 300), (seconds, "0", 0), (share, "5%", 0.05), (share, "0.5", 0.5)),
    ],
)
def test_quantities_are_written_as_people_write_them(read: object, text: str, value: float) -> None:
    assert read(text) == pytest.approx(value)  # type: ignore[operator]


@pytest.mark.parametrize(
    ("read", "text"), [(rate, "0"), (rate, "-1"), (rate, "fast"), (seconds, "inf"), (seconds, "1d"), (share, "101%")]
)
def test_quantities_that_mean_nothing_are_refused(read: object, text: str) -> None:
    with pytest.raises(click.BadParameter):
        read(text)  # type: ignore[operator]

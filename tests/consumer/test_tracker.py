"""The tracker: whatever completes in whatever order, only what is done from the bottom up may be committed."""

from __future__ import annotations

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, invariant, precondition, rule

from consumer.tracker import Ticket, Tracker


class Tracking(RuleBasedStateMachine):
    """A tracker beside a model that remembers every stretch and compares from scratch."""

    tickets = Bundle("tickets")

    @initialize(start=st.integers(0, 1000))
    def begin(self, start: int) -> None:
        self.tracker = Tracker(start)
        self.start = start
        self.stretches: list[tuple[int, Ticket]] = []
        self.orphans: list[Ticket] = []
        self.clock = 0.0
        self.last_commit = start

    @rule(target=tickets, gap=st.integers(1, 50))
    def take(self, gap: int) -> Ticket:
        end = self.tracker.position + gap  # offsets have holes: compaction, transaction markers
        ticket = self.tracker.take(end)
        self.stretches.append((end, ticket))
        return ticket

    @rule(ticket=tickets, passed=st.floats(0, 5))
    def done(self, ticket: Ticket, passed: float) -> None:
        self.clock += passed
        if ticket.acknowledged_at is None:
            ticket.done(self.clock)

    @rule(behind=st.floats(0, 20))
    def commit(self, behind: float) -> None:
        until = self.clock - behind
        safe = self.tracker.safe(until)
        assert safe >= self.last_commit, "a commit went back"
        for end, ticket in self.stretches:
            if end <= safe:
                assert ticket.acknowledged_at is not None, "something below is not done"
        if safe > self.tracker.committed:
            self.tracker.commit(safe)
            self.last_commit = safe

    @precondition(lambda self: self.stretches)
    @rule()
    def rewind(self) -> None:
        self.tracker = self.tracker.rewound()
        self.orphans += [ticket for _, ticket in self.stretches]
        self.stretches = []

    @invariant()
    def everything_done_long_ago_is_safe(self) -> None:
        if not hasattr(self, "tracker"):
            return
        expected = self.tracker.committed
        for end, ticket in self.stretches:
            if ticket.acknowledged_at is None:
                break
            expected = max(expected, end)
        assert self.tracker.safe(float("inf")) == expected

    @invariant()
    def nothing_below_the_start_or_beyond_the_position_is_committed(self) -> None:
        if hasattr(self, "tracker"):
            assert self.start <= self.tracker.committed <= self.tracker.position


TestTracking = Tracking.TestCase


def test_what_is_acknowledged_too_recently_holds_back_all_above_it() -> None:
    tracker = Tracker(0)
    first, second = tracker.take(10), tracker.take(20)
    second.done(1.0)
    assert tracker.safe(100.0) == 0
    first.done(5.0)
    assert tracker.safe(4.9) == 0
    assert tracker.safe(5.0) == 20


def test_a_completion_of_an_earlier_assignment_moves_nothing() -> None:
    before = Tracker(5)
    ticket = before.take(9)
    after = before.rewound()
    after.take(9)
    ticket.done(0.0)
    assert after.safe(1.0) == 5


@pytest.mark.parametrize("offset", [4, 11])
def test_a_commit_that_goes_back_or_too_far_is_a_bug(offset: int) -> None:
    tracker = Tracker(5)
    tracker.take(11)
    with pytest.raises(ValueError, match="committed"):
        tracker.commit(offset)


def test_reading_backwards_is_a_bug() -> None:
    with pytest.raises(ValueError, match="was read after"):
        Tracker(5).take(5)


def test_the_oldest_uncommitted_record_is_known() -> None:
    tracker = Tracker(0)
    assert (tracker.oldest, tracker.idle) == (None, True)
    ticket = tracker.take(3, timestamp=17)
    assert (tracker.oldest, tracker.idle) == (17, False)
    ticket.done(0.0)
    tracker.commit(tracker.safe(0.0))
    assert tracker.idle

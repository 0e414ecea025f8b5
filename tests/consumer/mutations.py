"""Mutation checks: take each fence of the consumer away, and see the test turn red that is there for it.

    python -m tests.consumer.mutations [TEXT]     those whose name holds the text

In a copy of the repository, so that nothing here changes. docs/guarantees.md shows the table.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
RED, SECONDS = 1, 60  # pytest's exit code; a test that hangs is red too


@dataclass(frozen=True, slots=True)
class Mutation:
    """A fence, what stands for it in a file of `consumer/`, what is put there instead, and the test that notices."""

    fence: str
    file: str
    old: str
    new: str
    test: str


def _m(fence: str, file: str, old: str, new: str, test: str) -> Mutation:
    return Mutation(fence, file, old, new, test)


MUTATIONS: tuple[Mutation, ...] = (
    _m(
        "write, then commit",
        "tracker.py",
        "self._tickets.append(ticket)",
        "self._tickets.append(ticket); ticket.done(float('-inf'))",
        "test_worker.py::test_everything_is_written_before_it_is_committed",
    ),
    _m(
        "bury, then commit",
        "flight.py",
        "self._done(self._tickets.keys() - stopped - waiting, counts, at)",
        "self._done(self._tickets.keys() - stopped, counts, at)",
        "test_worker.py::test_a_dead_letter_is_acknowledged_before_its_offset_is_committed",
    ),
    _m(
        "commit late: only what is on disk",
        "graph.py",
        "return time.monotonic() if self._timing.sync == 0 else self._alive_since_then - self._timing.sync",
        "return time.monotonic()",
        "test_worker.py::test_offsets_are_committed_only_after_the_sync_period_and_a_heartbeat",
    ),
    _m(
        "time alone proves nothing: the store must have answered since",
        "graph.py",
        "else self._alive_since_then - self._timing.sync",
        "else time.monotonic() - self._timing.sync",
        "test_graph.py::test_time_alone_proves_nothing",
    ),
    _m(
        "a late heartbeat is an outage",
        "graph.py",
        "async with asyncio.timeout(self._alive_since_then + self._timing.restart - started):",
        "async with asyncio.timeout(None):",
        "test_worker.py::test_a_heartbeat_that_is_late_is_an_outage_even_if_it_succeeds",
    ),
    _m(
        "after an outage what was acknowledged is forgotten",
        "graph.py",
        "await asyncio.to_thread(self._store.forget)",
        "await asyncio.sleep(0)",
        "test_worker.py::test_what_was_acknowledged_but_not_on_disk_is_read_again_after_a_crash_of_the_store",
    ),
    _m(
        "… but not before all writes of then have ended",
        "worker.py",
        "        while self._in_flight:\n",
        "        while self._in_flight and self.graph is None:\n",
        "test_worker.py::test_the_store_forgets_only_after_all_writes_of_before_have_ended",
    ),
    _m(
        "after an outage back to what is committed",
        "worker.py",
        "self.source.seek(partition, tracker.committed)",
        "self.source.seek(partition, tracker.position)",
        "test_worker.py::test_what_was_acknowledged_but_not_on_disk_is_read_again_after_a_crash_of_the_store",
    ),
    _m(
        "after an outage one batch alone",
        "graph.py",
        "self.half_open = True",
        "self.half_open = False",
        "test_outages.py::test_after_an_outage_one_batch_alone_is_tried_before_all_are_let_through",
    ),
    _m(
        "a graph that is too slow gets less",
        "graph.py",
        "self._share /= 2",
        "self._share /= 1",
        "test_outages.py::test_a_graph_that_is_too_slow_for_our_load_gets_less_of_it_until_it_keeps_up",
    ),
    _m(
        "nothing commits after a revoke",
        "flight.py",
        "        if self._lease.over:\n            self._give_up(self._tickets)\n            return\n        stopped",
        "        stopped",
        "test_worker.py::test_a_late_completion_after_a_revoke_commits_nothing",
    ),
    _m(
        "at a revoke what is in flight ends first",
        "worker.py",
        "await asyncio.wait(set(self._in_flight), timeout=DRAIN_SECONDS)",
        "await asyncio.sleep(0)",
        "test_worker.py::test_a_revoke_lets_what_is_in_flight_end_and_commits_it",
    ),
    _m(
        "commits never go back",
        "tracker.py",
        "if not self.committed <= offset <= self._safe:",
        "if offset < 0:",
        "test_tracker.py::test_a_commit_that_goes_back_or_too_far_is_a_bug",
    ),
    _m(
        "bytes in flight are bounded",
        "room.py",
        "or self.bytes >= self._most_bytes",
        "",
        "test_outages.py::test_no_more_bytes_are_held_than_allowed",
    ),
    _m(
        "only the partition with an unburied letter waits",
        "worker.py",
        "closed = self.delivery.blocked | lease.halted.keys()",
        "closed = frozenset(lease.trackers) if self.delivery.blocked else lease.halted.keys()",
        "test_worker.py::test_only_the_partition_with_an_unburied_letter_waits",
    ),
    _m(
        "the brake",
        "lease.py",
        "return partition not in self.halted",
        "return True",
        "test_brake.py::test_batches_that_are_in_flight_when_the_brake_trips_are_not_buried",
    ),
    _m(
        "who takes a partition over says so before it reads",
        "worker.py",
        "Place(place.offset, place.note.taken_over())",
        "Place(place.offset, place.note)",
        "test_poison.py::test_the_one_record_that_kills_is_buried_unparsed_and_all_others_are_written",
    ),
    _m(
        "a suspect is marked before it is parsed",
        "careful.py",
        "if not await mark(lease, lease.marked(partition, probe)):",
        "if not lease.marked(partition, probe):",
        "test_poison.py::test_nothing_else_is_in_flight_and_the_mark_stands_before_a_suspect_is_read",
    ),
    _m(
        "every record ends in one account",
        "flight.py",
        "            self._give_up(self._tickets)\n            return\n        self._written(sum",
        "            return\n        self._written(sum",
        "test_worker.py::test_an_outage_buries_and_commits_nothing_and_stays_in_the_group",
    ),
    _m(
        "F1 one partition for each call",
        "member.py",
        "await consumer.getmany(place, timeout_ms=wait_ms, max_records=count)",
        "await consumer.getmany(*consumer.assignment(), timeout_ms=wait_ms, max_records=count)",
        "test_fences.py::test_f1_a_partition_that_fails_costs_the_others_nothing",
    ),
    _m(
        "F2 what aiokafka cannot read is salvaged",
        "reading.py",
        "        except Exception as error:\n            return await self._salvage(partition, error)",
        "        except Exception as error:\n            self._leave_alone(partition, error)",
        "test_fences.py::test_f2_a_header_name_that_is_not_utf8_does_not_wedge_its_partition",
    ),
    _m(
        "F3 a batch with a wrong checksum is salvaged",
        "reading.py",
        "except (CorruptRecordException, RecordTooLargeError) as error:\n            return await self._salvage(",
        "except (CorruptRecordException, RecordTooLargeError) as error:\n            self._leave_alone(",
        "test_fences.py::test_f3_records_of_a_batch_with_a_wrong_checksum_are_condemned_and_the_next_batch_goes_on",
    ),
    _m(
        "F4 a dead task of aiokafka is noticed",
        "member.py",
        "self._stuck or self._dead()",
        "self._stuck",
        "test_fences.py::test_f4_a_new_consumer_takes_over_when_the_fetch_task_has_died",
    ),
    _m(
        "F4 silence is noticed",
        "member.py",
        'self._stuck = "silent"',
        "self._stuck = None",
        "test_fences.py::test_f4_a_new_consumer_takes_over_when_nothing_is_fetched_though_kafka_has_more",
    ),
    _m(
        "F5 a commit is bounded",
        "source.py",
        "async with asyncio.timeout(COMMIT_SECONDS):",
        "async with asyncio.timeout(None):",
        "test_fences.py::test_f5_a_commit_ends_in_time_when_no_broker_answers",
    ),
    _m(
        "F5 a poll that waits for ever does not hold up the end",
        "worker.py",
        "await asyncio.wait([polling], timeout=POLL_SECONDS)",
        "await asyncio.wait([polling])",
        "test_fences.py::test_f5_a_poll_that_waits_for_the_group_for_ever_does_not_keep_us_from_stopping",
    ),
    _m(
        "F6 aiokafka's own guard is repaired",
        "member.py",
        "consumer._subscription._fetch_count = 0",
        "pass",
        "test_fences.py::test_f6_a_failed_read_leaves_the_guard_against_a_hanging_poller_in_force",
    ),
    _m(
        "F7 timeouts in the right order",
        "member.py",
        "            rebalance_timeout_ms=REBALANCE_MS,\n",
        "",
        "test_fences.py::test_f7_the_group_waits_long_enough_and_we_wait_longer",
    ),
    _m(
        "F8 no uvloop",
        "run.py",
        '== "uvloop"',
        '== "never"',
        "test_fences.py::test_f8_no_other_event_loop_than_asyncios_own_is_used",
    ),
    _m(
        "F9 one assignor",
        "member.py",
        "(RoundRobinPartitionAssignor,)",
        '(RoundRobinPartitionAssignor, __import__("aiokafka.coordinator.assignors.range").coordinator.assignors.range'
        ".RangePartitionAssignor)",
        "test_fences.py::test_f9_exactly_one_assignor_is_offered",
    ),
    _m(
        "large events are parsed beside the event loop",
        "delivery.py",
        "len(record.value) > LARGE",
        "len(record.value) < 0",
        "test_hostile.py::test_an_event_of_4_mib_is_read_beside_the_event_loop",
    ),
)


def as_markdown() -> str:
    """The table of docs/guarantees.md."""
    rows = ["| without this fence | this test turns red |", "|---|---|"]
    return "\n".join([*rows, *(f"| {one.fence} | `{one.test.rpartition('::')[2]}` |" for one in MUTATIONS)])


def all_green(chosen: Sequence[Mutation], copy: Path) -> bool:
    """Whether the tests pass while every fence stands: else red would say nothing."""
    return _pytest(copy, *{one.test for one in chosen}) == 0


def turns_red(one: Mutation, copy: Path) -> bool:
    """Whether the test notices, in a copy of the repository that is as before afterwards."""
    file = copy / "consumer" / one.file
    whole = file.read_text("utf-8")
    file.write_text(whole.replace(one.old, one.new), "utf-8")
    try:
        return _pytest(copy, one.test) == RED
    finally:
        file.write_text(whole, "utf-8")


def _pytest(copy: Path, *tests: str) -> int:
    command = [sys.executable, "-m", "pytest", "-q", "-x", f"--timeout={SECONDS}"]
    command += [f"tests/consumer/{test}" for test in tests]
    environment = {**os.environ, "PYTHONPATH": str(copy), "PYTHONDONTWRITEBYTECODE": "1"}
    return subprocess.run(command, cwd=copy, env=environment, capture_output=True).returncode


def main(words: Sequence[str]) -> int:
    """The command line."""
    chosen = [one for one in MUTATIONS if any(word in f"{one.fence} {one.test}" for word in words or ("",))]
    if not chosen:
        print("no fence is called so")
        return 2
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "copy"
        ignored = shutil.ignore_patterns(".*", "__pycache__", "docs", "*.log")
        shutil.copytree(ROOT, copy, ignore=ignored)
        if not all_green(chosen, copy):
            print("the tests do not pass as they are")
            return 1
        green = []
        for one in chosen:
            red = turns_red(one, copy)
            print(f"{'red' if red else 'GREEN'}  {one.fence}: {one.test}", flush=True)
            if not red:
                green.append(one)
    print(f"{len(chosen) - len(green)} of {len(chosen)} are noticed")
    return 1 if green else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""The parts of the chaos suite on which its verdict rests: history, judgement, proxy, the topic of offsets."""

from __future__ import annotations

import asyncio
import socket
import struct
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import closing

import pytest

from consumer.batch import Good, Reader, Skip
from consumer.deadletters import DeadLetter
from consumer.records import Partition, Record
from deploy.local.config import LOOPBACK, free_ports
from lineagegraph.canonical import lines
from lineagegraph.naming import Naming
from tests.chaos.commits import Commit, Commits, Generation, parse
from tests.chaos.history import KINDS, LARGEST, MB, History, Item
from tests.chaos.proxy import HEALTHY, PRODUCE, Fault, Frames, Proxy, standing
from tests.chaos.report import Outcome, Strike, as_dict, of_dict, quantile, rows, summary
from tests.chaos.verdict import Letter, wrong


def outcome_of(value: bytes | None) -> tuple[str, str]:
    """How the consumer ends a record with this value, and why."""
    record = Record(Partition("t", 0), 0, int(time.time() * 1000), None, value, ())
    match Reader(Naming.load(None)).read(record):
        case Good():
            return "written", ""
        case DeadLetter() as letter:
            return "dead", letter.reason
        case Skip():
            return "skipped", ""


@pytest.mark.parametrize("kind", KINDS)
def test_the_consumer_ends_every_kind_of_record_as_the_history_says(kind: str) -> None:
    history = History(1, 100)
    for number in (3, 48):
        assert outcome_of(history.value(Item(number, kind))) == (KINDS[kind].end, KINDS[kind].reason)


def test_a_seed_gives_the_same_records_and_another_seed_others() -> None:
    one, again, other = History(5, 400), History(5, 400), History(6, 400)
    small = [item for item in one.items if item.kind not in ("huge", "too large")]
    assert one.items == again.items
    assert one.items != other.items
    assert [one.value(item) for item in small] == [again.value(item) for item in small]


def test_a_history_has_every_kind_and_events_that_come_twice_and_out_of_order() -> None:
    items = History(2, 1000).items
    assert {item.kind for item in items} == KINDS.keys()
    assert max(Counter(items).values()) == 2
    assert [item.number for item in items] != sorted(item.number for item in items)
    sizes = [len(History(2, 10).value(Item(n, "huge")) or b"") for n in range(7)]
    assert min(sizes) >= MB
    assert max(sizes) <= LARGEST


def test_every_sound_event_leaves_a_trace_of_its_own() -> None:
    history = History(3, 80)
    sound = [item for item in set(history.items) if item.row.end == "written"]
    whole = set(lines(history.expected()))
    for missing in sound:
        assert set(lines(history.expected(item for item in sound if item != missing))) != whole, missing


def test_a_letter_too_many_one_that_is_missing_and_another_class_are_wrong_but_one_twice_is_not() -> None:
    expected = {(0, 5): "names", (0, 6): "names"}
    good = [Letter(0, 5, "names"), Letter(0, 6, "names"), Letter(0, 6, "names")]
    assert wrong(good, expected) == []
    assert wrong(good[:1], expected) == ["(0, 6) is no dead letter (names)"]
    assert wrong([*good, Letter(1, 1, "crash")], expected) == ["(1, 1) is a dead letter (crash)"]
    assert wrong([good[0], Letter(0, 6, "limits")], expected) == ["(0, 6) is limits, not names"]


def _text(value: str) -> bytes:
    return struct.pack(">h", len(value)) + value.encode()


def test_commits_and_generations_are_read_from_the_brokers_own_records() -> None:
    key = struct.pack(">h", 1) + _text("g") + _text("t") + struct.pack(">i", 4)
    assert parse(key, struct.pack(">hqi", 3, 77, -1)) == Commit("g", "t", 4, 77)
    group = struct.pack(">h", 2) + _text("g")
    assert parse(group, struct.pack(">h", 3) + _text("consumer") + struct.pack(">i", 9)) == Generation("g", 9)
    assert parse(group, struct.pack(">h", 4) + b"\x09consumer" + struct.pack(">i", 9)) == Generation("g", 9)
    assert parse(key, None) is None


def test_a_commit_that_goes_back_is_noticed() -> None:
    watch = object.__new__(Commits)
    watch._group, watch._topic, watch.count = "g", "t", 0
    watch.offsets, watch.moments, watch.went_back = {}, {}, []
    for offset in (5, 5, 9):
        watch._take(Commit("g", "t", 0, offset))
    assert not watch.went_back
    watch._take(Commit("g", "t", 0, 8))
    assert watch.went_back == ["partition 0: 8 after 9"]
    assert watch.behind({0: 8, 1: 3}) == {1: 0}


def test_requests_are_told_apart_however_the_stream_is_cut() -> None:
    stream = b"".join(
        struct.pack(">ih", 2 + len(rest), kind) + rest for kind, rest in ((3, b"abc"), (0, b""), (1, b"x"))
    )
    for size in range(1, len(stream) + 1):
        frames = Frames()
        chunks = [stream[at : at + size] for at in range(0, len(stream), size)]
        assert [kind for chunk in chunks for kind in frames.kinds(chunk)] == [3, 0, 1], size


@pytest.fixture
def proxy() -> Iterator[Proxy]:
    """A proxy before a server that sends back what it gets."""
    ports = free_ports(2)
    loop = asyncio.new_event_loop()

    async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(1000):
            writer.write(data)
        writer.close()

    server = loop.run_until_complete(asyncio.start_server(echo, LOOPBACK, ports[1]))
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    with standing(Proxy(ports[0], ports[1], kafka=True)) as made:
        yield made
    loop.call_soon_threadsafe(server.close)
    loop.call_soon_threadsafe(loop.stop)
    thread.join()
    loop.run_until_complete(asyncio.sleep(0))
    loop.close()


def request(kind: int) -> bytes:
    return struct.pack(">ih", 4, kind) + b"!!"


def answer(to: socket.socket, kind: int, seconds: float = 10.0) -> bytes | None:
    """What comes back; None if nothing does, empty if the connection is cut."""
    to.settimeout(seconds)
    try:
        to.sendall(request(kind))
        return to.recv(100)
    except TimeoutError:
        return None
    except OSError:
        return b""


def test_a_proxy_carries_holds_back_cuts_and_refuses(proxy: Proxy) -> None:
    def connected() -> closing[socket.socket]:
        return closing(socket.create_connection((LOOPBACK, proxy.port), 10))

    with connected() as one:
        assert answer(one, 3) == request(3)
        proxy.set(Fault(answers=False))
        assert answer(one, 4, 0.3) is None
        proxy.set(HEALTHY)
        assert one.recv(100) == request(4), "late is not lost"
        proxy.set(Fault(refused=frozenset({PRODUCE})))
        assert answer(one, 3) == request(3)
        assert answer(one, PRODUCE) == b""
    proxy.set(HEALTHY)
    with connected() as one:
        assert answer(one, PRODUCE) == request(PRODUCE)
        proxy.set(Fault(accepts=False))
        assert answer(one, 3) == b""
    with connected() as one:
        assert answer(one, 3) == b""


def test_the_table_counts_by_nemesis_and_a_run_survives_its_file() -> None:
    first = Outcome(1, events=10, kills=2, lost=1, strikes=[Strike("a", 1, 2, 3.0), Strike("a", 1, 0, 5.0)])
    second = Outcome(2, events=20, strikes=[Strike("b", 0, 1, None)])
    assert rows([first, second]) == [["a", 2 - 1, 2, 2, 2, 1, 0, "5.0", "5.0"], ["b", 1, 1, 0, 1, 0, 0, "0.0", "0.0"]]
    assert of_dict(as_dict(first)) == first
    assert summary([first, second]) == {
        "runs": 2, "events": 30, "kills": 2, "lost": 1, "doubled": 0, "dead_letters_wrong": 0
    }  # fmt: skip
    assert not first.good
    assert second.good
    assert quantile([3.0, 1.0, 2.0], 0.5) == 2.0

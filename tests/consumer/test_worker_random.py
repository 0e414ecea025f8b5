"""Random mishaps on fakes: whatever happens in whatever order, in the end everything is on disk or buried."""

from __future__ import annotations

import asyncio
import random

import pytest

from consumer.graph import Timing
from consumer.notes import Place
from consumer.records import Partition
from tests.consumer.fakes import Rig, event, rig

SYNC = 0.08
RESTART = 0.12  # no crash below is shorter, so each is noticed


def values(dice: random.Random, first: int) -> list[bytes | None]:
    return [dice.choices([event(first + n), b"{", None], [20, 1, 1])[0] for n in range(150)]


async def mishaps(one: Rig, dice: random.Random) -> None:
    """Some seconds of crashes, rebalances, lost commits and a dead-letter topic that comes and goes."""
    for _ in range(8):
        await asyncio.sleep(dice.uniform(0.01, 0.15))
        match dice.choice(["crash", "rebalance", "commits", "burial"]):
            case "crash":
                one.store.crash()
                await asyncio.sleep(RESTART * 1.3)
                one.store.down = False
            case "rebalance":
                await one.source.rebalance(one.worker)
            case "commits":
                one.source.commits_fail = 3
            case "burial":
                one.burial.away = True
                await asyncio.sleep(0.05)
                one.burial.away = False


@pytest.mark.parametrize("seed", range(6))
def test_nothing_is_lost_and_nothing_is_committed_too_early(seed: int) -> None:
    dice = random.Random(seed)
    sent = {number: values(dice, number * 1000) for number in range(3)}
    timing = Timing(SYNC, restart=RESTART, beat=0.01)
    one = rig(sent, sync=SYNC, timing=timing, batch_records=10, batches_in_flight=3)
    one.store.rejects = frozenset({"run-7", "run-1100", "run-2099"})
    early: list[str] = []
    commit = one.source.commit

    async def watched(places: dict[Partition, Place]) -> bool:
        safe = one.store.durable() | {letter.record.id for letter in one.burial.buried}
        for partition, place in places.items():
            for record in one.source.partitions[partition][: place.offset]:
                name = f"run-{partition.number * 1000 + record.offset}"
                if record.value is not None and not {name, record.id} & safe:
                    early.append(record.id)
        return await commit(places)

    one.source.commit = watched  # type: ignore[method-assign,assignment]

    async def scenario() -> None:
        running = asyncio.create_task(one.run_until(lambda: one.finished() and trouble.done(), seconds=40))
        trouble = asyncio.create_task(mishaps(one, dice))
        await trouble
        await running

    asyncio.run(scenario())
    assert not early, "committed before it was on disk or buried"
    good = {
        f"run-{number * 1000 + offset}"
        for number, some in sent.items()
        for offset, value in enumerate(some)
        if value is not None and value != b"{"
    }
    assert one.store.durable() == good - one.store.rejects
    dead = {letter.record.id for letter in one.burial.buried}
    malformed = {f"t-{n}-{offset}" for n, some in sent.items() for offset, value in enumerate(some) if value == b"{"}
    refused = {f"t-{int(name[4:]) // 1000}-{int(name[4:]) % 1000}" for name in one.store.rejects & good}
    assert dead == malformed | refused
    commits = [detail for what, detail in one.log if what == "commit"]
    for partition in one.source.partitions:
        offsets = [detail[partition] for detail in commits if isinstance(detail, dict) and partition in detail]
        assert offsets == sorted(offsets), "commits went back"
    accounts = one.accounts()
    assert accounts.pop("received") == sum(accounts.values())

"""What keeps a replay from doing harm, on a real Kafka: canaries, cancelling, parking; and our topics as they stand."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType

from consumer import connection
from tests.consumer.dlq.rig import Rig, eventually
from tests.consumer.dlq.test_real_commands import letters

pytestmark = pytest.mark.real
MENDED = json.dumps([{"op": "replace", "path": "/eventType", "value": "COMPLETE"}])


def begun(rig: Rig, *many: Any) -> None:
    """Letters, and a worker."""
    asyncio.run(rig.create(3))
    asyncio.run(rig.bury([one for some in many for one in some]))
    rig.start(module="tests.consumer.dlq.takes_all")


def test_a_canary_that_fails_stops_the_replay_and_after_mending_everything_is_resolved(rig: Rig) -> None:
    begun(rig, letters(rig.topic, "event_type", range(30), eventType="BROKEN"))
    done = rig.dlq("replay", "--canary", "5", "--rate", "500/s", code=3)
    assert (done["ended"], done["sent"], done["failed"], done["planned"]) == ("aborted", 5, 5, 25)
    assert rig.states()["open"] == 30, "nothing of it is planned any more"
    assert rig.dlq("edit", "class=event_type", "--op", MENDED)["well"] == 30
    left = rig.dlq("resume", done["replay"], code=3)
    assert (left["sent_now"], left["left"]) == (0, 25), "what was edited since is not what was planned"
    done = rig.dlq("replay", "--canary", "5", "--rate", "500/s")
    assert (done["ended"], done["resolved"]) == ("resolved", 30)


def test_after_the_fix_a_replay_that_had_stopped_goes_on_where_it_was(rig: Rig) -> None:
    asyncio.run(rig.create(3))
    asyncio.run(rig.bury(letters(rig.topic, "too_large", range(30), padding="x" * 9_000)))
    old = rig.start(module="tests.consumer.dlq.takes_all", LINEAGE_MAX_EVENT_BYTES="8192")
    done = rig.dlq("replay", "--canary", "5", "--rate", "500/s", code=3)
    assert (done["ended"], done["failed"], done["planned"]) == ("aborted", 5, 25)
    old.terminate()
    assert old.wait(60) == 0
    rig.start(module="tests.consumer.dlq.takes_all")
    done = rig.dlq("resume", done["replay"], code=3)
    assert (done["ended"], done["sent_now"], done["resolved"], done["failed"]) == ("partly", 25, 25, 5)
    assert rig.dlq("replay")["resolved"] == 5
    assert rig.states()["resolved"] == 30


def test_too_large_a_share_that_fails_again_stops_the_replay(rig: Rig) -> None:
    begun(
        rig,
        letters(rig.topic, "rejected", range(40)),
        letters(rig.topic, "event_type", range(40, 240), eventType="BROKEN"),
    )
    done = rig.dlq("replay", "--rate", "40/s", "--abort-if-failing", "30%", code=3)
    assert done["ended"] == "aborted"
    assert done["failed"] > 0.3 * (done["failed"] + done["resolved"])
    assert done["planned"] > 0, "it stopped before it had sent all"
    states = rig.states()
    assert (states["planned"], states["parked"]) == (0, 0)


def test_a_replay_is_stopped_from_anywhere_and_what_was_not_sent_is_open_again(rig: Rig) -> None:
    begun(rig, letters(rig.topic, "rejected", range(300)))
    sending = rig.start("dlq", "replay", "--rate", "20/s", "--json")
    eventually(lambda: any(one["sent"] > 20 for one in rig.dlq("status")["replays"]))
    (name,) = (one["replay"] for one in rig.dlq("status")["replays"])
    rig.dlq("cancel", name, "--reason", "wrong filter")
    assert sending.wait(60) == 3
    done = rig.dlq("status", name)["replays"][0]
    assert (done["state"], 20 < done["sent"] < 300) == ("cancelled", True)
    eventually(lambda: rig.states()["sent"] == 0)
    states = rig.states()
    assert (states["resolved"], states["open"], states["planned"]) == (done["sent"], 300 - done["sent"], 0)
    assert rig.dlq("resume", name)["resolved"] == 300


def test_a_letter_that_fails_too_often_is_parked_and_left_out_until_somebody_unparks_it(rig: Rig) -> None:
    begun(rig, letters(rig.topic, "event_type", range(5), eventType="BROKEN"))
    again = ("replay", "--max-attempts", "2", "--abort-if-failing", "100%")
    assert rig.dlq(*again, code=3)["failed"] == 5
    eventually(lambda: rig.states()["parked"] == 5)
    assert rig.dlq(*again)["letters"] == 0, "no open letter is left"
    assert rig.dlq("unpark", "class=event_type")["letters"] == 5
    assert list(rig.dlq(*again)["left"].values()) == [5], "they have failed twice already"
    assert rig.dlq("edit", "class=event_type", "--op", MENDED)["edited"] == 5
    assert rig.dlq("replay", "--max-attempts", "0")["resolved"] == 5


def test_our_topics_stand_in_kafka_as_they_were_asked_for(rig: Rig) -> None:
    begun(rig, letters(rig.topic, "rejected", range(3)))
    settings = rig.settings()
    assert rig.dlq("replay")["resolved"] == 3
    names = settings.dead_letters_of(rig.topic), settings.retry_of(rig.topic), settings.ledger_of(rig.topic)

    async def described() -> dict[str, dict[str, str]]:
        wanted = ("cleanup.policy", "retention.ms", "message.timestamp.type")
        asked = [ConfigResource(ConfigResourceType.TOPIC, name, dict.fromkeys(wanted, "")) for name in names]
        async with connection.admin(settings) as client:
            answers = await client.describe_configs(asked)
        return {
            name: {entry[0]: entry[1] for entry in entries if entry[0] in wanted}
            for answer in answers
            for _, _, _, name, entries in answer.resources
        }

    found = asyncio.run(described())
    kept = {"cleanup.policy": "delete", "retention.ms": "2592000000", "message.timestamp.type": "LogAppendTime"}
    assert found[names[0]] == found[names[1]] == kept
    assert found[names[2]]["cleanup.policy"] == "compact"

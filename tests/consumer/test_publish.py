"""Published events have the key that openlineage-python gives them."""

from __future__ import annotations

from typing import Any

import pytest
from openlineage.client import event_v2
from openlineage.client.facet_v2 import parent_run
from openlineage.client.serde import Serde
from openlineage.client.transport.kafka import KafkaConfig, KafkaTransport

from consumer.connection import wanted_topics
from consumer.publish import _json, key_of
from tests.consumer.fakes import event

TIME = "2026-11-18T00:00:00Z"
RUN = "01939b2e-0000-7000-8000-000000000000"
JOB = event_v2.Job("air", "task")


def parent(root: bool) -> dict[str, Any]:
    top = parent_run.Root(run=parent_run.RootRun(RUN), job=parent_run.RootJob("air", "top"))
    facet = parent_run.ParentRunFacet(
        run=parent_run.Run(RUN), job=parent_run.Job("air", "dag"), root=top if root else None
    )
    return {"parent": facet}


@pytest.mark.parametrize(
    "sent",
    [
        event_v2.RunEvent(eventTime=TIME, producer="p", run=event_v2.Run(RUN), job=JOB),
        event_v2.RunEvent(eventTime=TIME, producer="p", run=event_v2.Run(RUN, facets=parent(False)), job=JOB),
        event_v2.RunEvent(eventTime=TIME, producer="p", run=event_v2.Run(RUN, facets=parent(True)), job=JOB),
        event_v2.JobEvent(eventTime=TIME, producer="p", job=JOB),
        event_v2.DatasetEvent(eventTime=TIME, producer="p", dataset=event_v2.StaticDataset("s3://lake", "gold/x")),
    ],
)
def test_the_key_is_the_one_of_openlineage_python(sent: Any) -> None:
    transport = KafkaTransport(KafkaConfig(config={"bootstrap.servers": "127.0.0.1:1"}, topic="t", flush=False))
    key = key_of(_json(Serde.to_json(sent).encode()))
    assert key == str(transport._get_message_key(sent)).encode()


@pytest.mark.parametrize("value", [b"{", b"[]", b"{}", b'{"job": {"name": 5}}'])
def test_what_is_no_event_has_no_key(value: bytes) -> None:
    assert key_of(_json(value)) is None


def test_a_pattern_never_matches_our_own_dead_letters() -> None:
    import re

    from consumer.settings import load

    pattern = wanted_topics(load(topic_pattern="lineage.*", group="g"))
    assert re.match(pattern, "lineage.events")
    assert re.match(pattern, "lineage.events.other.dlq")
    assert not re.match(pattern, "lineage.events.g.dlq")
    assert not re.match(pattern, "other.lineage")
    assert key_of(_json(event(1))) == b"run:test/job-1"

"""Committed offsets, and the graph that they belong to: its id travels in the commit's metadata.

Offsets say what is in one certain graph. In front of another one they would skip everything before them, so
they are refused there with the remedy.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace

import structlog
from aiokafka import AIOKafkaConsumer
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import CommitFailedError, GroupAuthorizationFailedError, KafkaError
from aiokafka.structs import OffsetAndMetadata, TopicPartition

from consumer.connection import PATIENCE, options, stop
from consumer.errors import KafkaAway, KafkaUnusable
from consumer.notes import Place, graph_of, parse
from consumer.records import Partition
from consumer.settings import Settings
from lineagegraph.errors import SchemaMismatch

log = structlog.get_logger(__name__)


def stamped(places: Mapping[Partition, Place], graph_id: str) -> dict[TopicPartition, OffsetAndMetadata]:
    """Places as Kafka takes them, with the graph's id."""
    return {TopicPartition(*p): OffsetAndMetadata(one.offset, one.note.text(graph_id)) for p, one in places.items()}


async def committed(
    client: AIOKafkaAdminClient, group: str, partitions: Iterable[Partition] | None, patience: float = 0.0
) -> dict[Partition, tuple[int, str]]:
    """Committed offset and metadata of each of these (None: of all) that has one. Raises KafkaAway, KafkaUnusable."""
    asked = None if partitions is None else [TopicPartition(*p) for p in partitions]
    until = time.monotonic() + patience
    while asked is None or asked:
        try:
            async with asyncio.timeout(PATIENCE):
                found = await client.list_consumer_group_offsets(group, partitions=asked)
        except GroupAuthorizationFailedError:
            raise KafkaUnusable(_forbidden(group)) from None
        except (KafkaError, TimeoutError, OSError) as error:
            if time.monotonic() > until:
                why = type(error).__name__
                raise KafkaAway(f"Kafka does not tell the offsets of group {group!r} ({why}). Try again.") from None
            await asyncio.sleep(0.5)
        else:
            return {Partition(*p): (row.offset, row.metadata) for p, row in found.items() if row.offset >= 0}
    return {}


def check_graph(partition: Partition, metadata: str, graph_id: str, group: str) -> None:
    """Raises SchemaMismatch if the offset was committed for another graph; unstamped ones are an operator's."""
    graph = graph_of(metadata)
    if graph not in (None, graph_id):
        raise SchemaMismatch(
            f"The offsets of group {group!r} ({partition}) belong to another graph ({graph}), and this one "
            f"({graph_id}) lacks everything before them. Fill it from the beginning with "
            "`lineagegraph consume --replay-from-earliest`, or set LINEAGE_GROUP or LINEAGE_GRAPH_URLS."
        )


async def replay_from_earliest(settings: Settings, graph_id: str, partitions: list[Partition]) -> None:
    """Sets the group's offsets to the earliest of each partition; refused while the group has members."""
    async with _outsider(settings, partitions) as consumer:
        earliest = await consumer.beginning_offsets([TopicPartition(*p) for p in partitions])
        await consumer.commit(stamped({Partition(*p): Place(o) for p, o in earliest.items()}, graph_id))
    log.info("replay from earliest", group=settings.group, partitions=len(partitions))


@dataclass(frozen=True, slots=True)
class Reset:
    """So many records are to be read again, and so many of them are not in Kafka any more."""

    gap: int
    lost: int


async def reset_offsets(
    settings: Settings, graph_id: str, partitions: list[Partition], wanted: Mapping[Partition, Place]
) -> Reset:
    """Set the group's offsets of these partitions to the wanted ones, where there is none to the earliest.

    Refused while the group has members.
    """
    async with _outsider(settings, partitions) as consumer:
        asked = [TopicPartition(*p) for p in partitions]
        begins, ends = await consumer.beginning_offsets(asked), await consumer.end_offsets(asked)
        places, lost = {}, 0
        for partition, place in zip(partitions, asked, strict=True):
            one = wanted.get(partition, Place(begins[place]))
            if one.offset < begins[place]:
                lost += begins[place] - one.offset
            known = begins[place] <= one.offset <= ends[place]  # else the topic is not the one that was read then
            places[partition] = one if known else Place(begins[place], one.note)
        await consumer.commit(stamped(places, graph_id))
        gap = sum(ends[place] - places[p].offset for p, place in zip(partitions, asked, strict=True))
    return Reset(gap, lost)


async def release(settings: Settings, partition: Partition, offset: int, metadata: str) -> None:
    """Takes the brake off a partition while nobody consumes; refused while the group has members."""
    note = replace(parse(metadata), brake="released")
    async with _outsider(settings, [partition]) as consumer:
        await consumer.commit(stamped({partition: Place(offset, note)}, graph_of(metadata) or ""))


@asynccontextmanager
async def _outsider(settings: Settings, partitions: list[Partition]) -> AsyncIterator[AIOKafkaConsumer]:
    """A consumer that sets offsets of a group without members. Raises KafkaUnusable."""
    consumer = AIOKafkaConsumer(**options(settings), group_id=settings.group, enable_auto_commit=False)
    consumer.assign([TopicPartition(*p) for p in partitions])
    await consumer.start()
    try:
        async with asyncio.timeout(PATIENCE):
            yield consumer
    except CommitFailedError:
        raise KafkaUnusable(
            f"The offsets of group {settings.group!r} cannot be set while it has members. "
            "Stop its consumers, wait until they have left (at most 45 seconds), and try again."
        ) from None
    except GroupAuthorizationFailedError:
        raise KafkaUnusable(_forbidden(settings.group)) from None
    except TimeoutError:
        raise KafkaUnusable("Kafka did not take the new offsets in time. Try again.") from None
    finally:
        await stop(consumer)


def _forbidden(group: str) -> str:
    return f"Kafka forbids group {group!r}. Grant READ on it, or set LINEAGE_GROUP."

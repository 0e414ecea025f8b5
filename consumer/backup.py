"""Backup and restore: every Cassandra node as it was at one moment, and the offsets from which to go on after it.

Offsets are read before the snapshot. What lies below them was in the graph then, so the snapshot has it; what came
later is read again after a restore, which changes nothing where it is there already. So consumers may go on meanwhile,
and the moments of the nodes need not be the same.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from consumer import connection, program_version
from consumer.check_kafka import count_members
from consumer.manifest import FORMAT, Kafka, Manifest, write
from consumer.notes import Place, parse
from consumer.offsets import Reset, committed, reset_offsets
from consumer.records import Partition
from consumer.run import partitions_to_read
from consumer.settings import Settings
from lineagegraph import nodes
from lineagegraph.errors import LineageError
from lineagegraph.export import digest, export
from lineagegraph.gremlin import Connections
from lineagegraph.install import check, meta
from lineagegraph.meta import give_new_id
from lineagegraph.nodes import Node

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Restored:
    """What became of a restore: the graph's new id, its hash, and whether that was compared with the backup's.

    `gap`: records to be read again. `lost`: records of the gap that Kafka has deleted.
    """

    graph: str
    hash: str
    compared: bool
    gap: int
    lost: int


def backup(settings: Settings, cluster: Sequence[Node], keyspace: str, into: Path, hashed: bool, say: Say) -> Manifest:
    """Take a backup into an empty or new folder. Raises LineageError."""
    _demand_empty(into)
    graph = settings.graph()
    with closing(Connections(graph)) as connections:
        graph_id = check(connections, graph.naming().hash)
        before = _quiet(settings, connections) if hashed else None
        value = None
        if before is not None:
            say("hashing the graph")
            value = digest(export(graph))
        told = meta(connections)
        offsets = asyncio.run(_offsets(settings))
        tag = f"lineagegraph-{datetime.now(UTC):%Y%m%d%H%M%S}-{secrets.token_hex(3)}"
        say(f"snapshot {tag} of {len(cluster)} nodes")
        with nodes.snapshots(cluster, tag):
            if value is not None and _quiet(settings, connections) != before:
                value = None  # somebody wrote meanwhile: the hash is not the snapshot's
            schema = nodes.schema(cluster[0], tag, keyspace)
            if not schema:
                raise LineageError(f"{cluster[0].name} has no keyspace {keyspace!r}. Name it with --keyspace.")
            say("fetching")
            archives = nodes.fetch(cluster, tag, into)
    manifest = Manifest(
        FORMAT,
        program_version(),
        datetime.now(UTC).isoformat(timespec="seconds"),
        graph_id,
        int(told["schema_version"]),
        str(told["naming_hash"]),
        int(told.get("horizon") or 0),
        keyspace,
        schema,
        value,
        Kafka(settings.group, offsets),
        tuple(archives),
    )
    write(manifest, into)
    return manifest


def restore_files(manifest: Manifest, folder: Path, cluster: Sequence[Node]) -> None:
    """Verify the archives and unpack them into the stopped, empty nodes. Raises LineageError."""
    nodes.verify(manifest.nodes, folder)
    nodes.put_back(cluster, manifest.nodes, folder)


def finish(settings: Settings, manifest: Manifest, say: Say) -> Restored:
    """Verify the graph that runs again, set the group's offsets, and give the graph a new id. Raises LineageError.

    Offsets that were committed after the backup would skip the gap; with the new id they are useless. It is given last,
    so that whoever is broken off before cannot consume, and has to do this again.
    """
    graph, new_id = settings.graph(), secrets.token_hex(8)
    with closing(Connections(graph)) as connections:
        found = check(connections, None)
        if found != manifest.graph:
            raise LineageError(
                f"The graph is {found}, and the backup is of {manifest.graph}. Point LINEAGE_GRAPH_URLS at the "
                "restored one; if it was finished already, start the consumers."
            )
        say("hashing the graph")
        value = digest(export(graph))
        if manifest.hash not in (None, value):
            raise LineageError(
                f"The graph is not what was backed up: its hash is {value}, not {manifest.hash}. Restore into empty "
                "nodes, commit logs and hints empty too, and start no consumer before."
            )
        say("setting offsets")
        wanted = {Partition(t, n): Place(o, parse(note)) for t, n, o, note in manifest.kafka.offsets}
        reset = asyncio.run(_reset(settings, wanted, new_id))
        give_new_id(connections, found, new_id)
    return Restored(new_id, value, manifest.hash is not None, reset.gap, reset.lost)


async def _reset(settings: Settings, wanted: dict[Partition, Place], graph_id: str) -> Reset:
    async with connection.admin(settings) as client:
        standing = await connection.topics(client)
        read = await partitions_to_read(settings, client, replays=False)
    names = {p.topic for p in read} | {settings.retry_of(p.topic) for p in read}
    there = [Partition(n, number) for n in sorted(names & standing.keys()) for number in range(standing[n].partitions)]
    return await reset_offsets(settings, graph_id, there, wanted)


async def _offsets(settings: Settings) -> tuple[tuple[str, int, int, str], ...]:
    async with connection.admin(settings) as client:
        known = await committed(client, settings.group, None, connection.PATIENCE)
    return tuple((p.topic, p.number, offset, note) for p, (offset, note) in sorted(known.items()))


def _quiet(settings: Settings, connections: Connections) -> tuple[object, ...] | None:
    """What changes when somebody writes; None if somebody may be writing now."""

    async def kafka() -> int | None:
        async with connection.admin(settings) as client:
            return await count_members(client, settings.group)

    if asyncio.run(kafka()) != 0:
        return None
    return meta(connections).get("beat"), asyncio.run(_offsets(settings))


def _demand_empty(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if any(folder.iterdir()):
            raise LineageError(f"{str(folder)!r} is not empty. Name a new folder.")
    except OSError as error:
        raise LineageError(f"{str(folder)!r} cannot be used: {error.strerror}. Name another folder.") from None

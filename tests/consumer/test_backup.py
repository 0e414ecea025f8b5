"""What a backup says of itself, and where the group goes on after a restore."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from aiokafka import AIOKafkaProducer
from click.testing import CliRunner

from consumer import backup, connection, manifest
from consumer.backup_commands import restore
from consumer.notes import Place, graph_of, parse
from consumer.offsets import Reset, committed, reset_offsets
from consumer.records import Partition
from consumer.settings import Settings, load
from lineagegraph.errors import LineageError
from lineagegraph.nodes import Archive
from tests.consumer.mock_kafka import MockKafka, mock_kafka

P = [Partition("t", number) for number in range(3)]
MADE = manifest.Manifest(
    manifest.FORMAT, "1.0", "2026-11-25T00:00:00+00:00", "graph-1", 1, "naming", 0, "lineage", "CREATE TABLE …", "hash",
    manifest.Kafka("g", (("t", 0, 5, '{"graph": "graph-1"}'),)), (Archive("a", "a.tar", "00", 7),),
)  # fmt: skip


@pytest.fixture(scope="module")
def kafka() -> Iterator[MockKafka]:
    with mock_kafka({"t": 3}) as made:
        yield made


@pytest.fixture
def settings(kafka: MockKafka) -> Settings:
    return load(kafka_bootstrap_servers=(kafka.bootstrap,), topics=("t",), group="g")


def test_a_manifest_says_again_what_it_said(tmp_path: Path) -> None:
    manifest.write(MADE, tmp_path)
    assert manifest.load(tmp_path) == MADE


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (None, "no whole backup"),
        ("{", "damaged"),
        ("{}", "damaged"),
        ('{"format": 1}', "damaged"),
        ('{"format": 99}', "of format 99"),
    ],
)
def test_what_is_no_manifest_is_one_sentence(text: str | None, says: str, tmp_path: Path) -> None:
    if text is not None:
        (tmp_path / manifest.NAME).write_text(text)
    with pytest.raises(LineageError, match=says):
        manifest.load(tmp_path)


def test_a_folder_with_something_in_it_is_not_backed_up_into(settings: Settings, tmp_path: Path) -> None:
    (tmp_path / "old").touch()
    with pytest.raises(LineageError, match="is not empty"):
        backup.backup(settings, (), "lineage", tmp_path, True, lambda text: None)


def test_the_group_goes_on_where_the_backup_was_made_and_from_the_earliest_where_it_says_nothing(
    settings: Settings,
) -> None:
    async def send() -> None:
        producer = AIOKafkaProducer(**connection.options(settings))
        await producer.start()
        for number in range(30):
            await producer.send_and_wait("t", b"{}", partition=number % 3)
        await producer.stop()

    async def all_committed() -> dict[Partition, tuple[int, str]]:
        async with connection.admin(settings) as client:
            return await committed(client, "g", P)

    asyncio.run(send())
    halted = parse('{"brake": "halted"}')
    wanted = {P[0]: Place(4), P[1]: Place(999, halted), Partition("gone", 0): Place(1)}
    assert asyncio.run(reset_offsets(settings, "new", P, wanted)) == Reset(gap=6 + 10 + 10, lost=0)
    found = asyncio.run(all_committed())
    assert [found[p][0] for p in P] == [4, 0, 0], "a topic that ends before is another topic"
    assert {graph_of(metadata) for _, metadata in found.values()} == {"new"}
    assert parse(found[P[1]][1]).brake == "halted"


def test_restore_wants_one_of_its_two_steps(tmp_path: Path) -> None:
    assert CliRunner().invoke(restore, [str(tmp_path)]).exit_code == 2
    assert CliRunner().invoke(restore, [str(tmp_path), "--finish", "--nodes", "x"]).exit_code == 2


def test_the_manifest_is_json_for_people(tmp_path: Path) -> None:
    manifest.write(MADE, tmp_path)
    shown = json.loads((tmp_path / manifest.NAME).read_text())
    assert shown["kafka"]["offsets"] == [["t", 0, 5, '{"graph": "graph-1"}']]
    assert not (tmp_path / "manifest.part").exists()

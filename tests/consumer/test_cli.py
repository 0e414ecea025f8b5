"""The command line: quick to start, one sentence for what the user can mend, and exit codes that mean something."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from consumer import cli, commands
from consumer.errors import KafkaUnusable
from consumer.run import How, _patiently, cause, consume
from consumer.settings import load
from lineagegraph.errors import GraphUnavailable, SchemaMismatch
from tests.consumer.fakes import FakeStore

ROOT = Path(__file__).parents[2]


def run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    clean = {name: value for name, value in os.environ.items() if not name.startswith("LINEAGE_")}
    return subprocess.run(
        [sys.executable, "-W", "error", "-m", "consumer", *arguments],
        env=clean | {"PYTHONPATH": str(ROOT)} | environment,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )


def test_config_prints_every_setting_with_its_origin_and_no_secret() -> None:
    done = run("config", LINEAGE_GROUP="mine", LINEAGE_KAFKA_PASSWORD="hush-hush", LINEAGE_GROP="x")
    assert done.returncode == 0, done.stderr
    assert "LINEAGE_GROUP=mine\n    consumer group (environment)" in done.stdout
    assert "LINEAGE_START=earliest" in done.stdout
    assert "LINEAGE_KAFKA_PASSWORD=***" in done.stdout
    assert "hush-hush" not in done.stdout + done.stderr
    assert "LINEAGE_GROP is not a setting of the consumer; did you mean LINEAGE_GROUP?" in done.stderr


def test_config_prints_json() -> None:
    assert json.loads(run("config", "--json").stdout)["LINEAGE_BATCH_RECORDS"] == 1000


def test_a_bad_setting_is_one_sentence_and_exit_1() -> None:
    done = run("config", LINEAGE_HTTP_PORT="99999")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith(
        "Error: One setting is wrong:\n  LINEAGE_HTTP_PORT: must be less than or equal to 65535"
    )
    assert "Traceback" not in done.stderr


def test_a_wrong_option_is_exit_2() -> None:
    done = run("config", "--nonsense")
    assert done.returncode == 2
    assert "No such option" in done.stderr


def test_an_unreachable_broker_is_one_sentence_within_the_patience_of_a_start(tmp_path: Path) -> None:
    file = tmp_path / "event.json"
    file.write_text("{}")
    started = time.monotonic()
    done = run("publish", str(file), LINEAGE_KAFKA_BOOTSTRAP_SERVERS="127.0.0.1:1")
    assert time.monotonic() - started < 15
    assert done.returncode == 1
    assert done.stderr == (
        "Error: No Kafka broker answers at 127.0.0.1:1. Start it, or set LINEAGE_KAFKA_BOOTSTRAP_SERVERS.\n"
    )


@pytest.mark.parametrize(("content", "says"), [(None, "cannot be read"), ("", "is empty")])
def test_a_file_that_holds_nothing_is_one_sentence(tmp_path: Path, content: str | None, says: str) -> None:
    file = tmp_path / "event.json"
    if content is not None:
        file.write_text(content)
    done = run("publish", str(file))
    assert done.returncode == 1
    assert says in done.stderr
    assert done.stderr.count("\n") == 1


def test_the_consumer_says_that_no_broker_answers() -> None:
    settings = load(kafka_bootstrap_servers=("127.0.0.1:1",), http_port=0)
    store = FakeStore([])
    with pytest.raises(KafkaUnusable, match=r"No Kafka broker answers at 127\.0\.0\.1:1"):
        asyncio.run(consume(settings, How(), store))
    assert store.closed


def test_the_consumer_says_that_the_graph_is_away() -> None:
    store = FakeStore([], down=True)
    with pytest.raises(GraphUnavailable):
        asyncio.run(consume(load(http_port=0), How(), store))


def test_what_is_no_broker_of_our_protocol_is_told_from_one_that_is_away() -> None:
    async def scenario() -> None:
        server = await asyncio.start_server(lambda _, writer: writer.close(), "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        async with server:
            settings = load(kafka_bootstrap_servers=(f"127.0.0.1:{port}",), http_port=0)
            await consume(settings, How(), FakeStore([]))

    with pytest.raises(KafkaUnusable, match="but not as a Kafka broker that speaks PLAINTEXT"):
        asyncio.run(scenario())


def test_with_wait_what_is_missing_is_waited_for_and_without_it_is_an_error() -> None:
    missing = [KafkaUnusable("no topic"), GraphUnavailable("away")]

    async def attempt() -> str:
        if missing:
            raise missing.pop()
        return "there"

    with pytest.raises(GraphUnavailable):
        asyncio.run(_patiently(attempt, False, asyncio.Event()))
    missing.append(GraphUnavailable("away"))
    assert asyncio.run(_patiently(attempt, True, asyncio.Event())) == "there"


def test_a_port_in_use_is_one_sentence() -> None:
    from consumer.errors import BadSettings

    async def scenario() -> None:
        server = await asyncio.start_server(lambda *_: None, "127.0.0.1", 0)
        async with server:
            await consume(load(http_port=server.sockets[0].getsockname()[1]), How(), FakeStore([]))

    with pytest.raises(BadSettings, match="Set LINEAGE_HTTP_PORT"):
        asyncio.run(scenario())


def test_light_commands_do_not_import_the_heavy_libraries() -> None:
    code = (
        "import sys; from consumer.cli import cli; cli.get_command(None, 'explain'); "
        "heavy = {'aiokafka', 'aiohttp', 'gremlin_python', 'pydantic_settings', 'structlog', 'prometheus_client'}; "
        "print(sorted(heavy & sys.modules.keys()))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=30, check=True
    )
    assert done.stdout.strip() == "[]"


def leaves(command: click.Command, name: str) -> Iterator[tuple[str, click.Command]]:
    """The commands that do something, those of groups by both names."""
    if not isinstance(command, click.Group):
        yield name, command
        return
    context = click.Context(command)
    for inner in command.list_commands(context):
        found = command.get_command(context, inner)
        assert found is not None
        yield from leaves(found, f"{name} {inner}".strip())


@pytest.mark.parametrize(
    ("name", "command"), [*leaves(cli.cli, "")], ids=lambda value: value if isinstance(value, str) else ""
)
def test_every_command_has_help_with_an_example_and_json(name: str, command: click.Command) -> None:
    assert f"lineagegraph {name}" in (command.help or ""), "an example"
    assert any("--json" in parameter.opts for parameter in command.params)


def test_a_bug_outweighs_what_the_user_can_mend() -> None:
    mendable, bug = SchemaMismatch("other"), ZeroDivisionError()
    assert cause(ExceptionGroup("", [mendable, ExceptionGroup("", [bug])])) is bug
    assert cause(ExceptionGroup("", [ExceptionGroup("", [mendable])])) is mendable


def test_a_bug_ends_with_exit_70(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def boom() -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(commands.config, "callback", boom)
    monkeypatch.setattr(commands.config, "params", [])
    with pytest.raises(SystemExit) as ended:
        cli.main(["config"])
    assert ended.value.code == 70
    assert "bug" in capsys.readouterr().err

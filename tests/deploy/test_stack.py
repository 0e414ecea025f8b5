"""A stack and its command line, without starting anything."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from consumer.settings import load
from deploy.local import Cassandra, JanusGraphOnCassandra, LocalStackError, Stack
from deploy.local.cli import COMMANDS, main
from deploy.local.environment import as_file, settings
from deploy.local.home import REPOSITORY, Home


@pytest.fixture
def stack(tmp_path: Path) -> Stack:
    return Stack("some", tmp_path)


@pytest.fixture
def command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The command line on an empty home."""
    monkeypatch.setenv("LINEAGE_LOCAL_HOME", str(tmp_path))


def started(stack: Stack) -> None:
    """As after a start and a reboot: ports and pids of dead processes are left."""
    cassandra = stack.cassandra()
    for server in (stack.kafka(), cassandra, stack.janusgraph(), stack.janusgraph("cassandra", server=2)):
        assert server.ports
        (server.folder / "pid").write_text("999999999")


@pytest.mark.parametrize("name", ["", "../up", "a b", ".hidden", "a/b"])
def test_a_name_that_is_no_folder_of_its_own_is_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(LocalStackError, match="letters, digits, dots and dashes"):
        Stack(name, tmp_path)


def test_a_keyspace_that_cassandra_would_refuse_is_refused(stack: Stack) -> None:
    with pytest.raises(LocalStackError, match="small letters, digits and underscores, not 'My-Keys'"):
        stack.janusgraph("cassandra", keyspace="My-Keys")


def test_a_server_keeps_its_ports_and_no_two_share_one(stack: Stack, tmp_path: Path) -> None:
    ports = [
        port for server in (stack.kafka(), stack.cassandra(), stack.janusgraph()) for port in server.ports.values()
    ]
    others = Stack("other", tmp_path).kafka().ports.values()
    assert len({*ports, *others}) == 8
    assert stack.kafka().ports == stack.kafka().ports


def test_every_server_is_found_again_by_its_folder(stack: Stack) -> None:
    assert stack.servers() == []
    started(stack)
    stack.janusgraph("cassandra", keyspace="other", server=3).ports  # noqa: B018  (choosing them is the first step)
    names = ["cassandra", "janusgraph-cassandra-2", "janusgraph-cassandra-other-3", "janusgraph-inmemory", "kafka"]
    assert [server.name for server in stack.servers()] == names
    (found,) = (server for server in stack.servers() if server.name == "janusgraph-cassandra-other-3")
    assert isinstance(found, JanusGraphOnCassandra)
    assert (found.keyspace, found.facts["store"]) == ("other", "cassandra")


def test_a_dead_process_is_stopped_and_costs_nothing_to_stop_again(
    stack: Stack, command: None, capsys: pytest.CaptureFixture[str]
) -> None:
    started(stack)
    assert main(["status", "--name", "some", "--json"]) == 0
    states = {name: (facts["state"], facts["pid"]) for name, facts in json.loads(capsys.readouterr().out).items()}
    assert set(states.values()) == {("stopped", None)}
    assert main(["down", "--name", "some"]) == 0
    assert capsys.readouterr().out == "some: nothing was running.\n"


def test_wiping_deletes_ports_and_data(stack: Stack, command: None) -> None:
    started(stack)
    assert main(["down", "--name", "some", "--wipe"]) == 0
    assert not stack.folder.exists()


def test_a_stack_that_was_never_started_says_how_to_start_it(command: None, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["status"]) == 0
    assert "has never been started: `python -m deploy.local up --name default`" in capsys.readouterr().out
    assert main(["down"]) == 0


def test_an_error_is_one_sentence_and_exit_code_1(
    command: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["up", "--name", "a/b"]) == 1
    assert capsys.readouterr().err == "Error: A stack's name is letters, digits, dots and dashes, not 'a/b'.\n"
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("LINEAGE_LOCAL_HOME", str(tmp_path / "file"))
    assert main(["up"]) == 1
    assert capsys.readouterr().err.startswith("Error: Not a directory: ")


def test_a_bad_flag_is_a_usage_error(command: None) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["up", "--store", "postgres"])
    assert ended.value.code == 2


@pytest.mark.parametrize("name", COMMANDS)
def test_the_help_of_every_command_has_an_example(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main([name, "--help"])
    assert f"Example: python -m deploy.local {name}" in capsys.readouterr().out


def test_the_stack_needs_nothing_but_the_standard_library(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-S", "-c", "from deploy.local.cli import main; main(['status'])"],
        env={"PYTHONPATH": str(REPOSITORY), "LINEAGE_LOCAL_HOME": str(tmp_path)},
        capture_output=True,
        text=True,
    )
    assert "has never been started" in done.stdout, done.stderr


def test_what_runs_is_told_in_the_products_own_settings(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    kafka, memory = stack.kafka(), stack.janusgraph()
    first, second = stack.janusgraph("cassandra"), stack.janusgraph("cassandra", server=2)
    other = stack.janusgraph("cassandra", keyspace="other")
    node = stack.cassandra()
    both = settings([kafka, memory, first, second, other, node])
    assert (both["LINEAGE_GRAPH_URLS"], both["LINEAGE_GRAPH_SYNC_SECONDS"]) == (memory.url, "0")
    written(node, "commitlog_sync: periodic\ncommitlog_sync_period: 2000ms\n")
    named = settings([kafka, memory, first, second, other, node], "cassandra")
    assert named["LINEAGE_GRAPH_URLS"] == f"{first.url},{second.url}"
    for variable, value in named.items():
        monkeypatch.setenv(variable, value)
    product = load()
    assert product.kafka_bootstrap_servers == (kafka.bootstrap,)
    assert product.graph_urls == (first.url, second.url)
    assert product.graph_sync_seconds == 3


@pytest.mark.parametrize(
    ("lines", "seconds"),
    [
        ("commitlog_sync: periodic\ncommitlog_sync_period: 10000ms\n", "11"),
        ("commitlog_sync: periodic\ncommitlog_sync_period: 1500ms\n", "3"),
        ("commitlog_sync: batch\n", "0"),
    ],
)
def test_an_offset_waits_for_the_commit_log_that_cassandra_runs_with(stack: Stack, lines: str, seconds: str) -> None:
    node = stack.cassandra()
    written(node, lines)
    assert settings([stack.janusgraph("cassandra"), node])["LINEAGE_GRAPH_SYNC_SECONDS"] == seconds


def test_without_a_graph_there_are_no_settings_of_one(stack: Stack) -> None:
    assert settings([stack.kafka()]) == {"LINEAGE_KAFKA_BOOTSTRAP_SERVERS": stack.kafka().bootstrap}


def test_a_shell_reads_the_settings_back(tmp_path: Path) -> None:
    values = {"LINEAGE_A": "ws://127.0.0.1:1/gremlin,ws://127.0.0.1:2/gremlin", "LINEAGE_B": "a $HOME 'quoted' b"}
    (tmp_path / "env").write_text(as_file(values))
    program = "import json, os; print(json.dumps({k: v for k, v in os.environ.items() if k.startswith('LINEAGE_')}))"
    script = f'set -a; . "{tmp_path / "env"}"; "{sys.executable}" -c "{program}"'
    bare = {name: value for name, value in os.environ.items() if not name.startswith("LINEAGE_")}
    done = subprocess.run(["sh", "-c", script], env=bare, capture_output=True, text=True, check=True)
    assert json.loads(done.stdout) == values


def test_the_home_may_be_moved_by_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LINEAGE_LOCAL_HOME", str(tmp_path / "moved"))
    assert Stack().home == Home(tmp_path / "moved")
    monkeypatch.delenv("LINEAGE_LOCAL_HOME")
    assert Stack().home == Home(REPOSITORY / ".local")


def written(node: Cassandra, lines: str) -> None:
    node.folder.mkdir(parents=True, exist_ok=True)
    (node.folder / "cassandra.yaml").write_text(lines)

"""The local stack as its users meet it: from its command line, with Python alone, and when something is in its way."""

from __future__ import annotations

import json
import os
import re
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from deploy.local import Home, LocalStackError, Stack
from deploy.local.artifacts import ensure
from deploy.local.home import REPOSITORY, default_home

pytestmark = pytest.mark.real
Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def stack(tmp_path: Path) -> Iterator[Stack]:
    """A stack in a home of its own, with the jars of everybody's."""
    shared = Home(default_home())
    for component in ("kafka", "janusgraph"):
        ensure(component, shared)
    (tmp_path / "jars").symlink_to(shared.jars)
    made = Stack("some", tmp_path)
    yield made
    made.down(wipe=True)


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Runs the command line in that home."""

    def go(*words: str, **environment: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "deploy.local", *words],
            env={**os.environ, "LINEAGE_LOCAL_HOME": str(tmp_path), **environment},
            cwd=REPOSITORY,
            capture_output=True,
            text=True,
            timeout=280,
        )

    return go


def test_up_status_up_again_and_down(stack: Stack, run: Run) -> None:
    up = run("up", "--name", "some")
    assert up.returncode == 0, up.stderr
    assert f"# also in {stack.env_file}" in up.stdout
    assert stack.env_file.read_text() in up.stdout
    first = json.loads(run("status", "--name", "some", "--json").stdout)
    assert {name: server["state"] for name, server in first.items()} == {
        "kafka": "ready",
        "janusgraph-inmemory": "ready",
    }
    assert all(server["memory_bytes"] > 50_000_000 for server in first.values())
    again = run("up", "--name", "some")
    assert again.returncode == 0
    assert "starting" not in again.stderr
    assert "fetching" not in again.stderr
    second = json.loads(run("status", "--name", "some", "--json").stdout)
    assert [server["pid"] for server in second.values()] == [server["pid"] for server in first.values()]
    assert run("down", "--name", "some").stdout == "some: stopped janusgraph-inmemory, kafka.\n"
    assert not stack.env_file.exists()
    assert [server.state for server in stack.servers()] == ["stopped", "stopped"]


def test_python_alone_is_enough(stack: Stack, run: Run, tmp_path: Path) -> None:
    (tmp_path / "jars").unlink()
    program = "from deploy.local import Stack; Stack('some').kafka().start()"
    bare = {name: value for name, value in os.environ.items() if name not in ("JAVA_HOME", "LINEAGE_JAVA")}
    only_python = tmp_path / "path"
    only_python.mkdir()
    (only_python / "python3").symlink_to(sys.executable)
    assert not {"java", "mvn"} & {found for found in ("java", "mvn") if shutil.which(found, path=str(only_python))}
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={**bare, "PATH": str(only_python), "LINEAGE_LOCAL_HOME": str(tmp_path)},
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        timeout=280,
    )
    assert done.returncode == 0, done.stderr
    assert re.search(r"kafka: fetching \d+ jars with Python alone", done.stderr)
    assert stack.kafka().state == "ready"
    assert str(tmp_path / "tools") in Path(f"/proc/{stack.kafka().process.pid}/cmdline").read_text()


def test_a_port_that_somebody_took_is_named(stack: Stack) -> None:
    port = stack.kafka().ports["controller"]
    with (
        socket.create_server(("127.0.0.1", port)),
        pytest.raises(LocalStackError, match=rf"Port {port} \(controller of kafka\) is in use by another process"),
    ):
        stack.kafka().start()
    assert not stack.kafka().running


def test_a_server_that_dies_is_quoted(stack: Stack) -> None:
    data = stack.kafka().folder / "data"
    data.mkdir(parents=True)
    (data / "meta.properties").write_text("version=1\nnode.id=7\n")
    with pytest.raises(
        LocalStackError, match=r"(?s)kafka died while starting\. The last lines of .*server\.log:\n  .*cluster\.id"
    ):
        stack.kafka().start()


def test_a_graph_on_cassandra_says_that_cassandra_does_not_run(stack: Stack) -> None:
    with pytest.raises(LocalStackError, match="janusgraph-cassandra needs Cassandra, which does not run"):
        stack.janusgraph("cassandra").start()


def test_a_paused_server_is_not_taken_for_a_running_one(stack: Stack) -> None:
    kafka = stack.kafka()
    kafka.start()
    kafka.pause()
    assert kafka.state == "paused"
    with pytest.raises(LocalStackError, match="kafka is paused: resume it"):
        kafka.start()
    kafka.resume()
    assert kafka.state == "ready"

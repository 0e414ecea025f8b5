"""Processes are recognised by their mark: what does not carry it is never signalled, whatever a pid file says."""

from __future__ import annotations

import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.local.process import Process, command_of


@pytest.fixture
def java(tmp_path: Path) -> Path:
    """A stand-in that sleeps under the name and with the arguments that it was given."""
    script = tmp_path / "java"
    script.write_text('#!/bin/bash\nexec -a "java $*" sleep 60\n')
    script.chmod(0o755)
    return script


@pytest.fixture
def process(tmp_path: Path, java: Path) -> Iterator[Process]:
    """A running one."""
    folder = tmp_path / "server"
    folder.mkdir()
    made = Process(folder)
    made.start(java, ["Main", "server.yaml"], folder / "log")
    _eventually_marked(made)
    yield made
    made.kill()


def _eventually_marked(process: Process) -> None:
    until = time.monotonic() + 10
    while process.mark not in command_of(process.pid or 0):
        assert time.monotonic() < until
        time.sleep(0.01)


@pytest.fixture
def stranger() -> Iterator[subprocess.Popen[bytes]]:
    """A process of somebody else."""
    child = subprocess.Popen(["sleep", "60"])
    yield child
    child.kill()
    child.wait()


def test_another_handle_finds_the_process_and_stops_it(process: Process, tmp_path: Path) -> None:
    other = Process(tmp_path / "server")
    assert (process.pid or 0) > 0
    assert other.pid == process.pid
    assert (other.memory or 0) > 0
    other.stop()
    assert (other.pid, other.memory, process.pid) == (None, None, None)


def test_a_process_without_our_mark_is_never_signalled(stranger: subprocess.Popen[bytes], tmp_path: Path) -> None:
    (tmp_path / "pid").write_text(str(stranger.pid))
    process = Process(tmp_path)
    assert process.pid is None
    assert not process.signal(signal.SIGKILL)
    process.kill()
    process.stop()
    with pytest.raises(subprocess.TimeoutExpired):  # it lives on
        stranger.wait(0.2)


def test_a_folder_whose_name_begins_alike_is_another_one(process: Process, tmp_path: Path) -> None:
    shorter = tmp_path / "serve"
    shorter.mkdir()
    (shorter / "pid").write_text(str(process.pid))
    assert Process(shorter).pid is None


def test_a_dead_process_is_no_process_even_while_nobody_has_reaped_it(process: Process) -> None:
    process.kill()
    assert process.pid is None
    assert not process.paused
    assert process.memory is None


def test_a_lost_pid_file_is_written_again_from_the_mark(process: Process, tmp_path: Path) -> None:
    pid = process.pid
    (tmp_path / "server" / "pid").unlink()
    other = Process(tmp_path / "server")
    assert other.pid is None
    other.adopt()
    assert other.pid == pid


def test_a_pid_file_with_something_else_in_it_is_no_process(tmp_path: Path) -> None:
    (tmp_path / "pid").write_text("not a number")
    assert Process(tmp_path).pid is None


def test_a_paused_process_runs_but_is_paused_and_can_be_stopped(process: Process) -> None:
    process.pause()
    assert process.paused
    assert process.pid is not None
    process.stop()
    assert process.pid is None

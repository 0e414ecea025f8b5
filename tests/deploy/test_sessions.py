"""Test sessions beside each other: each has its own servers, and what a killed one left is swept by the next."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tests.servers import session_name

HOLDER = """
import pathlib, sys, time
from tests.servers import session_name
with session_name(pathlib.Path(sys.argv[1]), lambda name: None) as name:
    print(name, flush=True)
    time.sleep(60)
"""


def test_a_session_ends_with_a_sweep_of_its_own(tmp_path: Path) -> None:
    swept: list[str] = []
    with session_name(tmp_path, swept.append) as name:
        assert swept == []
    assert swept == [name]
    assert list(tmp_path.iterdir()) == []


def test_a_living_session_is_left_alone_and_a_killed_one_is_swept(tmp_path: Path) -> None:
    swept: list[str] = []
    other = subprocess.Popen([sys.executable, "-c", HOLDER, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    assert other.stdout is not None
    with other.stdout:
        theirs = other.stdout.readline().strip()
    with session_name(tmp_path, swept.append) as mine:
        assert mine != theirs
        assert swept == []
    other.kill()
    other.wait()
    swept.clear()
    with session_name(tmp_path, swept.append):
        assert swept == [theirs]

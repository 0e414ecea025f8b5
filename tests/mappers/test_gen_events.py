"""The generator of benchmark events gives equal bytes for ever: other runs of it are compared with ours."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.gen_events import dag_neighbours

SCRIPT = Path(__file__).parents[2] / "benchmarks" / "gen_events.py"
OUTPUTS = [
    ("--count 400", "975dbcdca9d95d37faf4dd3a5ac5bfef"),
    ("--shape dag --count 300 --runs 2", "6e57eaa7060dba9680c44a25f24f6a5f"),
    ("--count 41 --seed 7 --skip-pairs 9 --cols 3 --jobs 5 --window 10", "ac4aca77b7d06106b21385eddd1490b5"),
    ("--shape dag --count 40 --cols 2 --window 5 --seed 9", "80009e49e539f4258c8e88e6ccc77aec"),
]


@pytest.mark.parametrize(("arguments", "expected"), OUTPUTS, ids=[row[0] for row in OUTPUTS])
def test_equal_arguments_give_equal_bytes(arguments: str, expected: str) -> None:
    made = subprocess.run([sys.executable, str(SCRIPT), *arguments.split()], capture_output=True, check=True).stdout
    assert hashlib.md5(made, usedforsecurity=False).hexdigest() == expected


def test_a_hop_is_from_dataset_to_job_or_back() -> None:
    assert dag_neighbours(200, 42, 60, 0) == ({60}, set())
    datasets, jobs = dag_neighbours(200, 42, 60, 1)
    assert datasets == {60}
    assert 40 in jobs  # the one that writes dataset 60
    assert dag_neighbours(200, 42, 60, 2)[0] > datasets

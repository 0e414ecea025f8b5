"""Facts do not depend on the process: not on its locale, time zone or hash seed."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from lineagegraph.canonical import digest, lines
from lineagegraph.facts import fold
from mappers import Mapped
from tests.mappers.events import EVENTS, corpus
from tests.mappers.laws import outcome

ROOT = Path(__file__).parents[2]
FILES = sorted(str(path) for path in EVENTS.glob("*.ndjson"))
PROCESSES = [
    {"PYTHONHASHSEED": "0", "TZ": "UTC", "LC_ALL": "C"},
    {"PYTHONHASHSEED": "4242", "TZ": "Asia/Kolkata", "LC_ALL": "C.UTF-8"},
    {"PYTHONHASHSEED": "random", "TZ": "America/St_Johns", "LC_ALL": "tr_TR.UTF-8", "PYTHONUTF8": "0"},
]


def _hash(environment: dict[str, str], *arguments: str) -> str:
    command = [sys.executable, "-m", "consumer", "explain", "--hash", *arguments]
    done = subprocess.run(
        command, cwd=ROOT, env={**os.environ, **environment}, capture_output=True, text=True, timeout=120
    )
    assert done.returncode in (0, 3), done.stderr  # 3: some of the corpus is malformed on purpose
    return done.stdout.strip()


@pytest.mark.parametrize("environment", PROCESSES, ids=lambda environment: environment["LC_ALL"])
def test_facts_do_not_depend_on_the_locale_the_time_zone_or_the_hash_seed(environment: dict[str, str]) -> None:
    here = fold(one.facts for value in corpus() if isinstance(one := outcome(value), Mapped))
    assert _hash(environment, *FILES) == digest(lines(here))

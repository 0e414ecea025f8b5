"""The events of the benchmarks, made by `gen_events.py`; `salt` moves them to names of their own."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from lineagegraph.facts import Facts, fold
from lineagegraph.naming import Naming
from mappers import decode, map_event

GENERATOR = Path(__file__).with_name("gen_events.py")


def lines(*arguments: str, salt: str = "") -> Iterator[bytes]:
    """One event a line."""
    command = [sys.executable, str(GENERATOR), *arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        for line in process.stdout or ():
            line = line.rstrip(b"\n")
            if salt:
                line = line.replace(b'"s3://lake"', b'"s3://%s"' % salt.encode())
                line = line.replace(b'"spark"', b'"spark-%s"' % salt.encode())
                line = line.replace(b'"runId":"', b'"runId":"%s' % salt.encode())
            yield line


def folded(events: list[bytes], at_once: int) -> list[Facts]:
    """Their facts, folded in batches."""
    naming = Naming.load()
    made = [map_event(decode(event), naming).facts for event in events]
    return [fold(made[start : start + at_once]) for start in range(0, len(made), at_once)]

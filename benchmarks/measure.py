"""What every benchmark needs: repetitions, CPU time of the servers, and the two ways of printing."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class Spread:
    """The least, the median and the greatest of some repetitions."""

    low: float
    middle: float
    high: float

    @classmethod
    def of(cls, values: Sequence[float]) -> Spread:
        """Of at least one value."""
        return cls(min(values), median(values), max(values))

    def __str__(self) -> str:
        return f"{self.low:,.0f} / {self.middle:,.0f} / {self.high:,.0f}"


def cpu_seconds(pid: int | None) -> float:
    """The CPU time that a process has used so far, user and system."""
    if pid is None:
        return 0.0
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def table(title: str, head: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """A table with aligned columns."""
    texts = [list(head), *([str(cell) for cell in row] for row in rows)]
    widths = [max(len(row[column]) for row in texts) for column in range(len(head))]
    print(f"\n{title}")
    for row in texts:
        print("  " + "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


def report(answer: dict[str, Any]) -> None:
    """With JSON=1 the last line."""
    if os.environ.get("JSON") == "1":
        print(json.dumps(answer))


def in_parallel(work: Callable[[], None], threads: int) -> None:
    """Run it in so many threads; an error in one of them is an error."""
    with ThreadPoolExecutor(threads) as pool:
        for done in [pool.submit(work) for _ in range(threads)]:
            done.result()

"""The doctor goes through a graph of any size with the memory of a page, and says how far it is."""

from __future__ import annotations

import io
import sys
import tracemalloc
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest

from lineagegraph import doctor
from lineagegraph.commands import _counting
from lineagegraph.doctor import PAGE, Diagnosis, findings
from lineagegraph.facts import vertex_id
from lineagegraph.settings import GraphSettings

id_of = vertex_id.__wrapped__  # what it remembers is not what is measured


def served(rows: int) -> Any:
    """What the server would stream: runs that each read three tables, of which the last is not there."""

    def row(number: int) -> list[Any]:
        table = ("lake", f"t{number}")
        if number % 2:
            return [
                id_of("Dataset", table),
                True,
                "Dataset",
                dict(zip(("namespace", "name"), table, strict=True)),
                [],
                [],
            ]
        reads = [["READ", id_of("Dataset", ("lake", f"t{number + n}")), None] for n in (1, 3, 2)]
        return [id_of("Run", (f"r{number}",)), True, "Run", {"run_id": f"r{number}", "engine": "e" * 99}, reads, []]

    def replies(settings: GraphSettings, script: str, body: dict[str, Any], seconds: float) -> Iterator[dict[str, Any]]:
        for first in range(0, rows, body["page"]):
            yield {"v": [row(number) for number in range(first, first + body["page"])], "end": False}

    return replies


def examined(rows: int, monkeypatch: pytest.MonkeyPatch) -> tuple[int, Counter[str], list[int]]:
    """The most memory that Python held, in bytes, what was found, and what was told meanwhile."""
    monkeypatch.setattr(doctor, "replies", served(rows))
    diagnosis, told = Diagnosis(), list[int]()
    tracemalloc.start()
    try:
        for one in findings(GraphSettings(), diagnosis, told.append):
            diagnosis.add(one, 20)
        return tracemalloc.get_traced_memory()[1], diagnosis.found, told
    finally:
        tracemalloc.stop()


def test_a_graph_six_times_as_large_takes_the_same_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    examined(PAGE, monkeypatch)  # what is loaded once
    small, found, told = examined(5 * PAGE, monkeypatch)
    large, more, _ = examined(30 * PAGE, monkeypatch)
    assert told == [PAGE * page for page in range(1, 6)]
    assert (found["dangling_edge"], more["dangling_edge"]) == (5 * PAGE // 2 + 1, 30 * PAGE // 2 + 1)
    assert large < 2 * small  # and not six times


def test_who_looks_at_a_terminal_sees_how_far_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr(sys, "stderr", seen := Terminal())
    with _counting("examining") as progress:
        progress(1200)
    assert "examining: 1,200 vertices" in seen.getvalue()

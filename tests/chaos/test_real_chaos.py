"""The short form of the chaos suite; `make chaos` is the long one."""

from __future__ import annotations

import json

import pytest

from tests.chaos.__main__ import main


@pytest.mark.cassandra
@pytest.mark.timeout(900)
def test_two_minutes_of_harm_lose_double_and_wrongly_bury_nothing(capfd: pytest.CaptureFixture[str]) -> None:
    code = main(["--seconds", "120", "--events", "8000"])
    said = capfd.readouterr().out
    last = json.loads(said.splitlines()[-1])
    assert code == 0, said
    assert last["events"] >= 8000
    assert [last[name] for name in ("lost", "doubled", "dead_letters_wrong")] == [0, 0, 0]

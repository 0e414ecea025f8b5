"""The runbook and the alerts say what the program does."""

from __future__ import annotations

import re
from pathlib import Path

from deploy.monitoring.dead_letters import DEAD_LETTERS
from mappers import REASONS

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs" / "dead-letters.md").read_text(encoding="utf-8")
EXAMPLES = sorted({one for one in re.findall(r"`lineagegraph ([^`]+)`", PAGE) if "--help" not in one})


def test_every_class_has_its_line_in_the_runbook() -> None:
    told = set(re.findall(r"^\| `(\w+)` \|", PAGE.split("## By class")[1].split("## Alerts")[0], re.M))
    ours = ("too_large", "framed", "tombstone", "rejected", "crash", "corrupt_batch", "corrupt_record")
    assert told == {*REASONS, *ours}


def test_every_alert_is_in_the_runbook() -> None:
    assert {alert.name for alert in DEAD_LETTERS} == set(re.findall(r"`(Lineage\w+)`", PAGE))

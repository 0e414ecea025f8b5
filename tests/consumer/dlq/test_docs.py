"""The runbook and the alerts say what the program does."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from consumer.metrics import METRICS
from mappers import REASONS

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs" / "dead-letters.md").read_text(encoding="utf-8")
RULES = ROOT / "deploy" / "prometheus" / "dead-letters.rules.yml"
TESTS = RULES.with_name("dead-letters.tests.yml")
EXAMPLES = sorted({one for one in re.findall(r"`lineagegraph ([^`]+)`", PAGE) if "--help" not in one})


def rules() -> list[dict[str, str]]:
    return [rule for group in yaml.safe_load(RULES.read_text(encoding="utf-8"))["groups"] for rule in group["rules"]]


@pytest.mark.skipif(
    shutil.which("promtool") is None, reason="promtool is not there: `make promtool` builds it, with Go"
)
@pytest.mark.parametrize(
    "arguments", [("check", "rules", str(RULES)), ("test", "rules", str(TESTS))], ids=["check", "test"]
)
def test_the_alerts_fire_when_they_should_and_only_then(arguments: tuple[str, ...]) -> None:
    done = subprocess.run(["promtool", *arguments], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_class_has_its_line_in_the_runbook() -> None:
    told = set(re.findall(r"^\| `(\w+)` \|", PAGE.split("## By class")[1].split("## Alerts")[0], re.M))
    ours = ("too_large", "framed", "tombstone", "rejected", "crash", "corrupt_batch", "corrupt_record")
    assert told == {*REASONS, *ours}


def test_every_alert_is_in_the_runbook_and_asks_about_metrics_that_exist() -> None:
    assert {rule["alert"] for rule in rules()} == set(re.findall(r"`(Lineage\w+)`", PAGE))
    for rule in rules():
        asked = set(re.findall(r"\blineage_\w+", rule["expr"]))
        assert asked, rule["alert"]
        assert asked <= METRICS.keys(), rule["alert"]

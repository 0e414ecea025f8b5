"""docs/rules.md says what the rules are."""

from __future__ import annotations

import re
from pathlib import Path

from lineagegraph import rules
from lineagegraph.corrections import Corrections
from tests.docs import DOCS

PAGE = (DOCS / "rules.md").read_text(encoding="utf-8")
STEPS = {
    "counts",
    "day_of",
    "days_of",
    "days_of_writers",
    "latest_change",
    "latest_stated",
    "made_data",
    "may_be_shared",
    "newest_statement",
    "pipeline_of",
    "plain",
    "rounded",
    "started_at",
    "unsettled",
}


def test_every_rule_stands_in_the_table_and_every_function_of_the_table_is_a_rule() -> None:
    table = [row.split("|")[2] for row in PAGE.splitlines() if row.startswith("| ") and row.count("|") == 5]
    named = {name for cell in table for name in re.findall(r"`(\w+)", cell)}
    public = {name for name in rules.__all__ if name[0].islower()}
    assert named == public - STEPS


def test_every_rule_says_what_it_needs() -> None:
    for name in rules.__all__:
        if name[0].islower() and name not in ("day_of", "rounded"):
            text = " ".join((getattr(rules, name).__doc__ or "").split())
            assert re.search(r"\bNeeds\b", text), name


def test_the_alias_file_of_the_page_can_be_used(tmp_path: Path) -> None:
    (example,) = re.findall(r"```toml\n(.*?)```", PAGE, re.S)
    (tmp_path / "aliases.toml").write_text(example, encoding="utf-8")
    assert len(Corrections.load(tmp_path / "aliases.toml").file.ignore) == 5

"""The docs say what the code says."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from consumer.environment import is_secret, variable
from consumer.settings import Settings
from tests.docs import DOCS, PARTS, made

ROOT = DOCS.parent


@pytest.mark.parametrize("path", made(), ids=lambda path: path.name)
def test_pages_made_from_tables_are_up_to_date(path: Path) -> None:
    assert path.read_text(encoding="utf-8") == made()[path], "run `python -m tests.docs`"


def test_every_marker_stands_in_its_page() -> None:
    for name, parts in PARTS.items():
        text = (DOCS / name).read_text(encoding="utf-8")
        assert [marker for marker in parts if f"<!-- {marker} -->\n\n" not in text] == []


@pytest.mark.parametrize("page", [*DOCS.glob("*.md"), *ROOT.glob("*.md")], ids=lambda path: path.name)
def test_links_between_pages_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\((?!https?:)([^)#]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8")):
        assert (page.parent / target).exists(), target


def test_make_targets_that_the_docs_name_exist() -> None:
    targets = set(re.findall(r"^([a-z0-9-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.M))
    for page in [*DOCS.glob("*.md"), *ROOT.glob("*.md")]:
        for named in re.findall(r"`make ([a-z0-9- ]+)", page.read_text(encoding="utf-8")):
            assert set(named.split()) <= targets, page.name


def test_every_promise_names_tests_that_exist() -> None:
    named = set(re.findall(r"`(test_\w+)`", (DOCS / "guarantees.md").read_text(encoding="utf-8")))
    defined = {
        name
        for path in (ROOT / "tests").rglob("test_*.py")
        for name in re.findall(r"^(?:async )?def (test_\w+)", path.read_text(encoding="utf-8"), re.M)
    }
    assert named, "the page names its tests"
    assert named <= defined, named - defined


def test_every_setting_is_on_the_page_and_every_variable_that_is_named_anywhere_exists() -> None:
    settings = {variable(name) for name in Settings.model_fields}
    known = settings | {f"{variable(name)}_FILE" for name in Settings.model_fields if is_secret(Settings, name)}
    known |= set(re.findall(r'"(LINEAGE_\w+)"', "".join(path.read_text("utf-8") for path in _others())))
    named = {
        page.name: set(re.findall(r"\bLINEAGE_[A-Z_]*[A-Z]\b(?!…)", page.read_text(encoding="utf-8")))
        for page in [
            *sorted(DOCS.glob("*.md")),
            *sorted(ROOT.glob("*.md")),
            ROOT / "docker-compose.yml",
            ROOT / "Makefile",
        ]
    }
    assert settings <= named["operating.md"]
    assert {page: unknown for page, some in named.items() if (unknown := some - known)} == {}


def _others() -> list[Path]:
    """Where variables are read that are no settings of the product: the local stack and the tests."""
    return [*sorted((ROOT / "deploy" / "local").glob("*.py")), ROOT / "tests" / "containers.py"]

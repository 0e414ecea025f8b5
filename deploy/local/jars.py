"""The jars that may run: exactly those of artifacts.lock, byte for byte, and never one more.

Maven and jgo both accept a truncated jar from their caches, so the hashes are checked here and by nobody else.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from deploy.local.errors import LocalStackError

LOCK_FILE = Path(__file__).with_name("artifacts.lock")
COMPONENTS = ("kafka", "janusgraph", "cassandra")


@dataclass(frozen=True, slots=True, order=True)
class Jar:
    """One line of the lock."""

    component: str
    coordinate: str
    file: str
    sha256: str

    @property
    def line(self) -> str:
        return f"{self.component} {self.coordinate} {self.file} {self.sha256}"

    @property
    def parts(self) -> tuple[str, str, str, str]:
        """Group, artifact, version and classifier ("" for none)."""
        group, artifact, version, *classifier = self.coordinate.split(":")
        return group, artifact, version, classifier[0] if classifier else ""


@dataclass(frozen=True, slots=True)
class Findings:
    """How a folder differs from the lock."""

    missing: tuple[Jar, ...]
    corrupt: tuple[Jar, ...]
    extra: tuple[str, ...]

    @property
    def clean(self) -> bool:
        return not (self.missing or self.corrupt or self.extra)


def parse_lock(text: str) -> tuple[Jar, ...]:
    """The lines of a lock; a malformed one is an error, because a skipped one would be a jar that nobody verifies."""
    jars = []
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip() or line.startswith("#"):
            continue
        fields = line.split()
        if len(fields) != 4 or fields[1].count(":") not in (2, 3) or len(fields[3]) != 64 or "/" in fields[2]:
            raise LocalStackError(f"Line {number} of the jar lock is not `component coordinate file sha256`: {line!r}")
        jars.append(Jar(*fields))
    return tuple(jars)


def locked(component: str, lock: Path = LOCK_FILE) -> tuple[Jar, ...]:
    """The jars of one component."""
    jars = tuple(jar for jar in parse_lock(lock.read_text("utf-8")) if jar.component == component)
    if not jars:
        raise LocalStackError(f"{lock.name} names no jar for {component}.")
    return jars


def sha256_of(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def inspect(folder: Path, jars: Iterable[Jar]) -> Findings:
    """Hash every file of the folder and compare with the lock."""
    expected = {jar.file: jar for jar in jars}
    present = {path.name: path for path in folder.iterdir()} if folder.is_dir() else {}
    return Findings(
        missing=tuple(jar for name, jar in expected.items() if name not in present),
        corrupt=tuple(
            jar
            for name, jar in expected.items()
            if name in present and (not present[name].is_file() or sha256_of(present[name]) != jar.sha256)
        ),
        extra=tuple(sorted(present.keys() - expected.keys())),
    )


def check(folder: Path, jars: Iterable[Jar]) -> None:
    """Refuse a folder that is not what the lock says, naming the jar."""
    found = inspect(folder, jars)
    if found.missing:
        raise LocalStackError(f"The jar {found.missing[0].file} is missing in {folder}{_others(found.missing)}.")
    if found.corrupt:
        raise LocalStackError(
            f"The jar {found.corrupt[0].file} in {folder} is not the one in artifacts.lock "
            f"(its SHA-256 differs){_others(found.corrupt)}."
        )
    if found.extra:
        raise LocalStackError(f"{found.extra[0]} in {folder} is not in artifacts.lock{_others(found.extra)}.")


def _others(items: tuple[object, ...]) -> str:
    return f", and {len(items) - 1} more" if len(items) > 1 else ""


def write_marker(marker: Path, folder: Path, jars: Iterable[Jar]) -> None:
    """Record that the folder was verified against these lines of the lock."""
    marker.write_text(json.dumps({"lock": _digest(jars), "sizes": _sizes(folder)}), "utf-8")


def is_verified(marker: Path, folder: Path, jars: Iterable[Jar]) -> bool:
    """The warm path: same lock, same names, same sizes as when every hash was checked."""
    try:
        record = json.loads(marker.read_text("utf-8"))
        return bool(record == {"lock": _digest(jars), "sizes": _sizes(folder)})
    except (OSError, ValueError):
        return False


def _digest(jars: Iterable[Jar]) -> str:
    return hashlib.sha256("\n".join(sorted(jar.line for jar in jars)).encode()).hexdigest()


def _sizes(folder: Path) -> dict[str, int]:
    return {path.name: path.stat().st_size for path in folder.iterdir()}

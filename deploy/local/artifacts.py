"""The jar folders under jars/: filled when needed, healed when damaged, verified before any Java starts."""

from __future__ import annotations

import os
import shutil
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from deploy.local import fetch_jgo, fetch_maven
from deploy.local.errors import LocalStackError, NoTool
from deploy.local.home import Home, exclusive
from deploy.local.jars import COMPONENTS, LOCK_FILE, Findings, Jar, check, inspect, is_verified, locked, write_marker

Seen = Callable[[int], None]
Way = Callable[[Sequence[Jar], Path, Home, Seen], None]


def ensure(component: str, home: Home, lock: Path = LOCK_FILE) -> Path:
    """The folder of a component's jars, exactly as the lock says."""
    jars = locked(component, lock)
    folder, marker = home.jars / component, home.jars / f"{component}.verified"
    if is_verified(marker, folder, jars):
        return folder
    with exclusive(home.jars / "lock", lambda: home.say(f"{component}: waiting for another fetch of jars")):
        if not is_verified(marker, folder, jars):
            home.demand_space()
            _heal(component, jars, folder, home)
            write_marker(marker, folder, jars)
    return folder


def ensure_all(home: Home) -> None:
    for component in COMPONENTS:
        ensure(component, home)


def _heal(component: str, jars: Sequence[Jar], folder: Path, home: Home) -> None:
    """Fetch what is missing, one way after the other; what came whole stays, so that each asks for less."""
    folder.mkdir(parents=True, exist_ok=True)
    failure: LocalStackError | None = None
    for way in _ways():
        found = inspect(folder, jars)
        _discard(component, folder, found, home)
        wanted = sorted((*found.missing, *found.corrupt))
        if not wanted:
            return
        if failure:
            home.say(f"{component}: {failure}")
        try:
            _fetch(component, wanted, folder, way, home)
        except NoTool as error:
            failure = error
            break
        except LocalStackError as error:
            failure = error
    if failure and inspect(folder, jars).missing:
        raise failure
    check(folder, jars)


def _ways() -> Sequence[Way]:
    """A cache of Maven's that is damaged is not asked twice, and a Maven that cannot fetch is done without."""
    if os.environ.get("LINEAGE_NO_MAVEN") == "1" or not fetch_maven.maven():
        return (_with_python, _with_python, _with_python)
    return (_with_maven, _with_maven_afresh, _with_python)


def _with_maven(wanted: Sequence[Jar], staging: Path, home: Home, seen: Seen) -> None:
    fetch_maven.fetch(wanted, staging / "jars", None, seen)


def _with_maven_afresh(wanted: Sequence[Jar], staging: Path, home: Home, seen: Seen) -> None:
    fetch_maven.fetch(wanted, staging / "jars", staging / "repository", seen)


def _with_python(wanted: Sequence[Jar], staging: Path, home: Home, seen: Seen) -> None:
    fetch_jgo.fetch(wanted, staging / "jars", staging / "repository", home.tools, seen, home.say)


def _discard(component: str, folder: Path, found: Findings, home: Home) -> None:
    """Delete what is in the way. A damaged jar stays until a better one comes, so that it can be named if none does."""
    for name in (*found.extra, *(jar.file for jar in found.corrupt)):
        path = folder / name
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        elif name in found.extra:
            path.unlink()
        home.say(f"{component}: {name} is not what artifacts.lock names")


def _fetch(component: str, wanted: Sequence[Jar], folder: Path, way: Way, home: Home) -> None:
    """Fetch beside the folder and rename in: a killed fetch leaves no half jar under a final name."""
    staging = home.jars / f".{component}.partial"
    shutil.rmtree(staging, ignore_errors=True)
    (staging / "jars").mkdir(parents=True)
    begun = time.monotonic()
    home.say(f"{component}: fetching {len(wanted)} jars{' with Python alone' if way is _with_python else ''}")
    arrived: list[Path] = []
    try:
        way(wanted, staging, home, _counter(component, len(wanted)))
    finally:
        for jar in wanted:
            if (staging / "jars" / jar.file).is_file():
                arrived.append((staging / "jars" / jar.file).replace(folder / jar.file))
        shutil.rmtree(staging, ignore_errors=True)
    size = sum(path.stat().st_size for path in arrived) / 1e6
    home.say(f"{component}: {len(arrived)} jars, {size:.0f} MB in {time.monotonic() - begun:.0f} s")


def _counter(component: str, total: int) -> Seen:
    """A moving count for people; logs and pipes get the one line at the end."""
    if not sys.stderr.isatty():
        return lambda _: None
    return lambda count: print(f"\r{component}: {count}/{total} jars ", end="\r", file=sys.stderr, flush=True)

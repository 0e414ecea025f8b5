"""The jar folders under jars/: filled when needed, healed when damaged, verified before any Java starts."""

from __future__ import annotations

import os
import shutil
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from deploy.local import fetch_jgo, fetch_maven
from deploy.local.home import Home, exclusive
from deploy.local.jars import COMPONENTS, Findings, Jar, check, inspect, is_verified, locked, write_marker


def ensure(component: str, home: Home) -> Path:
    """The folder of a component's jars, exactly as the lock says."""
    jars = locked(component)
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
    """Two fetches at most: what a fresh cache does not mend, a third one will not either."""
    folder.mkdir(parents=True, exist_ok=True)
    for fresh in (False, True):
        found = inspect(folder, jars)
        if found.clean:
            return
        _discard(component, folder, found, home)
        wanted = sorted((*found.missing, *found.corrupt))
        if wanted:
            _fetch(component, wanted, folder, fresh, home)
    check(folder, jars)


def _discard(component: str, folder: Path, found: Findings, home: Home) -> None:
    for name in (*found.extra, *(jar.file for jar in found.corrupt)):
        home.say(f"{component}: {name} is not what artifacts.lock names, deleting it")
        path = folder / name
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()


def _fetch(component: str, wanted: Sequence[Jar], folder: Path, fresh: bool, home: Home) -> None:
    """Fetch beside the folder and rename in: a killed fetch leaves no half jar under a final name."""
    staging = home.jars / f".{component}.partial"
    shutil.rmtree(staging, ignore_errors=True)
    (staging / "jars").mkdir(parents=True)
    begun = time.monotonic()
    how = "Python" if os.environ.get("LINEAGE_NO_MAVEN") == "1" or not fetch_maven.maven() else "Maven"
    home.say(f"{component}: fetching {len(wanted)} jars with {how}")
    seen = _counter(component, len(wanted))
    try:
        if how == "Maven":
            fetch_maven.fetch(wanted, staging / "jars", staging / "repository" if fresh else None, seen)
        else:
            fetch_jgo.fetch(wanted, staging / "jars", staging / "repository", home.tools, seen, home.say)
        size = 0
        for path in (staging / "jars").iterdir():
            size += path.stat().st_size
            path.replace(folder / path.name)
    finally:
        shutil.rmtree(staging, ignore_errors=True)
    home.say(f"{component}: {len(wanted)} jars, {size / 1e6:.0f} MB in {time.monotonic() - begun:.0f} s")


def _counter(component: str, total: int) -> Callable[[int], None]:
    """A moving count for people; logs and pipes get the one line at the end."""
    if not sys.stderr.isatty():
        return lambda _: None
    return lambda count: print(f"\r{component}: {count}/{total} jars ", end="\r", file=sys.stderr, flush=True)

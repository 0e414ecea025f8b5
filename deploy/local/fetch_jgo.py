"""Fetching with Python alone: PyPI's jgo downloads each coordinate of the lock by itself, never what it depends on.

jgo runs in a process of its own from a private folder, so that its dependencies touch neither this project's
environment nor the standard-library-only rule of this package.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from deploy.local.errors import LocalStackError, NoTool
from deploy.local.jars import Jar
from deploy.local.private_pip import install

TOOL = "jgo"
# Four at a time is less than a browser opens; jgo's own command line goes one by one and unpacks every jar besides.
PROGRAM = """\
import pathlib, shutil, sys, time
from concurrent.futures import ThreadPoolExecutor, as_completed
from jgo.config import GlobalSettings
from jgo.maven import MavenContext, PythonResolver
into, cache = (pathlib.Path(name) for name in sys.argv[1:3])
context = MavenContext(
    resolver=PythonResolver(), repo_cache=cache, remote_repos=GlobalSettings.load().repositories or None, timeout=60
)
def one(line):
    coordinate, name = line.split()
    group, artifact, version, *classifier = coordinate.split(":")
    found = context.project(group, artifact).at_version(version).artifact(classifier[0] if classifier else "", "jar")
    for left in (2, 1, 0):
        try:
            shutil.copyfile(found.resolve(), into / f".{name}")
            return (into / f".{name}").rename(into / name)
        except Exception as error:
            if not left:
                raise SystemExit(f"{coordinate}: {error}")
            (found.cached_path or into / name).unlink(missing_ok=True)
            time.sleep(6 / (left + 1))
with ThreadPoolExecutor(4) as pool:
    for done in as_completed([pool.submit(one, line) for line in sys.stdin.read().splitlines()]):
        print(done.result(), flush=True)
"""


def fetch(
    jars: Sequence[Jar], into: Path, cache: Path, tools: Path, seen: Callable[[int], None], say: Callable[[str], None]
) -> None:
    """Download the jars into a folder, through a cache that nobody else writes."""
    try:
        packages = install(tools, TOOL, say)
    except NoTool as error:
        raise NoTool(f"The jars are fetched with Maven or else with PyPI's jgo. {error}") from None
    command = [sys.executable, "-c", PROGRAM, str(into), str(cache)]
    environment = {**os.environ, "PYTHONPATH": str(packages)}
    wanted = "".join(f"{jar.coordinate} {jar.file}\n" for jar in jars)
    with subprocess.Popen(
        command, env=environment, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    ) as process:
        assert process.stdin is not None and process.stdout is not None  # noqa: S101, PT018  (asked for above)
        process.stdin.write(wanted)
        process.stdin.close()
        lines = []
        for line in process.stdout:
            lines.append(line.rstrip())
            seen(len(lines))
    if process.returncode:
        reason = lines[-1][:400] if lines else "no output"
        raise LocalStackError(f"The jars could not be fetched with jgo ({reason}). Check the network and run it again.")

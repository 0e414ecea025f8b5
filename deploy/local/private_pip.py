"""Private Python packages: each locked tool in a folder of its own under tools/, complete or absent."""

from __future__ import annotations

import hashlib
import importlib.util
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from deploy.local.errors import NoTool

LOCKS = Path(__file__).with_name("tools")
TRIES = 2  # pip's own retries mend the network; another call mends a broken download


def install(tools: Path, name: str, say: Callable[[str], None]) -> Path:
    """The folder that holds a tool of tools/<name>.lock, installed by pip if it is not there yet."""
    lock = LOCKS / f"{name}.lock"
    digest = hashlib.sha256(lock.read_bytes()).hexdigest()[:12]
    folder = tools / f"{name}-{digest}-py{sys.version_info.major}{sys.version_info.minor}"
    if folder.is_dir():
        return folder
    say(f"{name}: installing with pip")
    begun = time.monotonic()
    partial = folder.with_name(folder.name + ".partial")
    refusal: str | None = None
    for _ in range(TRIES):
        shutil.rmtree(partial, ignore_errors=True)
        partial.parent.mkdir(parents=True, exist_ok=True)
        refusal = _pip_install(tools, lock, partial)
        if refusal is None:
            break
    else:
        shutil.rmtree(partial, ignore_errors=True)
        raise NoTool(f"pip could not install {name} ({refusal}). Check the network.")
    # The rename comes last: a folder under its final name is a whole one.
    partial.rename(folder)
    say(f"{name}: installed in {time.monotonic() - begun:.0f} s")
    return folder


def _pip_install(tools: Path, lock: Path, into: Path) -> str | None:
    """None, or why it failed."""
    options = ["--quiet", "--disable-pip-version-check", "--no-compile", "--only-binary", ":all:", "--require-hashes"]
    command = [*_pip(tools), "install", *options, "--target", str(into), "--requirement", str(lock)]
    done = subprocess.run(command, capture_output=True, text=True)
    if not done.returncode:
        return None
    errors = [line for line in done.stderr.splitlines() if line.startswith("ERROR")]
    return (errors[-1] if errors else done.stderr.strip()[-300:]) or "no output"


def _pip(tools: Path) -> list[str]:
    """This Python's pip or, where it has none, that of a private environment."""
    if importlib.util.find_spec("pip") is not None:
        return [sys.executable, "-m", "pip"]
    environment = tools / "pip"
    python = environment / "bin" / "python"
    if not python.exists():
        done = subprocess.run([sys.executable, "-m", "venv", str(environment)], capture_output=True, text=True)
        if done.returncode:
            raise NoTool(f"{sys.executable} has neither pip nor venv: install one of them (python3-venv).")
    return [str(python), "-m", "pip"]

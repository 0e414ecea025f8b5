"""Private Python packages: each pinned one in a folder of its own under tools/, complete or absent."""

from __future__ import annotations

import importlib.util
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from deploy.local.errors import LocalStackError


def install(tools: Path, requirement: str, say: Callable[[str], None]) -> Path:
    """The folder that holds the requirement, installed by pip if it is not there yet."""
    folder = tools / f"{requirement.replace('==', '-')}-py{sys.version_info.major}{sys.version_info.minor}"
    if folder.is_dir():
        return folder
    say(f"{requirement}: installing with pip")
    partial = folder.with_name(folder.name + ".partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.parent.mkdir(parents=True, exist_ok=True)
    options = ["--quiet", "--disable-pip-version-check", "--no-compile", "--target", str(partial)]
    done = subprocess.run([*_pip(tools), "install", *options, requirement], capture_output=True, text=True)
    if done.returncode:
        shutil.rmtree(partial, ignore_errors=True)
        errors = [line for line in done.stderr.splitlines() if line.startswith("ERROR")] or [done.stderr.strip()[-300:]]
        raise LocalStackError(f"pip could not install {requirement} ({errors[-1]}). Check the network.")
    # The rename comes last: a folder under its final name is a whole one.
    partial.rename(folder)
    return folder


def _pip(tools: Path) -> list[str]:
    """This Python's pip or, where it has none, that of a private environment."""
    if importlib.util.find_spec("pip") is not None:
        return [sys.executable, "-m", "pip"]
    environment = tools / "pip"
    python = environment / "bin" / "python"
    if not python.exists():
        done = subprocess.run([sys.executable, "-m", "venv", str(environment)], capture_output=True, text=True)
        if done.returncode:
            raise LocalStackError(f"{sys.executable} has neither pip nor venv: install one of them (python3-venv).")
    return [str(python), "-m", "pip"]

"""Programs that check what is deployed; `make deploy-tools` brings them."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[2]


def needs(tool: str) -> pytest.MarkDecorator:
    """Skips, with the reason, where the tool is not there; in CI only where it cannot be made."""
    must = bool(os.environ.get("CI")) and (tool == "hadolint" or shutil.which("go") is not None)
    reason = f"{tool} is not there: `make deploy-tools` brings it (hadolint; with Go the others)"
    return pytest.mark.skipif(shutil.which(tool) is None and not must, reason=reason)


def run(*arguments: str | Path, folder: Path = REPOSITORY) -> str:
    """What it prints, if it is content."""
    done = subprocess.run([str(one) for one in arguments], capture_output=True, text=True, cwd=folder)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout

"""The image's health check: asks what this container runs, if it is something that listens.

One image runs everything, so the command line of the first process tells which port is the right one. A job that does
not listen is healthy for as long as it runs.
"""

from __future__ import annotations

import os
import sys
import urllib.request
from collections.abc import Mapping, Sequence
from pathlib import Path

SECONDS = 5


def address(command: Sequence[str], environment: Mapping[str, str]) -> str | None:
    """What to ask; None if nothing listens."""
    if "consume" in command:
        return f"http://127.0.0.1:{environment.get('LINEAGE_HTTP_PORT', '8080')}/livez"
    if "serve" in command:
        return f"http://127.0.0.1:{_option(command, '--port') or '8000'}/livez"
    if listening := _option(command, "--listen"):
        return f"http://127.0.0.1:{listening.rpartition(':')[2]}/metrics"
    return None


def _option(command: Sequence[str], name: str) -> str | None:
    for at, part in enumerate(command):
        if part == name and at + 1 < len(command):
            return command[at + 1]
        if part.startswith(f"{name}="):
            return part.partition("=")[2]
    return None


def main(first: Path = Path("/proc/1/cmdline")) -> int:
    """0 if it is well, as Docker counts it."""
    command = first.read_bytes().decode("utf-8", "replace").split("\0")
    url = address(command, os.environ)
    if url is None:
        return 0
    try:
        with urllib.request.urlopen(url, timeout=SECONDS):
            return 0
    except OSError as error:
        print(f"{url}: {error}")
        return 1


if __name__ == "__main__":
    sys.exit(main())

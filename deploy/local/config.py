"""Configuration files: valid as they lie in conf/, and for a stack the same text with some values replaced.

A key to replace must be there already, so that a renamed setting fails loudly instead of being added twice.
"""

from __future__ import annotations

import random
import re
import socket
from collections.abc import Collection, Mapping
from pathlib import Path

from deploy.local.errors import LocalStackError

CONF = Path(__file__).with_name("conf")
LOOPBACK = "127.0.0.1"
# Below the range that systems hand to outgoing connections: a client that retries against a stopped server on such a
# port can connect to itself and keep the server from ever coming back.
PORTS = range(20000, 30000)


def with_values(text: str, values: Mapping[str, object]) -> str:
    """Replace the values of `key=value` and top-level `key: value` lines; None drops the line."""
    left = dict(values)
    lines = []
    for line in text.splitlines():
        found = re.match(r"([A-Za-z][\w.\-]*)(=|: )", line)
        if found is None or found[1] not in values:
            lines.append(line)
            continue
        value = left.pop(found[1], None)
        if value is not None:
            lines.append(f"{found[1]}{found[2]}{value}")
    if left:
        raise LocalStackError(f"The configuration has no line for {', '.join(sorted(left))}.")
    return "\n".join(lines) + "\n"


def template(name: str) -> str:
    return (CONF / name).read_text("utf-8")


def is_free(port: int, host: str = LOOPBACK) -> bool:
    """Whether a server could listen there now; lingering closed connections do not count, as they do not for Java."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
            probe.listen(1)
        except OSError:
            return False
    return True


def free_ports(count: int, kept: Collection[int] = ()) -> list[int]:
    """Distinct ports that nobody listens on and nobody keeps."""
    found: list[int] = []
    for port in random.sample(PORTS, 2000):
        if len(found) == count:
            return found
        if port not in kept and is_free(port):
            found.append(port)
    raise LocalStackError(f"No {count} free ports were found between {PORTS.start} and {PORTS.stop}.")

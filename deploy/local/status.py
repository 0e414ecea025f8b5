"""What a stack looks like from outside, measured now and never remembered: for people a table, for programs JSON."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from deploy.local.server import Server
from deploy.local.stack import Stack


def as_json(stack: Stack) -> dict[str, dict[str, object]]:
    """By server: its address, pid, state, resident bytes and log."""
    return {server.name: facts for server, facts in _measured(stack)}


def _measured(stack: Stack) -> list[tuple[Server, dict[str, object]]]:
    servers = stack.servers()
    # A frozen server costs its whole time-out: they are asked side by side.
    with ThreadPoolExecutor(8) as pool:
        states = list(pool.map(lambda server: server.state, servers))
    return [(server, _one(server, state)) for server, state in zip(servers, states, strict=True)]


def _one(server: Server, state: str) -> dict[str, object]:
    return {
        **server.facts,
        "pid": server.process.pid,
        "ports": server.ports,
        "state": state,
        "memory_bytes": server.process.memory,
        "log": str(server.log),
    }


def as_table(stack: Stack) -> str:
    """One line for each server."""
    rows = [("server", "pid", "state", "memory", "address", "log")]
    for server, facts in _measured(stack):
        memory = facts["memory_bytes"]
        shown = f"{memory >> 20} MB" if isinstance(memory, int) else "-"
        rows.append((server.name, str(facts["pid"] or "-"), str(facts["state"]), shown, server.where, str(server.log)))
    if len(rows) == 1:
        return f"The stack {stack.name} has never been started: `python -m deploy.local up --name {stack.name}`."
    widths = [max(len(row[column]) for row in rows) for column in range(6)]
    return "\n".join("  ".join(map(str.ljust, row, widths)).rstrip() for row in rows)

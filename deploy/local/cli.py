"""The command line of the local stack: results on standard output, progress and errors on standard error.

Exit codes: 0 done, 1 error, 2 usage.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence

from deploy.local.artifacts import ensure_all
from deploy.local.errors import LocalStackError
from deploy.local.home import Home, default_home
from deploy.local.java import find_java
from deploy.local.stack import Stack
from deploy.local.status import as_json, as_table

PROGRAM = "python -m deploy.local"
COMMANDS = {
    "up": (
        "Start Kafka and the graph; print the settings that point at them.",
        f"{PROGRAM} up --store both --name dev",
    ),
    "down": ("Stop a stack; its data stays unless --wipe is given.", f"{PROGRAM} down --name dev --wipe"),
    "status": ("Show what runs, where, and with how much memory.", f"{PROGRAM} status --json"),
    "fetch": ("Fetch and verify all jars and find a Java, without starting anything.", f"{PROGRAM} fetch"),
}


def parser() -> argparse.ArgumentParser:
    top = argparse.ArgumentParser(
        prog=PROGRAM,
        description="Real Kafka, JanusGraph and Cassandra on this machine, without Docker.",
        epilog=f"Example: {PROGRAM} up",
    )
    commands = top.add_subparsers(dest="command", required=True, metavar="up | down | status | fetch")
    for name, (about, example) in COMMANDS.items():
        command = commands.add_parser(name, help=about, description=about, epilog=f"Example: {example}")
        if name != "fetch":
            command.add_argument("--name", default="default", help="which stack (default: %(default)s)")
        if name == "up":
            command.add_argument(
                "--store",
                choices=("inmemory", "cassandra", "both"),
                default="inmemory",
                help="what JanusGraph keeps its graph in (default: %(default)s)",
            )
        if name == "down":
            command.add_argument("--wipe", action="store_true", help="delete the data, logs and ports as well")
        if name == "status":
            command.add_argument("--json", action="store_true", help="one line of JSON")
    return top


def run(arguments: argparse.Namespace) -> None:
    if arguments.command == "fetch":
        home = Home(default_home())
        ensure_all(home)
        java = find_java(home)
        print(f"All jars are verified; Java {java.major} is {java.path}.")
        return
    stack = Stack(arguments.name)
    if arguments.command == "up":
        stack.up(arguments.store)
        print(as_table(stack))
        print(f"\n# also in {stack.env_file}")
        print("\n".join(f"{key}={value}" for key, value in stack.environment().items()))
    elif arguments.command == "down":
        stopped = [server.name for server in stack.servers() if server.running]
        stack.down(wipe=arguments.wipe)
        what = f"stopped {', '.join(stopped)}" if stopped else "nothing was running"
        print(f"{stack.name}: {what}{'; its data is deleted' if arguments.wipe else ''}.")
    elif arguments.json:
        print(json.dumps(as_json(stack)))
    else:
        print(as_table(stack))


def main(words: Sequence[str] | None = None) -> int:
    arguments = parser().parse_args(words)
    try:
        run(arguments)
    except LocalStackError as error:
        print(f"Error: {error}", file=sys.stderr)
        return 1
    except OSError as error:
        print(f"Error: {error.strerror or error}{f': {error.filename}' if error.filename else ''}.", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print(f"\nInterrupted. What was started may still run: `{PROGRAM} down` stops it.", file=sys.stderr)
        return 1
    return 0

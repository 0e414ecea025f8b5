"""`lineagegraph explain`: what events mean to us, without a server.

Prints the facts of the given events in the format of `export`, or what the rules make of them.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any

import click
import orjson

from consumer.event_files import FoundEvent, read_events
from lineagegraph.answers import answers
from lineagegraph.canonical import digest, lines
from lineagegraph.facts import Facts
from lineagegraph.naming import Naming
from mappers import Malformed, decode, map_event
from mappers.notes import notes


@click.command()
@click.argument("files", nargs=-1, type=click.Path(allow_dash=True))
@click.option(
    "--answers", "show", flag_value="answers", help="What the rules make of the events: runs, outputs, models."
)
@click.option("--why", "show", flag_value="why", help="Ignored facets, identity decisions and warnings, per event.")
@click.option("--hash", "show", flag_value="hash", help="One hash of all facts, as `export --hash` prints it.")
@click.option("--naming", type=click.Path(exists=True), help="A naming file (TOML).")
@click.option("--json", "as_json", is_flag=True, help="JSON lines also for --why and for malformed events.")
def explain(files: tuple[str, ...], show: str | None, naming: str | None, as_json: bool) -> None:
    """Print the facts of OpenLineage events as JSON lines; no server is needed.

    FILES hold one JSON event, a list of events, or NDJSON; standard input is read without one.

    \b
    Example:
      lineagegraph explain --answers examples/events/*.json
    """
    rules = Naming.load(naming)
    together, total, malformed = Facts(), 0, 0
    for found in read_events(files):
        total += 1
        try:
            event = decode(found.value)
            mapped = map_event(event, rules)
        except Malformed as error:
            malformed += 1
            _say_malformed(found, error, as_json)
            continue
        together.add(mapped.facts)
        if show == "why":
            _print(_why(found, notes(event, mapped, rules), as_json))
    if show == "answers":
        _print(orjson.dumps(answer).decode() for answer in answers(together))
    elif show == "hash":
        click.echo(digest(lines(together)))
    elif show is None:
        _print(sorted(lines(together)))
    if malformed:
        sys.exit(1 if malformed == total else 3)


def _why(found: FoundEvent, rows: list[dict[str, str]], as_json: bool) -> Iterator[str]:
    for row in rows:
        if as_json:
            yield orjson.dumps({"event": found.where, **row}).decode()
        else:
            yield f"{found.where}  {row['kind']:<8} {row['about']}: {row['says']}"


def _say_malformed(found: FoundEvent, error: Malformed, as_json: bool) -> None:
    text = f"{found.where}: malformed ({error.reason}): {error.message}"
    shown: dict[str, Any] = {"event": found.where, "malformed": error.reason, "pointer": error.pointer}
    click.echo(orjson.dumps({**shown, "says": error.message}).decode() if as_json else text, err=True)


def _print(texts: Any) -> None:
    out = sys.stdout
    for text in texts:
        out.write(text + "\n")

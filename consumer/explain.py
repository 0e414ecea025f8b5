"""`lineagegraph explain`: what events mean to us, without a server.

Prints the facts of the given events in the format of `export`, what the rules make of them, or why.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

import click
import orjson

from consumer.event_files import FoundEvent, read_events
from lineagegraph.answers import answers_of
from lineagegraph.canonical import digest, lines
from lineagegraph.corrections import Corrections
from lineagegraph.decisions import decisions
from lineagegraph.facts import Facts
from lineagegraph.naming import Naming
from lineagegraph.view import View
from mappers import Malformed, decode, map_event
from mappers.notes import notes

ALL = "all events"  # where a note stands that needs more than one of them
PARTLY, NONE_GOOD = 3, 1  # exit codes


@dataclass
class Gathered:
    """What the events of some files state together, and which are none."""

    facts: Facts = field(default_factory=Facts)
    events: int = 0
    malformed: list[tuple[str, Malformed]] = field(default_factory=list)
    notes: list[tuple[str, dict[str, str]]] = field(default_factory=list)  # where, and the note

    def add(self, found: FoundEvent, naming: Naming, with_notes: bool) -> None:
        """Take in one event."""
        self.events += 1
        try:
            event = decode(found.value)
            mapped = map_event(event, naming)
        except Malformed as error:
            self.malformed.append((found.where, error))
            return
        self.facts.add(mapped.facts)
        if with_notes:
            self.notes += [(found.where, note) for note in notes(event, mapped, naming)]


def gather(files: Iterable[str], naming: Naming, with_notes: bool = False) -> Gathered:
    """The events of these files (standard input without one). Raises LineageError."""
    gathered = Gathered()
    for found in read_events(files):
        gathered.add(found, naming, with_notes)
    return gathered


@click.command()
@click.argument("files", nargs=-1, type=click.Path(allow_dash=True))
@click.option(
    "--answers", "show", flag_value="answers", help="What the rules make of the events: runs, outputs, models."
)
@click.option(
    "--why", "show", flag_value="why", help="Ignored facets, decisions about identity and warnings, with reasons."
)
@click.option("--hash", "show", flag_value="hash", help="One hash of all facts, as `export --hash` prints it.")
@click.option("--naming", type=click.Path(exists=True), help="A naming file (TOML).")
@click.option(
    "--aliases", type=click.Path(exists=True), help="An alias and ignore file (TOML), for --answers and --why."
)
@click.option("--json", "as_json", is_flag=True, help="JSON lines also for --why, --hash and malformed events.")
def explain(files: tuple[str, ...], show: str | None, naming: str | None, aliases: str | None, as_json: bool) -> None:
    """Print the facts of OpenLineage events as JSON lines; no server is needed.

    FILES hold one JSON event, a list of events, or NDJSON, of events or of captured Kafka records; standard input
    is read without one. Ends with 3 if some of the events are malformed, with 1 if all are.

    \b
    Example:
      lineagegraph explain --answers examples/events/*.json
    """
    if aliases and show not in ("answers", "why"):
        raise click.UsageError("--aliases is for --answers and --why: facts are never corrected.")
    rules, corrections = Naming.load(naming), Corrections.load(aliases)
    gathered = gather(files, rules, with_notes=show == "why")
    for where, error in gathered.malformed:
        click.echo(_malformed(where, error, as_json), err=True)
    _print(_shown(gathered, show, corrections, as_json))
    if gathered.malformed:
        sys.exit(NONE_GOOD if len(gathered.malformed) == gathered.events else PARTLY)


def _shown(gathered: Gathered, show: str | None, corrections: Corrections, as_json: bool) -> Iterable[str]:
    if show == "answers":
        return (orjson.dumps(answer).decode() for answer in answers_of(View(gathered.facts, corrections)))
    if show == "why":
        whole = [(ALL, decision) for decision in decisions(View(gathered.facts, corrections))]
        rows = [*gathered.notes, *whole]
        return (orjson.dumps({"event": at, **note}).decode() for at, note in rows) if as_json else _for_people(rows)
    if show == "hash":
        value = digest(lines(gathered.facts))
        return [orjson.dumps({"hash": value}).decode() if as_json else value]
    return sorted(lines(gathered.facts))


def _for_people(rows: list[tuple[str, dict[str, str]]]) -> Iterator[str]:
    """Equal notes once, with the first place and the number of others, by kind."""
    places: dict[tuple[str, str, str], list[str]] = {}
    for where, note in rows:
        places.setdefault((note["kind"], note["about"], note["says"]), []).append(where)
    kind = None
    for (at, about, says), found in sorted(places.items(), key=lambda item: _KINDS.index(item[0][0])):
        if at != kind:
            yield f"{_TITLES[at]}:"
            kind = at
        more = f" and {len(found) - 1} more" if len(found) > 1 else ""
        yield f"  {about}: {says}  ({found[0]}{more})"


_TITLES = {"warning": "Warnings", "identity": "Identity", "ignored": "Ignored"}
_KINDS = list(_TITLES)


def _malformed(where: str, error: Malformed, as_json: bool) -> str:
    if not as_json:
        return f"{where}: malformed ({error.reason}): {error.message}"
    shown = {"event": where, "malformed": error.reason, "pointer": error.pointer, "says": error.message}
    return orjson.dumps(shown).decode()


def _print(texts: Iterable[str]) -> None:
    out = sys.stdout
    for text in texts:
        out.write(text + "\n")

"""`lineagegraph dlq edit`: change the values of dead letters, and say what a replay of the new ones would bring."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import click

from consumer.dlq.asking import PARTLY, Whose, as_json, filtered, of_somebody, reason, show_json, who
from consumer.dlq.cases import Case
from consumer.dlq.desk import Desk, now_ms
from consumer.dlq.edit import Edit, Edited, edits
from consumer.dlq.filter import Filter
from consumer.dlq.letters import letter
from consumer.dlq.patch import Patch
from consumer.dlq.pen import Posting, open_pen
from consumer.dlq.trial import Outcome, reader_of, trial
from consumer.errors import BadFilter
from consumer.records import Partition, Record

AT_ONCE = 200
_file = click.Path(exists=True, dir_okay=False, allow_dash=True)


@dataclass(frozen=True, slots=True)
class Result:
    """One letter, whether it was edited, and what a replay would bring then."""

    id: str
    why_not: str
    outcome: Outcome | None


@click.command()
@filtered("open")
@click.option("--patch", type=_file, help="A file with a JSON Patch (RFC 6902); - is standard input.")
@click.option("--op", help="The JSON Patch itself.")
@click.option("--value", type=_file, help="A file with the whole new value, for one letter; - is standard input.")
@click.option("--restore", is_flag=True, help="Bring the value back that the producer sent.")
@reason
@click.option("--dry-run", is_flag=True, help="Say what the edited letters would become, and write nothing.")
@as_json
@of_somebody
def edit(
    wanted: Filter,
    patch: str | None,
    op: str | None,
    value: str | None,
    restore: bool,
    reason: str,
    dry_run: bool,
    as_json: bool,
    whose: Whose,
) -> None:
    """Change the values of open letters; the originals stay readable, and who did what and why is written down.

    Says what a replay of the edited letters would bring. Ends with 3 if some could not be edited.

    \b
    Example: lineagegraph dlq edit class=event_type \\
               --op '[{"op": "replace", "path": "/eventType", "value": "COMPLETE"}]'
    """
    if sum((patch is not None, op is not None, value is not None, restore)) != 1:
        raise click.UsageError("Say what to do with exactly one of --patch, --op, --value and --restore.")
    if not wanted.names:
        raise click.UsageError("Say which letters: a name, or a filter such as class=event_type.")
    text = op if patch is None else _read(patch).decode("utf-8", "replace")
    how = Edit(
        who(), now_ms(), reason, Patch.parse(text) if text is not None else None, _read(value) if value else None
    )

    async def work(desk: Desk) -> list[Result]:
        found = [case for case in await desk.cases() if wanted(case)]
        if how.value is not None and len(found) != 1:
            raise BadFilter(f"--value is for one letter; this filter means {len(found)}.")
        return await _edit_all(desk, found, how, dry_run)

    results = whose.at_desk(work)
    _tell(results, dry_run, as_json)
    if any(one.why_not for one in results):
        sys.exit(PARTLY)


def _read(path: str) -> bytes:
    return sys.stdin.buffer.read() if path == "-" else Path(path).read_bytes()


async def _edit_all(desk: Desk, cases: Sequence[Case], how: Edit, dry_run: bool) -> list[Result]:
    results, batch, reader = list[Result](), list[Posting](), reader_of(desk.settings)
    async with open_pen(desk.settings, desk.names) as pen:
        async for one in edits(desk, cases, how):
            outcome = None
            if one.parcel is not None:
                new = _as_letter(desk, one)
                # What killed its reader is not read here; `test` does that in a process of its own.
                if one.case.letter.disposition != "crash":
                    outcome = trial(reader, letter(new), new)
                batch.append(Posting(desk.letters.name, one.parcel))
            results.append(Result(one.case.letter.id, one.why_not, outcome))
            if len(batch) >= AT_ONCE and not dry_run:
                await pen.post(batch)
                batch = []
        if not dry_run:
            await pen.post(batch)
    told = {one.id for one in results}
    why = "it was never edited, or the original is gone" if how.restores else "its letter is gone from Kafka"
    return results + [Result(case.letter.id, why, None) for case in cases if case.letter.id not in told]


def _as_letter(desk: Desk, one: Edited) -> Record:
    """The new letter as it will be read back."""
    parcel = one.parcel
    assert parcel is not None  # noqa: S101  (its callers pass on only what has one)
    place = Partition(desk.letters.name, parcel.partition)
    return Record(place, one.before.offset, now_ms(), parcel.key, parcel.value, parcel.headers)


def _tell(results: Sequence[Result], dry_run: bool, as_json: bool) -> None:
    changed = [one for one in results if not one.why_not]
    well = sum(one.outcome is not None and one.outcome.well for one in changed)
    refused = Counter(one.why_not for one in results if one.why_not)
    if as_json:
        show_json({"edited": len(changed), "well": well, "not_edited": refused, "dry_run": dry_run})
        return
    click.echo(
        f"{len(changed)} letters {'would be' if dry_run else 'are'} edited; {well} of them would be resolved now."
    )
    still = Counter(
        (one.outcome.reason, one.outcome.pointer) for one in changed if one.outcome and not one.outcome.well
    )
    for (why, pointer), count in still.most_common(5):
        click.echo(f"{count} would still fail: {why} {pointer}".rstrip())
    for why, count in refused.most_common(5):
        click.echo(f"{count} not edited: {why}")

"""Commands about replays: status, cancel."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import click

from consumer.dlq.asking import Whose, as_json, of_somebody, show_json, who
from consumer.dlq.desk import Desk, now_ms
from consumer.dlq.ledger import Ledger
from consumer.dlq.pen import open_pen
from consumer.dlq.progress import Progress, progress_of, stage
from consumer.dlq.reporting import as_json as progress_as_json
from consumer.errors import BadFilter


@click.command()
@click.argument("replay_id", metavar="[REPLAY]", required=False)
@as_json
@of_somebody
def status(replay_id: str | None, as_json: bool, whose: Whose) -> None:
    """Show how far replays are, or one of them.

    \b
    Example: lineagegraph dlq status
    """
    ledger = whose.at_desk(lambda desk: desk.ledger())
    notes = sorted(ledger.replays.values(), key=lambda note: note.at)
    if replay_id is not None and not (notes := [note for note in notes if note.replay == replay_id]):
        raise BadFilter(f"There is no replay {replay_id!r} in the ledger.")
    if as_json:
        show_json({"replays": [_status(ledger, note.replay) for note in notes]})
        return
    from consumer.dlq import layout, tables

    if notes:
        layout.console().print(tables.replays(ledger, notes, now_ms()))
    else:
        click.echo("Nothing was ever replayed.")


def _status(ledger: Ledger, name: str) -> dict[str, Any]:
    note = ledger.replays[name]
    told = {"state": stage(ledger, name), "by": note.by, "at": note.at, "filter": note.filter, "options": note.options}
    return progress_as_json(progress_of(ledger, name)) | told


@click.command()
@click.argument("replay_id", metavar="REPLAY")
@click.option("--reason", default="", help="Why; kept in the ledger.")
@as_json
@of_somebody
def cancel(replay_id: str, reason: str, as_json: bool, whose: Whose) -> None:
    """Stop a replay, wherever it is being sent from; what was sent stays sent.

    \b
    Example: lineagegraph dlq cancel 8d1f02ab --reason "wrong filter"
    """

    async def work(desk: Desk) -> Progress:
        ledger = await desk.ledger()
        if (note := ledger.replays.get(replay_id)) is None:
            raise BadFilter(f"There is no replay {replay_id!r} in the ledger.")
        async with open_pen(desk.settings, desk.names) as pen:
            await pen.enter([replace(note, state="cancelled", at=now_ms(), note=f"{who()}: {reason}")])
        return progress_of(ledger, replay_id)

    done = whose.at_desk(work)
    if as_json:
        show_json(progress_as_json(done) | {"state": "cancelled"})
    else:
        click.echo(f"Cancelled: {done.sent} of {done.total} letters were sent, {done.steps['planned']} are open again.")

"""Commands that send dead letters again: replay, resume."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

import click

from consumer.dlq import plan as plans
from consumer.dlq.asking import PARTLY, Whose, as_json, confirm, filtered, of_somebody, show_json, yes
from consumer.dlq.desk import Desk, now_ms
from consumer.dlq.draft import at_most, drafted, summary, to_where
from consumer.dlq.filter import Filter
from consumer.dlq.options import Options
from consumer.dlq.others import not_named, other_groups
from consumer.dlq.plan import Plan, To
from consumer.dlq.planned import from_ledger
from consumer.dlq.progress import Progress
from consumer.dlq.quantities import rate, seconds, share
from consumer.dlq.replay import replay as send_again
from consumer.dlq.reporting import as_json as progress_as_json
from consumer.dlq.reporting import reporting, sentence
from consumer.errors import BadFilter, KafkaAway

Command = TypeVar("Command", bound=Callable[..., Any])


def paced(command: Command) -> Command:
    """The options of how to send; what is not given stays as it was."""
    for option in (
        click.option("--rate", type=rate, help="Records a second.  [default: 200]"),
        click.option("--ramp", type=seconds, help="Seconds until that rate is reached.  [default: 0]"),
        click.option(
            "--canary", type=click.IntRange(min=0), help="First send so many and wait for them.  [default: 0]"
        ),
        click.option("--abort-if-failing", type=share, help="Stop if a larger share fails again.  [default: 50%]"),
        click.option(
            "--wait", type=seconds, help="Silence that ends the waiting for outcomes; 0: none.  [default: 60]"
        ),
        click.option("--take-over", is_flag=True, help="Although another replay seems to go on."),
        as_json,
    ):
        command = option(command)
    return command


@click.command()
@filtered("open")
@click.option(
    "--plan", "file", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="A plan, instead of a filter."
)
@to_where
@click.option("--and-group", "named", multiple=True, help="With --to source: another group that gets the events again.")
@at_most
@click.option("--dry-run", is_flag=True, help="Say what would be sent, and where.")
@paced
@yes
@of_somebody
def replay(
    wanted: Filter,
    file: Path | None,
    to: To,
    named: tuple[str, ...],
    max_attempts: int,
    dry_run: bool,
    yes: bool,
    as_json: bool,
    whose: Whose,
    **how: Any,
) -> None:
    """Send open letters again, to be read by our group alone, and wait for what becomes of them.

    It may be killed at any time: `resume` sends what was not sent. Ends with 3 if any letter was not resolved.

    \b
    Example: lineagegraph dlq replay class=rejected --rate 50/s --canary 10
    """
    if file is not None and wanted.names:
        raise click.UsageError("A plan says already which letters: give a filter or --plan, not both.")
    given = plans.load(file.read_text(encoding="utf-8")) if file else None

    async def work(desk: Desk) -> Progress | Plan:
        made = given or await drafted(desk, wanted, to, max_attempts)
        plans.check(made, desk.names, desk.settings.group, now_ms(), (await desk.ledger()).replays)
        if dry_run or not made.items:
            return made
        if made.to == "source":
            await _ask_about_others(desk, made, named, yes)
        if given is None and not as_json:
            click.echo(summary(made), err=True)
        return await _send(desk, made, _options(Options(), how), how["take_over"], as_json)

    _end(whose.at_desk(work), as_json)


async def _ask_about_others(desk: Desk, made: Plan, named: tuple[str, ...], yes: bool) -> None:
    """Every other group that would get the events again must be known, and somebody must want it."""
    if wrong := not_named(await other_groups(desk), named, desk.names.source):
        raise BadFilter(wrong)
    confirm(f"Send {len(made.items)} events to {desk.names.source!r}, where every group gets them?", yes)


@click.command()
@click.argument("replay_id", metavar="REPLAY")
@paced
@of_somebody
def resume(replay_id: str, as_json: bool, whose: Whose, **how: Any) -> None:
    """Go on with a replay that was killed, cancelled or stopped: what was sent is not sent again.

    \b
    Example: lineagegraph dlq resume 8d1f02ab
    """

    async def work(desk: Desk) -> Progress | Plan:
        ledger = await desk.ledger()
        made = from_ledger(ledger, replay_id, desk.settings.group, desk.names.source, desk.names.letters)
        said = ledger.replays[replay_id].options
        before = Options(**{name: said[name] for name in Options.__slots__ if name in said})
        return await _send(desk, made, _options(before, how), how["take_over"], as_json)

    _end(whose.at_desk(work), as_json)


def _options(before: Options, how: dict[str, Any]) -> Options:
    said = {name: how[name] for name in ("rate", "ramp", "canary", "wait")} | {"abort_share": how["abort_if_failing"]}
    return replace(before, **{name: value for name, value in said.items() if value is not None})


async def _send(desk: Desk, made: Plan, options: Options, take_over: bool, as_json: bool) -> Progress:
    try:
        with reporting(as_json) as report:
            return await send_again(desk, made, options, report, take_over)
    except (asyncio.CancelledError, KafkaAway):
        click.echo(f"Stopped. Go on with: lineagegraph dlq resume {made.replay}", err=True)
        raise


def _end(done: Progress | Plan, as_json: bool) -> None:
    if isinstance(done, Plan):
        told = {"replay": None, "letters": len(done.items), "classes": done.classes, "left": done.left}
        show_json(told) if as_json else click.echo(summary(done) if done.items else "No dead letters to replay.")
        return
    show_json(progress_as_json(done)) if as_json else click.echo(sentence(done))
    if not done.well:
        sys.exit(PARTLY)

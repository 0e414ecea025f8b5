"""Commands that send dead letters again: plan, replay, resume."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

import click

from consumer.dlq import plan as plans
from consumer.dlq.asking import (
    PARTLY,
    as_json,
    at_desk,
    chosen,
    confirm,
    filtered,
    open_and,
    reading,
    show_json,
    who,
    yes,
)
from consumer.dlq.desk import Desk, now_ms
from consumer.dlq.filter import Filter
from consumer.dlq.options import Options
from consumer.dlq.others import not_named, other_groups
from consumer.dlq.plan import Plan, To
from consumer.dlq.planned import from_ledger
from consumer.dlq.progress import Progress
from consumer.dlq.quantities import rate, seconds, share
from consumer.dlq.replay import replay as send_again
from consumer.dlq.reporting import as_json as progress_as_json
from consumer.dlq.reporting import reporting
from consumer.errors import BadFilter, KafkaAway

Command = TypeVar("Command", bound=Callable[..., Any])

_to = click.option(
    "--to",
    type=click.Choice(["retry", "source"]),
    default="retry",
    show_default=True,
    help="The retry topic, which only our group reads, or the source topic, which all its groups read.",
)
_most = click.option(
    "--max-attempts",
    type=click.IntRange(min=0),
    default=5,
    show_default=True,
    help="Leave out letters that failed so often, and park one that fails so often now; 0: no limit.",
)


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
@filtered
@_to
@_most
@click.option(
    "-o", "--output", type=click.Path(dir_okay=False, path_type=Path), help="File; standard output if not given."
)
@click.option("--json", "as_json", is_flag=True, help="A summary as JSON; needs --output.")
@at_desk
def plan(
    terms: tuple[str, ...],
    to: To,
    max_attempts: int,
    output: Path | None,
    as_json: bool,
    topic: str | None,
    letters: str | None,
) -> None:
    """Write down exactly which open letters a replay would send; good for 24 hours.

    \b
    Example: lineagegraph dlq plan class=event_type -o plan.json
    """
    if as_json and output is None:
        raise click.UsageError("--json needs --output: standard output is the plan itself.")
    wanted = chosen(terms, "open")
    made = open_and(topic, letters, lambda desk: _made(desk, wanted, to, max_attempts))
    if output is None:
        click.echo(made.text(), nl=False)
        return
    output.write_text(made.text(), encoding="utf-8")
    if as_json:
        show_json({"replay": made.replay, "letters": len(made.items), "classes": made.classes, "left": made.left})
        return
    click.echo(_summary(made))
    click.echo(f"Send them with: lineagegraph dlq replay --plan {output}")


async def _made(desk: Desk, wanted: Filter, to: To, most_attempts: int) -> Plan:
    with reading() as progress:
        cases = [case for case in await desk.cases(progress) if wanted(case)]
    return plans.make(cases, desk.names, desk.settings.group, wanted.terms, to, most_attempts, who(), now_ms())


def _summary(made: Plan) -> str:
    classes = ", ".join(f"{count} {name}" for name, count in made.classes.items())
    lines = [f"Replay {made.replay}: {len(made.items)} letters ({classes or 'none'}), {made.bytes:,} bytes."]
    lines += [f"Left out: {count} ({why})." for why, count in made.left.items()]
    return "\n".join(lines)


@click.command()
@filtered
@click.option(
    "--plan", "file", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="A plan, instead of a filter."
)
@_to
@click.option("--and-group", "named", multiple=True, help="With --to source: another group that gets the events again.")
@_most
@click.option("--dry-run", is_flag=True, help="Say what would be sent, and where.")
@paced
@yes
@at_desk
def replay(
    terms: tuple[str, ...],
    file: Path | None,
    to: To,
    named: tuple[str, ...],
    max_attempts: int,
    dry_run: bool,
    yes: bool,
    as_json: bool,
    topic: str | None,
    letters: str | None,
    **how: Any,
) -> None:
    """Send open letters again, to be read by our group alone, and wait for what becomes of them.

    It may be killed at any time: `resume` sends what was not sent. Ends with 3 if any letter was not resolved.

    \b
    Example: lineagegraph dlq replay class=rejected --rate 50/s --canary 10
    """
    if file is not None and terms:
        raise click.UsageError("A plan says already which letters: give a filter or --plan, not both.")
    wanted = chosen(terms, "open")
    given = plans.load(file.read_text(encoding="utf-8")) if file else None

    async def work(desk: Desk) -> Progress | Plan:
        made = given or await _made(desk, wanted, to, max_attempts)
        plans.check(made, desk.names, desk.settings.group, now_ms(), (await desk.ledger()).replays)
        if dry_run or not made.items:
            return made
        if made.to == "source" and (wrong := not_named(await other_groups(desk), named, desk.names.source)):
            raise BadFilter(wrong)
        if made.to == "source":
            confirm(f"Send {len(made.items)} events to {desk.names.source!r}, where every group gets them?", yes)
        if given is None and not as_json:
            click.echo(_summary(made), err=True)
        return await _send(desk, made, _options(Options(), how), how["take_over"], as_json)

    _end(open_and(topic, letters, work), as_json)


@click.command()
@click.argument("replay_id", metavar="REPLAY")
@paced
@at_desk
def resume(replay_id: str, as_json: bool, topic: str | None, letters: str | None, **how: Any) -> None:
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

    _end(open_and(topic, letters, work), as_json)


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
        show_json(told) if as_json else click.echo(_summary(done) if done.items else "No dead letters to replay.")
        return
    if as_json:
        show_json(progress_as_json(done))
    else:
        click.echo(_SENTENCES[done.ended or "partly"].format(one=done, steps=done.steps))
    if not done.well:
        sys.exit(PARTLY)


_COUNTS = "{steps[resolved]} of {one.total} resolved, {steps[failed]} failed again, {steps[left]} left out"
_SENTENCES = {
    "resolved": "All {one.total} letters are resolved.",
    "sent": "{one.sent} of {one.total} letters are sent. See: lineagegraph dlq status {one.replay}",
    "partly": _COUNTS + ".",
    "aborted": "Stopped, because too many fail again: "
    + _COUNTS
    + ". Go on with: lineagegraph dlq resume {one.replay}",
    "cancelled": "Cancelled: " + _COUNTS + ". Go on with: lineagegraph dlq resume {one.replay}",
    "silent": (
        "No consumer says what becomes of them: {one.outstanding} wait in the retry topic, " + _COUNTS + ". "
        "Is one running? Then see: lineagegraph dlq status {one.replay}"
    ),
}

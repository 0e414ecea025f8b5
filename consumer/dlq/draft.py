"""`lineagegraph dlq plan`: write down which letters a replay would send; and what `replay` shares with it."""

from __future__ import annotations

from pathlib import Path

import click

from consumer.dlq import plan as plans
from consumer.dlq.asking import Whose, filtered, of_somebody, output, reading, show_json, who
from consumer.dlq.desk import Desk, now_ms
from consumer.dlq.filter import Filter
from consumer.dlq.plan import Plan, To

to_where = click.option(
    "--to",
    type=click.Choice(["retry", "source"]),
    default="retry",
    show_default=True,
    help="The retry topic, which only our group reads, or the source topic, which all its groups read.",
)
at_most = click.option(
    "--max-attempts",
    type=click.IntRange(min=0),
    default=5,
    show_default=True,
    help="Leave out letters that failed so often, and park one that fails so often now; 0: no limit.",
)


@click.command()
@filtered("open")
@to_where
@at_most
@output
@click.option("--json", "as_json", is_flag=True, help="A summary as JSON; needs --output.")
@of_somebody
def plan(wanted: Filter, to: To, max_attempts: int, output: Path | None, as_json: bool, whose: Whose) -> None:
    """Write down exactly which open letters a replay would send; good for 24 hours.

    \b
    Example: lineagegraph dlq plan class=event_type -o plan.json
    """
    if as_json and output is None:
        raise click.UsageError("--json needs --output: standard output is the plan itself.")
    made = whose.at_desk(lambda desk: drafted(desk, wanted, to, max_attempts))
    if output is None:
        click.echo(made.text(), nl=False)
        return
    output.write_text(made.text(), encoding="utf-8")
    if as_json:
        show_json({"replay": made.replay, "letters": len(made.items), "classes": made.classes, "left": made.left})
        return
    click.echo(summary(made))
    click.echo(f"Send them with: lineagegraph dlq replay --plan {output}")


async def drafted(desk: Desk, wanted: Filter, to: To, most_attempts: int) -> Plan:
    """The plan of a replay of these letters."""
    with reading() as progress:
        cases = [case for case in await desk.cases(progress) if wanted(case)]
    return plans.make(cases, desk.names, desk.settings.group, wanted.terms, to, most_attempts, who(), now_ms())


def summary(made: Plan) -> str:
    """What would be sent, and what not."""
    classes = ", ".join(f"{count} {name}" for name, count in made.classes.items())
    lines = [f"Replay {made.replay}: {len(made.items)} letters ({classes or 'none'}), {made.bytes:,} bytes."]
    lines += [f"Left out: {count} ({why})." for why, count in made.left.items()]
    return "\n".join(lines)

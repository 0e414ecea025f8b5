"""`lineagegraph dlq`: the names of its commands; code is imported only when its command runs."""

from __future__ import annotations

from importlib import import_module

import click

COMMANDS = {
    "stats": "consumer.dlq.count",
    **dict.fromkeys(("ls", "show", "peek"), "consumer.dlq.look"),
    **dict.fromkeys(("tail", "export"), "consumer.dlq.stream"),
    "plan": "consumer.dlq.draft",
    **dict.fromkeys(("replay", "resume"), "consumer.dlq.send"),
    **dict.fromkeys(("status", "cancel"), "consumer.dlq.replays"),
    "edit": "consumer.dlq.mend",
    **dict.fromkeys(("park", "unpark", "discard", "purge"), "consumer.dlq.decide"),
    "test": "consumer.dlq.predict",
}
_ORDER = (
    *("stats", "ls", "show", "peek", "tail", "export", "test", "plan", "replay", "resume", "status", "cancel"),
    *("edit", "park", "unpark", "discard", "purge"),
)


class Group(click.Group):
    """Commands in the order in which one uses them, with the filter language below."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Every name there is."""
        return list(_ORDER)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command of that name; None if there is none."""
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = getattr(import_module(COMMANDS[cmd_name]), cmd_name)
        return command

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The fields of the filter language."""
        from consumer.dlq.fields import FIELDS

        with formatter.section("Filter fields"):
            formatter.write_dl([(name, f"{row.meaning}: {row.example}") for name, row in FIELDS.items()])


@click.group(cls=Group)
def dlq() -> None:
    """Work with dead letters: look, test, mend, replay, and know what became of each.

    A FILTER is terms that must all hold: class=json_syntax,encoding 'job~^daily' 'attempts>=2' since=2h
    offset=100..200, or the name of a letter. `since` and `until` are about the last failure. Commands that change
    something mean open letters unless the filter says otherwise (state=parked).

    Exit codes: 0 done, 1 error, 2 usage, 3 partly.

    \b
    Example: lineagegraph dlq stats
    """

"""The command line, assembled from all packages: names here, code imported only when its command runs.

Exit codes: 0 done, 1 an error that the user can mend, 2 wrong usage, 3 partly done, 70 a bug, 130 interrupted.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib import import_module
from typing import TYPE_CHECKING

import click

from consumer import program_version
from lineagegraph.errors import LineageError

if TYPE_CHECKING:
    from lineagegraph.settings import GraphSettings

BUG = 70

# The consumer's own commands; those of the graph name themselves in lineagegraph.commands.COMMANDS.
COMMANDS = {
    "backup": "consumer.backup_commands:backup",
    "check": "consumer.check:check",
    "config": "consumer.commands:config",
    "consume": "consumer.commands:consume",
    "dlq": "consumer.dlq.commands:dlq",
    "explain": "consumer.explain:explain",
    "publish": "consumer.commands:publish",
    "rebuild": "consumer.rebuild:rebuild",
    "restore": "consumer.backup_commands:restore",
    "resume": "consumer.resume:resume",
    "serve": "consumer.serve:serve",
    "token": "consumer.serve:token",
}


class LazyGroup(click.Group):
    """Imports a command when it is called or shown, so that a light one does not wait for the heavy ones."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Every name there is."""
        return sorted({*COMMANDS, *_of_the_graph()})

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command of that name; None if there is none."""
        if place := COMMANDS.get(cmd_name):
            module, _, attribute = place.partition(":")
            command: click.Command = getattr(import_module(module), attribute)
            return command
        return _of_the_graph().get(cmd_name)


def _of_the_graph() -> dict[str, click.Command]:
    from lineagegraph.commands import COMMANDS as commands
    from lineagegraph.upkeep import COMMANDS as upkeep

    return {str(command.name): command for command in (*commands, *upkeep)}


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(program_version(), prog_name="lineagegraph", message="%(prog)s %(version)s")
@click.pass_context
def cli(context: click.Context) -> None:
    """OpenLineage events from Kafka into JanusGraph, and answers from there.

    Settings are LINEAGE_… variables: see `lineagegraph config`.
    """
    context.obj = _graph_settings


def _graph_settings() -> GraphSettings:
    from consumer.settings import load

    return load().graph()


def main(arguments: Sequence[str] | None = None) -> None:
    """Run a command and end the process with its exit code."""
    try:
        cli.main(args=arguments, prog_name="lineagegraph", standalone_mode=False)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except click.exceptions.Exit as ended:
        sys.exit(ended.exit_code)
    except (click.Abort, KeyboardInterrupt):
        sys.exit(130)
    except LineageError as error:
        click.echo(f"Error: {error}", err=True)
        sys.exit(1)
    except BrokenPipeError:
        sys.stderr.close()  # the reader of our output has gone; there is nobody to tell
        sys.exit(0)
    except Exception:
        import traceback

        traceback.print_exc()
        click.echo("This is a bug in lineagegraph. What was not committed will be read again.", err=True)
        sys.exit(BUG)

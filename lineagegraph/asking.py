"""What the commands that ask share: their options, a reader, and how answers are printed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from lineagegraph.facts import Vertex
    from lineagegraph.reader import Reader
    from lineagegraph.settings import GraphSettings
    from lineagegraph.sketches import Sketch

Command = TypeVar("Command", bound=Callable[..., Any])

dataset = click.argument("dataset")
namespace = click.option("--namespace", help="The namespace; the name is then the whole name.")
depth = click.option("--depth", type=click.IntRange(1, 100), default=5, show_default=True, help="How many steps.")
first = click.option("--first", type=click.IntRange(1, 1000), default=50, show_default=True, help="Rows of a page.")
after = click.option("--after", help="Where the page before ended: its `after`.")
layer = click.option("--layer", help="Only datasets of this layer.")
kind = click.option(
    "--type",
    "label",
    type=click.Choice(["Dataset", "Pipeline", "Model", "Feature"], case_sensitive=False),
    default="Dataset",
    show_default=True,
    help="What the name is a name of.",
)
all_time = click.option("--all-time", is_flag=True, help="Also what was so once and is no longer.")
as_of = click.option("--as-of", type=click.DateTime(), help="As it was at that moment (UTC).")


def drawable(command: Command) -> Command:
    """A command whose answer can be drawn: `form` is dot, mermaid or None."""
    command = click.option("--mermaid", "form", flag_value="mermaid", help="A drawing for Mermaid.")(command)
    return click.option("--dot", "form", flag_value="dot", help="A drawing for Graphviz.")(command)


def drawn(form: str | None, as_json: bool, sketch: Callable[[], Sketch]) -> bool:
    """Whether a drawing was asked for; it is printed then."""
    if form is None or as_json:
        return False
    made = sketch()
    click.echo(made.as_dot() if form == "dot" else made.as_mermaid())
    return True


def question(command: Command) -> Command:
    """A command that asks the graph: given its settings first, with --aliases and --json."""

    @click.option(
        "--aliases",
        type=click.Path(exists=True, dir_okay=False, path_type=Path),
        help="An alias and ignore file (TOML), instead of LINEAGE_ALIASES_FILE.",
    )
    @click.option("--json", "as_json", is_flag=True, help="One JSON object instead of text for people.")
    @wraps(command)
    def told(aliases: Path | None, **options: Any) -> Any:
        settings: GraphSettings = click.get_current_context().obj()
        if aliases is not None:
            settings = replace(settings, aliases_file=aliases)
        return command(settings, **options)

    return told  # type: ignore[return-value]  # wraps gives it the shape of the command


@contextmanager
def reading(settings: GraphSettings) -> Iterator[Reader]:
    """A reader for one question. Raises LineageError if the alias file cannot be used."""
    from lineagegraph.gremlin import Connections
    from lineagegraph.reader import Reader

    corrections = settings.corrections()
    with closing(Connections(settings)) as connections:
        yield Reader(connections.ask, corrections=corrections)


def find(reader: Reader, name: str, namespace: str | None) -> Vertex:
    """The dataset of that name. Raises NotFound, Ambiguous."""
    from lineagegraph.lineage import find_dataset

    return find_dataset(reader, name, namespace)


def called(reader: Reader, thing: Vertex) -> str:
    """What people call it."""
    from lineagegraph.drawing import called

    return called(reader.view, thing)


def moment(millis: int | None) -> str:
    """A time in UTC, to the second."""
    return "" if millis is None else datetime.fromtimestamp(millis / 1000, UTC).strftime("%Y-%m-%d %H:%M:%S")


def text(answer: Any) -> str:
    """One JSON document."""
    import json

    return json.dumps(answer, ensure_ascii=False)


def show(answer: Any, head: Sequence[str], rows: Iterable[Sequence[str]], as_json: bool) -> None:
    """The answer as a table, or as JSON; and what it lacks."""
    from lineagegraph.shown import shown

    if as_json:
        click.echo(text(shown(answer)))
        return
    texts = [list(head), *([str(cell) for cell in row] for row in rows)]
    widths = [max(len(row[at]) for row in texts) for at in range(len(head))]
    for row in texts if len(texts) > 1 else [["Nothing."] + [""] * (len(head) - 1)]:
        click.echo("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())
    if getattr(answer, "after", None):
        click.echo("There are more: go on with --after and the `after` of --json.")
    elif getattr(answer, "cut", None):
        click.echo("Limits cut this answer short: ask for less --depth, or from something nearer to what you look for.")

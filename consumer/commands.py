"""The consumer's commands: read the options, call one thing, print."""

from __future__ import annotations

import asyncio
import gc
import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

from consumer import environment
from consumer.settings import Settings, load

if TYPE_CHECKING:
    from consumer.run import OpenableStore


@click.command()
@click.option("--topic", "topics", multiple=True, help="Topic to read (again for several), instead of LINEAGE_TOPICS.")
@click.option("--group", help="Consumer group, instead of LINEAGE_GROUP.")
@click.option("--until-end", is_flag=True, help="Stop when everything that is there now is committed.")
@click.option("--replay-from-earliest", is_flag=True, help="First set the group's offsets back to the earliest.")
@click.option("--wait", is_flag=True, help="Wait for Kafka, the topics and the graph instead of giving up.")
@click.option("--json", "as_json", is_flag=True, help="End with the counts as one line of JSON.")
def consume(
    topics: tuple[str, ...], group: str | None, until_end: bool, replay_from_earliest: bool, wait: bool, as_json: bool
) -> None:
    """Write the events of Kafka topics into the graph, until stopped.

    \b
    Example: lineagegraph consume --topic openlineage.events --until-end
    """
    from consumer import logs, tracing
    from consumer.run import How, cause
    from consumer.run import consume as run

    settings = load(topics=topics or None, group=group)
    # Mapping makes many short-lived objects and no cycles: collected at the default rate they cost a sixth of the time.
    gc.freeze()
    gc.set_threshold(50_000, 50, 50)
    how = How(until_end, replay_from_earliest, wait)
    with _progress(until_end and sys.stderr.isatty()) as progress:
        logs.configure("ERROR" if progress else settings.log_level)
        tracing.configure("lineagegraph-consumer")
        try:
            counts = asyncio.run(run(settings, how, _store(settings), progress))
        except BaseExceptionGroup as group_of_errors:
            raise cause(group_of_errors) from group_of_errors
    if as_json:
        click.echo(json.dumps(counts))
    elif until_end:
        letters = f" ({settings.dead_letters_of(settings.topics[0])})" if counts["dead"] else ""
        click.echo(
            f"{counts['received']} records read: {counts['written']} written, "
            f"{counts['dead']} dead letters{letters}, {counts['skipped']} skipped."
        )


def _store(settings: Settings) -> OpenableStore:
    from lineagegraph.store import GraphStore

    return GraphStore(settings.graph())


@contextmanager
def _progress(shown: bool) -> Iterator[Callable[[int, int], None] | None]:
    if not shown:
        yield None
        return
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("consuming", total=None)

        def show(done: int, total: int) -> None:
            bar.update(task, completed=done, total=total)

        yield show


@click.command()
@click.option("--json", "as_json", is_flag=True, help="As one JSON object, by variable.")
def config(as_json: bool) -> None:
    """Print every setting without secrets, with where it comes from.

    \b
    Example: LINEAGE_GROUP=test lineagegraph config
    """
    settings = load()
    shown = settings.redacted()
    for line in environment.unknown(Settings):
        click.echo(f"Warning: {line}", err=True)
    if as_json:
        click.echo(json.dumps(shown, indent=2))
        return
    for name, field in Settings.model_fields.items():
        variable = environment.variable(name)
        value = shown[variable]
        text = ",".join(value) if isinstance(value, list) else "" if value is None else str(value)
        click.echo(f"{variable}={text}\n    {field.description} ({environment.origin(Settings, name)})")


@click.command()
@click.argument("files", nargs=-1, required=True, type=click.Path(allow_dash=True))
@click.option("--topic", help="Topic to send to; the first of LINEAGE_TOPICS if not given.")
@click.option("--create-topic", type=click.IntRange(min=1), metavar="PARTITIONS", help="Create the topic if missing.")
@click.option("--json", "as_json", is_flag=True, help="End with the counts as one line of JSON.")
def publish(files: tuple[str, ...], topic: str | None, create_topic: int | None, as_json: bool) -> None:
    """Send the OpenLineage events of files to Kafka: JSON, lists, NDJSON, captured records.

    \b
    Example: lineagegraph publish examples/*.json --topic openlineage.events --create-topic 3
    """
    from consumer import logs
    from consumer.publish import publish as run

    settings = load()
    logs.configure("CRITICAL")  # what fails is told in one sentence
    with _progress(sys.stderr.isatty()) as progress:
        counts = asyncio.run(run(settings, topic or settings.topics[0], files, create_topic, progress))
    if as_json:
        click.echo(json.dumps(counts))
    else:
        click.echo(f"{counts['sent']} records of {counts['files']} files sent to {topic or settings.topics[0]}.")

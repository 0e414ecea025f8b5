"""`lineagegraph resume`: let a partition go on that the brake has halted."""

from __future__ import annotations

import asyncio
import json

import aiohttp
import click

from consumer import connection
from consumer.errors import KafkaUnusable
from consumer.notes import parse
from consumer.offsets import committed, release
from consumer.records import Partition
from consumer.settings import Settings, load

_SENTENCES = {
    "resumed": "%s goes on.",
    "released": "%s goes on when the group consumes again.",
    "not_halted": "%s is not halted.",
}


@click.command()
@click.argument("partition", metavar="TOPIC-NUMBER")
@click.option("--url", help="Where the consumer that has it listens; LINEAGE_HTTP_HOST and _PORT if not given.")
@click.option("--json", "as_json", is_flag=True, help="As one JSON object.")
def resume(partition: str, url: str | None, as_json: bool) -> None:
    """Let a halted partition go on: dead letters pass up to its next valid event, from where the brake counts anew.

    Asks the consumer that holds it; where none answers, the group must be stopped, and its next start goes on.

    \b
    Example: lineagegraph resume openlineage.events-3 --url http://consumer-0:8080
    """
    from consumer import logs

    settings = load()
    logs.configure("CRITICAL")
    topic, _, number = partition.rpartition("-")
    if not topic or not (number.isascii() and number.isdigit()):
        raise click.UsageError(f"{partition!r} is not TOPIC-NUMBER, such as {settings.topics[0]}-0.")
    asked = url or f"http://{settings.http_host}:{settings.http_port}"
    outcome = asyncio.run(_resume(settings, Partition(topic, int(number)), asked, url is not None))
    click.echo(json.dumps({"partition": partition, "outcome": outcome}) if as_json else _SENTENCES[outcome] % partition)


async def _resume(settings: Settings, partition: Partition, url: str, must_answer: bool) -> str:
    try:
        async with (
            aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=5)) as session,
            session.post(f"{url.rstrip('/')}/partitions/{partition}/resume") as answer,
        ):
            if answer.status == 202:
                return "resumed"
            if must_answer or answer.status != 404:
                raise KafkaUnusable(f"The consumer at {url} does not hold {partition} halted.")
    except (aiohttp.ClientError, TimeoutError, OSError):
        if must_answer:
            raise KafkaUnusable(f"No consumer answers at {url}.") from None
    return await _at_rest(settings, partition)


async def _at_rest(settings: Settings, partition: Partition) -> str:
    async with connection.admin(settings) as client:
        known = await committed(client, settings.group, [partition], connection.PATIENCE)
    offset, metadata = known.get(partition, (0, ""))
    if parse(metadata).brake != "halted":
        return "not_halted"
    try:
        await release(settings, partition, offset, metadata)
    except KafkaUnusable as error:
        raise KafkaUnusable(f"{error} Or name the consumer that has {partition}: --url http://HOST:8080.") from None
    return "released"

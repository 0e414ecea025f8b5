"""One run of the consumer, from opening the graph to leaving the group; what opens here closes here."""

from __future__ import annotations

import asyncio
import os
import re
import signal
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack, contextmanager, suppress
from dataclasses import dataclass
from typing import Protocol, TypeVar

import structlog
from aiokafka.admin import AIOKafkaAdminClient

from consumer import connection, program_version
from consumer.batch import Reader
from consumer.burial import KafkaBurial
from consumer.delivery import Burial, Delivery
from consumer.errors import KafkaUnusable
from consumer.graph import Graph, Store, Timing, backoff
from consumer.health import Health, serve
from consumer.metrics import Metrics
from consumer.offsets import check_graph, committed, replay_from_earliest
from consumer.own_topics import ready_for_replays
from consumer.records import Partition
from consumer.settings import Settings
from consumer.source import Source
from consumer.watch import Progress, halted, sample, until
from consumer.worker import Worker
from lineagegraph.errors import GraphUnavailable, LineageError
from lineagegraph.naming import Naming

log = structlog.get_logger(__name__)

PATIENCE = 15.0  # seconds that the graph may take to answer at start-up
BUG = 70  # exit code

T = TypeVar("T")


class OpenableStore(Store, Protocol):
    """A store that is not open yet; `open` gives the graph's id."""

    def open(self, naming_hash: str) -> str: ...
    def close(self) -> None: ...


@dataclass(frozen=True, slots=True)
class How:
    """What the user asked for besides the settings."""

    until_end: bool = False
    replay_from_earliest: bool = False
    wait: bool = False
    apart: Burial | None = None  # takes the dead letters of a run that has no topics of its own


async def consume(
    settings: Settings, how: How, store: OpenableStore, progress: Progress | None = None
) -> dict[str, int]:
    """Consume until told to stop, or until what is there now is committed; the counts of records."""
    _prepare_loop(settings)
    metrics = Metrics(program_version())
    health = Health(metrics)
    stopping = asyncio.Event()
    async with AsyncExitStack() as stack:
        stack.enter_context(_signals(stopping))
        if not how.until_end:
            port = await stack.enter_async_context(serve(settings, health))
            log.info("listening", host=settings.http_host, port=port)
        naming = Naming.load(settings.naming_file)
        stack.push_async_callback(asyncio.to_thread, store.close)
        graph_id = await _patiently(lambda: _open(store, naming.hash), how.wait, stopping)
        client = await _patiently(lambda: stack.enter_async_context(connection.admin(settings)), how.wait, stopping)
        partitions = await _patiently(
            lambda: partitions_to_read(settings, client, how.apart is None), how.wait, stopping
        )
        if how.replay_from_earliest:
            await replay_from_earliest(settings, graph_id, partitions)
        await _patiently(lambda: _check_offsets(settings, client, partitions, graph_id), how.wait, stopping)
        burial = how.apart or await _burial(settings, client, stack, partitions)

        retries = sorted({partition.topic for partition in partitions if settings.is_retry(partition.topic)})
        source = Source(settings, client, graph_id, metrics, retries)
        worker = _worker(settings, naming, store, graph_id, source, burial, metrics)
        worker.stopping = stopping
        health.worker = worker
        stack.push_async_callback(source.stop)
        await source.start()
        beside = [sample(source, worker)]
        if how.until_end:
            begins, ends = await source.begins(partitions), await source.ends(partitions)
            beside.append(until(begins, ends, settings.group, client, worker, progress))
        await _run(worker, beside)
        if how.until_end and worker.lease is not None and worker.lease.halted:
            raise halted(worker.lease.halted)
    return worker.accounts.all()


def _prepare_loop(settings: Settings) -> None:
    loop = asyncio.get_running_loop()
    if type(loop).__module__.partition(".")[0] == "uvloop":
        # It tells of a closed connection by another exception than aiokafka waits for, whose tasks then die.
        raise RuntimeError("aiokafka does not work reliably on uvloop; run the consumer on asyncio's own loop")
    pool = ThreadPoolExecutor(settings.batches_in_flight + 8, thread_name_prefix="consumer")
    loop.set_default_executor(pool)


async def _run(worker: Worker, beside: Iterable[Coroutine[None, None, None]]) -> None:
    """The worker to its end, and these beside it until then."""
    async with asyncio.TaskGroup() as tasks:
        running = [tasks.create_task(one) for one in beside]
        await worker.run()
        for task in running:
            task.cancel()


def _worker(
    settings: Settings,
    naming: Naming,
    store: OpenableStore,
    graph_id: str,
    source: Source,
    burial: Burial,
    metrics: Metrics,
) -> Worker:
    graph = Graph(store, graph_id, Timing(settings.graph_sync_seconds, settings.graph_restart_seconds), metrics)
    reader = Reader(naming, settings.max_event_bytes, settings.on_tombstone)
    worker = Worker(settings, source, graph, Delivery(reader, graph, burial, metrics), metrics)
    source.on_revoke(worker.revoke)
    return worker


async def _burial(
    settings: Settings, client: AIOKafkaAdminClient, stack: AsyncExitStack, partitions: list[Partition]
) -> Burial:
    burial = KafkaBurial(settings, client, program_version())
    stack.push_async_callback(burial.close)
    await burial.prepare({settings.source_of(partition.topic) for partition in partitions})
    return burial


async def _open(store: OpenableStore, naming_hash: str) -> str:
    try:
        async with asyncio.timeout(PATIENCE):
            return await asyncio.to_thread(store.open, naming_hash)
    except TimeoutError:
        raise GraphUnavailable(
            f"The graph did not answer within {PATIENCE:g} seconds. Start it, or set LINEAGE_GRAPH_URLS."
        ) from None


async def _patiently(attempt: Callable[[], Awaitable[T]], wait: bool, stopping: asyncio.Event) -> T:
    """The result of the attempt; with `wait`, tried again for as long as what is missing is not there."""
    count = 0
    while True:
        try:
            return await attempt()
        except (KafkaUnusable, GraphUnavailable) as error:
            if not wait or stopping.is_set():
                raise
            log.warning("waiting", error=str(error))
            with suppress(TimeoutError):
                await asyncio.wait_for(stopping.wait(), backoff(count, most=10))
            count += 1


async def partitions_to_read(settings: Settings, client: AIOKafkaAdminClient, replays: bool = True) -> list[Partition]:
    """The partitions of the topics to read, and of their retry topics. Raises KafkaUnusable if a topic is missing."""
    standing = await connection.topics(client)
    if settings.topic_pattern:
        wanted = re.compile(connection.wanted_topics(settings))
        names = sorted({settings.source_of(name) for name in standing if wanted.match(name)} & standing.keys())
        if not names:
            raise KafkaUnusable(
                f"No topic matches {settings.topic_pattern!r}. Create one, or set LINEAGE_TOPIC_PATTERN."
            )
    else:
        names = list(settings.topics)
    if missing := [name for name in names if name not in standing]:
        raise KafkaUnusable(
            f"Kafka has no topic {', '.join(map(repr, missing))}, or we may not see it. Create it (for example with "
            f"`lineagegraph publish --topic {missing[0]} --create-topic 12`), or set LINEAGE_TOPICS."
        )
    read = {name: standing[name] for name in names}
    if replays:
        read |= await ready_for_replays(client, settings, standing, names)
    return [Partition(name, number) for name, topic in read.items() for number in range(topic.partitions)]


async def _check_offsets(
    settings: Settings, client: AIOKafkaAdminClient, partitions: list[Partition], graph_id: str
) -> None:
    known = await committed(client, settings.group, partitions, connection.PATIENCE)
    for partition, (_, metadata) in known.items():
        check_graph(partition, metadata, graph_id, settings.group)


@contextmanager
def _signals(stopping: asyncio.Event) -> Iterator[None]:
    """The first SIGTERM or SIGINT stops in order; a second one at once."""
    loop = asyncio.get_running_loop()

    def stop() -> None:
        if stopping.is_set():
            os._exit(BUG)
        log.info("stopping")
        stopping.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop)
    try:
        yield
    finally:
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.remove_signal_handler(number)


def cause(error: BaseException) -> BaseException:
    """The one exception of a group that counts: a bug before what the user can mend."""
    if not isinstance(error, BaseExceptionGroup):
        return error
    leaves = [cause(one) for one in error.exceptions]
    return next((leaf for leaf in leaves if not isinstance(leaf, LineageError)), leaves[0])

"""`lineagegraph serve`: GraphQL, and OpenLineage events over HTTP, in one process beside the consumers."""

from __future__ import annotations

import gc
import ipaddress
import json
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import replace
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from consumer.errors import BadSettings

if TYPE_CHECKING:
    from starlette.applications import Starlette

    from consumer.settings import Settings
    from consumer.tracing import TracedRequests
    from lineagegraph.api.app import Serving


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", default=8000, show_default=True, type=click.IntRange(0, 65535), help="Port to listen on.")
@click.option(
    "--tokens", "token_file", type=click.Path(path_type=Path), help="Token file; without it only loopback is served."
)
@click.option("--origin", "origins", multiple=True, help="Origin that browsers may ask from (again for several).")
@click.option(
    "--ingest/--no-ingest",
    default=True,
    help="Whether to speak to Kafka: send it OpenLineage events, count dead letters.",
)
@click.option("--seconds", default=10.0, show_default=True, type=click.FloatRange(0.1, 300), help="For one request.")
@click.option("--json", "as_json", is_flag=True, help="Say where it listens, and whether access is on, as JSON.")
def serve(
    host: str, port: int, token_file: Path | None, origins: tuple[str, ...], ingest: bool, seconds: float, as_json: bool
) -> None:
    """Answer GraphQL at /graphql, and take OpenLineage events at /api/v1/lineage.

    \b
    Example: lineagegraph serve --tokens tokens.toml --host 0.0.0.0
    """
    from consumer import tracing
    from consumer.settings import load
    from lineagegraph.api.app import Serving
    from lineagegraph.tokens import Tokens

    if token_file is None and not _is_loopback(host):
        raise BadSettings(
            f"Without tokens everybody could read and write at {host}. Give --tokens FILE (`lineagegraph token new` "
            "makes a line of it), or listen on 127.0.0.1."
        )
    tracing.configure("lineagegraph-api")
    tokens = Tokens(token_file) if token_file else None
    with _opened(load(), Serving(tokens, origins), ingest, seconds) as app:
        url = f"http://{f'[{host}]' if ':' in host else host}:{port}/graphql"
        if as_json:
            click.echo(json.dumps({"graphql": url, "access": tokens is not None, "ingest": ingest}))
        if tokens is None:
            click.echo("Access is off: everybody on this machine may read and write.", err=True)
        click.echo(f"GraphQL at {url}", err=True)
        _listen(tracing.TracedRequests(app), host, port)


def _listen(app: TracedRequests, host: str, port: int) -> None:
    import uvicorn

    from consumer.patient import PatientProtocol

    gc.collect()
    gc.freeze()  # what was imported stays: each answer makes thousands of objects, and every round would look at it all
    uvicorn.run(
        app,
        host=host,
        port=port,
        http=PatientProtocol,
        loop="asyncio",  # aiokafka does not work reliably on uvloop
        log_level="warning",
        access_log=False,
        server_header=False,
        limit_concurrency=200,
        timeout_keep_alive=30,
    )


@contextmanager
def _opened(settings: Settings, serving: Serving, with_kafka: bool, seconds: float) -> Iterator[Starlette]:
    """The application, in front of the graph and, unless that is left out, of Kafka."""
    from consumer import program_version
    from consumer.dlq.counting import Counting
    from consumer.ingest import Ingest
    from consumer.measured import NAMES, MeasuredConnections, route
    from consumer.metrics import Metrics
    from consumer.tracing import ContextThreads
    from lineagegraph.api.app import application
    from lineagegraph.api.catalogue import Catalogue
    from lineagegraph.api.question import Backend
    from lineagegraph.inventory import NAMED
    from lineagegraph.scan import scan
    from lineagegraph.store import GraphStore

    graph = settings.graph()
    naming = graph.naming()
    metrics = Metrics(program_version(), NAMES)
    with ExitStack() as stack:
        store = stack.enter_context(closing(GraphStore(graph)))
        store.open(naming.hash)
        connections = stack.enter_context(closing(MeasuredConnections(graph, metrics)))
        threads = stack.enter_context(ContextThreads(2 * graph.connections, thread_name_prefix="question"))
        catalogue = stack.enter_context(closing(Catalogue(lambda: scan(graph, NAMED))))
        backend = Backend(connections, store, naming, threads, seconds, graph.corrections(), names=catalogue.names)
        if not with_kafka:
            yield application(backend, serving, (route(metrics),))
            return
        taking = Ingest(settings, settings.topics[0], naming, serving.tokens)
        counting = Counting(settings)
        routes = (route(metrics), *taking.routes())
        yield application(replace(backend, letters=counting), serving, routes, (taking.open, counting.open))


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


@click.group()
def token() -> None:
    """Tokens for `lineagegraph serve`."""


@token.command("new")
@click.argument("name")
@click.option("--scope", "scopes", multiple=True, type=click.Choice(["read", "write"]), default=("read",))
@click.option(
    "--namespace", "namespaces", multiple=True, help="Namespace that it may see (again for several); * is any text."
)
@click.option("--expires", type=click.DateTime(["%Y-%m-%d"]), help="The last day on which it is valid.")
@click.option("--json", "as_json", is_flag=True, help="Token, hash and the lines for the file as one JSON object.")
def token_new(
    name: str, scopes: tuple[str, ...], namespaces: tuple[str, ...], expires: datetime | None, as_json: bool
) -> None:
    """Make a token: it is shown once, on standard error; its lines for the token file go to standard output.

    \b
    Example: lineagegraph token new grafana --namespace 's3://lake*' >> tokens.toml
    """
    from lineagegraph.tokens import as_toml, digest_of, new_token

    made = new_token()
    last: date | None = expires.date() if expires else None
    lines = as_toml(made, name, scopes, namespaces, last)
    if as_json:
        click.echo(json.dumps({"name": name, "token": made, "sha256": digest_of(made), "lines": lines}))
        return
    click.echo(lines + "\n")
    click.echo(f"The token of {name}, shown only now: {made}", err=True)

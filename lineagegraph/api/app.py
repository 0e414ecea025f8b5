"""The application: GraphQL over POST, GraphiQL for people, probes. Access, CORS and limits hold for all of it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import orjson
from graphql import GraphQLError
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import BaseRoute, Route
from strawberry.http.ides import get_graphql_ide_html

from lineagegraph.api.access import Refused, answer, body_of, code_of, grant_of, problem
from lineagegraph.api.limits import QueryLimits, check
from lineagegraph.api.question import Asking, Backend
from lineagegraph.api.schema import SCHEMA
from lineagegraph.errors import LineageError
from lineagegraph.tokens import Tokens

LOOPBACK = ("127.0.0.1", "localhost", "::1", "[::1]")
log = logging.getLogger(__name__)

Open = Callable[[], AbstractAsyncContextManager[object]]


@dataclass(frozen=True)
class Serving:
    """How the API is served. Without tokens everybody may do everything: only on loopback."""

    tokens: Tokens | None = None
    origins: tuple[str, ...] = ()  # that browsers may ask from
    most_bytes: int = 256 * 1024  # of a GraphQL request
    at_once: int = 16  # requests that are worked on; others wait
    limits: QueryLimits = field(default_factory=QueryLimits)


def application(
    backend: Backend, serving: Serving, more: Sequence[BaseRoute] = (), opened: Sequence[Open] = ()
) -> Starlette:
    """The API; `more` are routes of others, `opened` what has to be open while it runs."""
    turns = asyncio.Semaphore(serving.at_once)

    async def graphql(request: Request) -> Response:
        if request.method == "GET":
            return HTMLResponse(get_graphql_ide_html("graphiql"))
        async with turns:
            return await _graphql(request, backend, serving)

    async def livez(_: Request) -> Response:
        return Response("ok\n", media_type="text/plain")

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        async with AsyncExitStack() as stack:
            for one in opened:
                await stack.enter_async_context(one())
            yield

    middleware = []
    if serving.tokens is None:  # a page from elsewhere must not reach us under a name that resolves to loopback
        middleware.append(Middleware(TrustedHostMiddleware, allowed_hosts=[*LOOPBACK, "testserver"]))
    if serving.origins:
        middleware.append(
            Middleware(
                CORSMiddleware,
                allow_origins=list(serving.origins),
                allow_methods=["GET", "POST"],
                allow_headers=["Authorization", "Content-Type"],
                max_age=600,
            )
        )
    routes = [Route("/graphql", graphql, methods=["GET", "POST"]), Route("/livez", livez), *more]
    app = Starlette(routes=routes, middleware=middleware, lifespan=lifespan)
    app.add_exception_handler(Refused, _refused)
    app.add_exception_handler(404, _no_such_page)
    app.add_exception_handler(405, _no_such_page)
    return app


async def _refused(_: Request, error: Exception) -> Response:
    assert isinstance(error, Refused)  # noqa: S101  (that is what it is the handler of)
    return error.response()


async def _no_such_page(_: Request, error: Exception) -> Response:
    status = getattr(error, "status_code", 404)
    headers = getattr(error, "headers", None) or {}
    return answer({"errors": [problem("NO_SUCH_PAGE", "There is no such page or method.")]}, status, headers)


async def _graphql(request: Request, backend: Backend, serving: Serving) -> Response:
    grant = grant_of(request, serving.tokens)
    query, variables, operation = _asked(await body_of(request, serving.most_bytes))
    try:
        check(query, variables, serving.limits)
        asking = Asking(backend, grant)
        result = await SCHEMA.execute(query, variables, asking, operation_name=operation)
    except LineageError as error:
        return answer({"errors": [problem(code_of(error), str(error))]}, 400)
    except Exception as error:  # of the library's own; ours come back as errors of the result
        if not isinstance(error, GraphQLError):
            log.exception("a request failed")
        return answer({"errors": [problem("BAD_QUERY", "The request cannot be executed.")]}, 400)
    told: dict[str, Any] = {"data": result.data}
    if result.errors:
        told["errors"] = [_told(error) for error in result.errors]
    executed = result.data is not None or any(error.path for error in result.errors or ())
    return answer(told if executed else {"errors": told["errors"]}, 200 if executed else 400)


def _told(error: GraphQLError) -> dict[str, Any]:
    """An error without anything that the asker could not have known."""
    cause = error.original_error
    path = {"path": error.path} if error.path else {}
    if cause is None or isinstance(cause, GraphQLError):
        return problem("BAD_QUERY", error.message, **path)
    code = code_of(cause)
    if code == "INTERNAL":
        if isinstance(cause, ValueError) and not error.path:
            return problem("BAD_ARGUMENT", error.message)
        log.error("a question failed", exc_info=cause)
        return problem(code, "Something went wrong here; it is in the server's log.", **path)
    return problem(code, str(cause), **path)


def _asked(body: bytes) -> tuple[str, dict[str, Any], str | None]:
    """Query, variables and the operation's name. Raises Refused."""
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError:
        raise Refused(400, "NOT_JSON", "The body is not JSON.") from None
    if isinstance(document, list):
        raise Refused(400, "BATCH", "One request holds one query; batches are not taken.")
    match document:
        case {"query": str(query)}:
            variables, operation = document.get("variables"), document.get("operationName")
            if isinstance(variables, dict | None) and isinstance(operation, str | None):
                return query, variables or {}, operation or None
    raise Refused(400, "BAD_REQUEST", 'Send {"query": "…", "variables": {…}, "operationName": "…"}.')

"""The application: GraphQL over POST, GraphiQL for people, probes. Access, CORS and limits hold for all of it."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
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

from lineagegraph.api.access import PATIENCE, Refused, Turns, answer, body_of, code_of, grant_of, problem
from lineagegraph.api.limits import QueryLimits, check
from lineagegraph.api.question import Asking, Backend
from lineagegraph.api.schema import SCHEMA
from lineagegraph.errors import LineageError
from lineagegraph.tokens import Grant, Tokens

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
    patience: float = PATIENCE  # seconds for a request's body
    limits: QueryLimits = field(default_factory=QueryLimits)


def application(
    backend: Backend, serving: Serving, more: Sequence[BaseRoute] = (), opened: Sequence[Open] = ()
) -> Starlette:
    """The API; `more` are routes of others, `opened` what has to be open while it runs."""
    graphql = _Graphql(backend, serving)
    routes = [Route("/graphql", graphql.answer, methods=["GET", "POST"]), Route("/livez", _livez), *more]
    app = Starlette(routes=routes, middleware=list(_middleware(serving)), lifespan=_lifespan(opened))
    app.add_exception_handler(Refused, _refused)
    app.add_exception_handler(404, _no_such_page)
    app.add_exception_handler(405, _no_such_page)
    return app


def _middleware(serving: Serving) -> Iterator[Middleware]:
    if serving.tokens is None:  # a page from elsewhere must not reach us under a name that resolves to loopback
        yield Middleware(TrustedHostMiddleware, allowed_hosts=[*LOOPBACK, "testserver"])
    if serving.origins:
        yield Middleware(
            CORSMiddleware,
            allow_origins=list(serving.origins),
            allow_methods=["GET", "POST"],
            allow_headers=["Authorization", "Content-Type"],
            max_age=600,
        )


def _lifespan(opened: Sequence[Open]) -> Callable[[Starlette], AbstractAsyncContextManager[None]]:
    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        async with AsyncExitStack() as stack:
            for one in opened:
                await stack.enter_async_context(one())
            yield

    return lifespan


async def _livez(_: Request) -> Response:
    return Response("ok\n", media_type="text/plain")


async def _refused(_: Request, error: Exception) -> Response:
    assert isinstance(error, Refused)  # noqa: S101  (that is what it is the handler of)
    return error.response()


async def _no_such_page(_: Request, error: Exception) -> Response:
    status = getattr(error, "status_code", 404)
    headers = getattr(error, "headers", None) or {}
    return answer({"errors": [problem("NO_SUCH_PAGE", "There is no such page or method.")]}, status, headers)


class _Graphql:
    """GraphiQL for people, answers for their programs."""

    def __init__(self, backend: Backend, serving: Serving) -> None:
        self._backend = backend
        self._serving = serving
        self._turns = Turns(serving.at_once, backend.seconds)

    async def answer(self, request: Request) -> Response:
        if request.method != "POST":
            return HTMLResponse(get_graphql_ide_html("graphiql"))
        grant = grant_of(request, self._serving.tokens)
        asked = _asked(await body_of(request, self._serving.most_bytes, self._serving.patience))
        async with self._turns.one():  # only now: who sends slowly holds nobody up
            return await self._execute(grant, *asked)

    async def _execute(self, grant: Grant, query: str, variables: dict[str, Any], operation: str | None) -> Response:
        try:
            check(query, variables, self._serving.limits)
            asking = Asking(self._backend, grant)
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

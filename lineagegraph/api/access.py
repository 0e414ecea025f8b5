"""Over HTTP: who asks, how much they may send, and how errors are told."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import orjson
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from lineagegraph.api.arguments import BadArgument
from lineagegraph.api.limits import BadQuery, TooComplex
from lineagegraph.api.question import Forbidden, LettersAway, NotServed, TooSlow
from lineagegraph.errors import Ambiguous, GraphRejected, GraphUnavailable, LineageError, NotFound, SchemaMismatch
from lineagegraph.statements import BadStatement
from lineagegraph.tokens import ANYONE, Grant, Scope, Tokens

PATIENCE = 20.0  # seconds in which a body must have come: whoever sends a byte now and then holds nobody up


class Refused(Exception):
    """A request that is answered without being read any further."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message

    def response(self) -> Response:
        """The answer."""
        more = {"WWW-Authenticate": "Bearer"} if self.status == 401 else {}
        return answer({"errors": [problem(self.code, self.message)]}, self.status, more)


CODES: tuple[tuple[type[Exception], str], ...] = (  # the first that fits
    (NotFound, "NOT_FOUND"),
    (Ambiguous, "AMBIGUOUS"),
    (Forbidden, "FORBIDDEN"),
    (NotServed, "NOT_SERVED"),
    (LettersAway, "UNAVAILABLE"),
    (TooSlow, "TOO_SLOW"),
    (TooComplex, "TOO_COMPLEX"),
    (BadQuery, "BAD_QUERY"),
    (BadArgument, "BAD_ARGUMENT"),
    (BadStatement, "BAD_STATEMENT"),
    (GraphRejected, "REJECTED"),
    (GraphUnavailable, "UNAVAILABLE"),
    (SchemaMismatch, "UNAVAILABLE"),
    (LineageError, "BAD_REQUEST"),
)


def code_of(error: BaseException | None) -> str:
    """The code of an error; INTERNAL for a bug, which tells nothing else."""
    return next((code for kind, code in CODES if isinstance(error, kind)), "INTERNAL")


def problem(code: str, message: str, **more: Any) -> dict[str, Any]:
    """One error as GraphQL tells it."""
    return {"message": message, **more, "extensions": {"code": code}}


def answer(body: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """A JSON answer that no cache keeps."""
    told = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff", **(headers or {})}
    return Response(orjson.dumps(body), status, told, "application/json")


def grant_of(request: Request, tokens: Tokens | None) -> Grant:
    """What the bearer may do; anyone may do all where access is off. Raises Refused."""
    if tokens is None:
        return ANYONE
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    found = tokens.grant(token.strip()) if scheme.lower() == "bearer" and token.strip() else None
    if found is None:
        raise Refused(401, "UNAUTHENTICATED", "Send a valid token: `Authorization: Bearer …`.")
    return found


def allow(grant: Grant, scope: Scope) -> None:
    """Nothing, if the scope is granted. Raises Refused."""
    if scope not in grant.scopes:
        raise Refused(403, "FORBIDDEN", f"This token has no scope {scope!r}.")


async def body_of(request: Request, most: int, patience: float = PATIENCE) -> bytes:
    """The body of a JSON request. Raises Refused. A form or text could come from any page in a browser."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/json":
        raise Refused(415, "NOT_JSON", "Send `Content-Type: application/json`.")
    if request.headers.get("content-encoding", "identity").lower() != "identity":
        raise Refused(415, "COMPRESSED", "Send the body uncompressed.")
    try:
        async with asyncio.timeout(patience):
            return await _whole(request, most)
    except ClientDisconnect:
        raise Refused(400, "CUT_OFF", "The body ended early.") from None
    except TimeoutError:
        raise Refused(408, "TOO_SLOW", f"The body did not come within {patience:g} seconds.") from None


async def _whole(request: Request, most: int) -> bytes:
    parts, size = [], 0
    async for part in request.stream():
        size += len(part)
        if size > most:
            raise Refused(413, "TOO_LARGE", f"The body has more than {most} bytes.")
        parts.append(part)
    return b"".join(parts)


class Turns:
    """So many requests are worked on at once; others wait, but not for ever."""

    def __init__(self, at_once: int, seconds: float) -> None:
        self._turns = asyncio.Semaphore(at_once)
        self._seconds = seconds

    @asynccontextmanager
    async def one(self) -> AsyncIterator[None]:
        """A turn. Raises Refused where none comes."""
        try:
            async with asyncio.timeout(self._seconds):
                await self._turns.acquire()
        except TimeoutError:
            raise Refused(503, "UNAVAILABLE", "Too many ask at once; try again.") from None
        try:
            yield
        finally:
            self._turns.release()

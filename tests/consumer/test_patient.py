"""Whoever opens connections and sends no request, or sends it without end, keeps nobody out."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import httpx
import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from consumer.patient import PatientProtocol

HALF = b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n"


class Hasty(PatientProtocol):
    seconds = 0.3


async def hello(_: Request) -> Response:
    return Response("hello")


@contextmanager
def serving(most: int) -> Iterator[int]:
    app = Starlette(routes=[Route("/", hello)])
    server = uvicorn.Server(
        uvicorn.Config(app, http=Hasty, loop="asyncio", log_level="critical", limit_concurrency=most)
    )
    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = threading.Thread(target=server.run, args=([listening],))
        thread.start()
        try:
            yield listening.getsockname()[1]
        finally:
            server.should_exit = True
            thread.join(30)


def ended(connection: socket.socket) -> bool:
    """Whether the server closes the connection without a word."""
    connection.settimeout(20)
    try:
        return connection.recv(100) == b""
    except ConnectionResetError:
        return True


@pytest.mark.parametrize("begun", [b"", HALF], ids=["nothing", "half of its headers"])
def test_a_connection_without_a_request_ends_and_others_are_answered_again(begun: bytes) -> None:
    with serving(5) as port, ExitStack() as stack:
        held = [stack.enter_context(socket.create_connection(("127.0.0.1", port))) for _ in range(5)]
        for one in held:
            one.sendall(begun)
        assert all(map(ended, held))
        assert httpx.get(f"http://127.0.0.1:{port}/").text == "hello"


def test_bytes_that_come_one_by_one_give_no_more_time() -> None:
    with serving(5) as port, socket.create_connection(("127.0.0.1", port)) as slow:
        slow.settimeout(0.05)
        for _ in range(400):
            try:
                slow.sendall(b"a" if _ else HALF)
                if slow.recv(100) == b"":
                    break
            except TimeoutError:
                continue
            except OSError:
                break
        else:
            pytest.fail("it was waited for")


def test_between_requests_a_connection_may_rest() -> None:
    with serving(5) as port, httpx.Client(base_url=f"http://127.0.0.1:{port}") as client:
        answers = [client.get("/")]
        threading.Event().wait(3 * Hasty.seconds)
        answers.append(client.get("/"))
        streams = {answer.extensions["network_stream"].get_extra_info("client_addr") for answer in answers}
        assert len(streams) == 1, "one connection"

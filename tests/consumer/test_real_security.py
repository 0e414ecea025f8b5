"""Every lock of Kafka on a real broker: opened with the right key, one sentence with a wrong one, no secret told."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from consumer import connection
from consumer.errors import KafkaUnusable
from consumer.run import How, consume
from consumer.settings import Settings, load
from deploy.local import Stack
from tests.consumer.fakes import FakeStore, eventually
from tests.consumer.secure_kafka import PASSWORD, USER, SecureKafka, unsigned_token
from tests.consumer.test_real_kafka import create, events, names, send

pytestmark = pytest.mark.real

NAMED = {"kafka_username": USER, "kafka_password": PASSWORD}


@pytest.fixture(scope="module")
def secure(local_stack: Stack) -> Iterator[SecureKafka]:
    kafka = SecureKafka("kafka-secure", local_stack.folder / "kafka-secure", local_stack.home)
    kafka.start()
    kafka.know(USER, PASSWORD)
    yield kafka
    kafka.stop()


def behind(kafka: SecureKafka, lock: str, protocol: str, **more: Any) -> Settings:
    name = f"test-{uuid.uuid4().hex[:8]}"
    given = {"topics": (name,), "group": f"g-{name}", "graph_sync_seconds": 0.0, "commit_seconds": 0.2, "http_port": 0}
    if "SSL" in protocol:
        given["kafka_tls_ca_file"] = kafka.keys / "ca.pem"
    return load(kafka_bootstrap_servers=(kafka.at(lock),), kafka_security_protocol=protocol, **given | more)


def ours(kafka: SecureKafka) -> dict[str, Path]:
    return {"kafka_tls_cert_file": kafka.keys / "client.crt", "kafka_tls_key_file": kafka.keys / "client.key"}


async def passes(settings: Settings) -> None:
    """Through this lock a topic is made, events are sent, consumed and buried."""
    store = FakeStore([])
    await create(settings, 1)
    await send(settings, [*events(range(5)), (b"k", b"{")])
    counts = await consume(settings, How(until_end=True), store)
    assert (counts["written"], counts["dead"]) == (5, 1)
    assert store.durable() == names(range(5))


@pytest.mark.parametrize(
    ("lock", "protocol", "mechanism"),
    [
        ("tls", "SSL", None),
        ("mtls", "SSL", None),
        ("sasl", "SASL_PLAINTEXT", "PLAIN"),
        ("sasl", "SASL_PLAINTEXT", "SCRAM-SHA-256"),
        ("sasltls", "SASL_SSL", "SCRAM-SHA-512"),
    ],
)
def test_the_right_key_opens(secure: SecureKafka, lock: str, protocol: str, mechanism: str | None) -> None:
    more = dict(NAMED, kafka_sasl_mechanism=mechanism) if mechanism else {}
    asyncio.run(passes(behind(secure, lock, protocol, **more | (ours(secure) if lock == "mtls" else {}))))


def test_a_token_from_a_file_opens(secure: SecureKafka, tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text(unsigned_token(600) + "\n")
    asyncio.run(
        passes(
            behind(secure, "oauth", "SASL_PLAINTEXT", kafka_sasl_mechanism="OAUTHBEARER", kafka_oauth_token_file=file)
        )
    )


def test_a_token_from_a_server_opens_and_is_used_while_it_lives(secure: SecureKafka) -> None:
    asked: list[tuple[str | None, str | None]] = []

    async def give(request: web.Request) -> web.Response:
        form = await request.post()
        asked.append((request.headers.get("Authorization"), str(form["scope"])))
        return web.json_response({"access_token": unsigned_token(600), "expires_in": 600})

    async def scenario() -> None:
        app = web.Application()
        app.add_routes([web.post("/token", give)])
        runner = web.AppRunner(app)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        try:
            url = f"http://127.0.0.1:{runner.addresses[0][1]}/token"
            more = {"kafka_oauth_token_url": url, "kafka_oauth_scope": "kafka", "kafka_sasl_mechanism": "OAUTHBEARER"}
            await passes(behind(secure, "oauth", "SASL_PLAINTEXT", **NAMED | more))
        finally:
            await runner.cleanup()

    asyncio.run(scenario())
    assert asked == [("Basic bGluZWFnZTpodXNoLWh1c2g=", "kafka")], "one token for all connections"


@pytest.mark.parametrize(
    ("lock", "protocol", "more", "says"),
    [
        (
            "sasl",
            "SASL_PLAINTEXT",
            {"kafka_username": USER, "kafka_password": "wrong-guess"},
            "refused the credentials",
        ),
        (
            "sasl",
            "SASL_PLAINTEXT",
            {"kafka_username": USER, "kafka_password": "wrong-guess", "kafka_sasl_mechanism": "SCRAM-SHA-512"},
            "refused the credentials",
        ),
        ("tls", "SSL", {"kafka_tls_ca_file": None}, "cannot be talked to over TLS"),
        ("mtls", "SSL", {}, "Kafka"),
        ("tls", "PLAINTEXT", {}, "speaks PLAINTEXT"),
    ],
)
def test_a_wrong_key_is_one_sentence_without_a_secret(
    secure: SecureKafka, monkeypatch: pytest.MonkeyPatch, lock: str, protocol: str, more: dict[str, Any], says: str
) -> None:
    monkeypatch.setattr("consumer.connection.PATIENCE", 4.0)
    with pytest.raises(KafkaUnusable) as caught:
        asyncio.run(consume(behind(secure, lock, protocol, **more), How(until_end=True), FakeStore([])))
    assert says in str(caught.value)
    assert "wrong-guess" not in str(caught.value)


def test_a_broker_that_ends_old_sessions_is_joined_again_and_nothing_is_lost(
    secure: SecureKafka, capfd: pytest.CaptureFixture[str]
) -> None:
    settings = behind(secure, "sasl", "SASL_PLAINTEXT", **NAMED)
    store = FakeStore([])

    async def scenario() -> None:
        await create(settings, 1)
        running = asyncio.create_task(consume(settings, How(), store))
        for first in range(0, 40, 10):  # over several lives of a session
            await send(settings, events(range(first, first + 10)))
            async with asyncio.timeout(30):
                await eventually(lambda: store.durable() >= names(range(first, first + 10)))  # noqa: B023
            await asyncio.sleep(1.0)
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)

    asyncio.run(scenario())
    assert store.durable() == names(range(40))
    out, err = capfd.readouterr()
    assert PASSWORD not in out + err


def test_a_token_that_has_expired_is_refused_and_read_anew_for_the_next_connection(
    secure: SecureKafka, tmp_path: Path
) -> None:
    file = tmp_path / "token"
    file.write_text(unsigned_token(-60))
    settings = behind(
        secure, "oauth", "SASL_PLAINTEXT", kafka_sasl_mechanism="OAUTHBEARER", kafka_oauth_token_file=file
    )

    async def scenario() -> None:
        with pytest.raises(KafkaUnusable, match="refused the credentials of the token"):
            async with connection.admin(settings):
                pass
        file.write_text(unsigned_token(600))
        await passes(settings)

    asyncio.run(scenario())


def test_a_token_that_nobody_gives_is_one_sentence(secure: SecureKafka, tmp_path: Path) -> None:
    oauth = {"kafka_sasl_mechanism": "OAUTHBEARER", "kafka_oauth_token_url": "http://127.0.0.1:9/token"}
    settings = behind(secure, "oauth", "SASL_PLAINTEXT", **NAMED | oauth)
    with pytest.raises(KafkaUnusable, match=r"There is no token for Kafka: http://127.0.0.1:9/token gave no") as one:
        asyncio.run(consume(settings, How(until_end=True), FakeStore([])))
    assert PASSWORD not in str(one.value)

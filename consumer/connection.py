"""How Kafka is reached, and what to tell the user when it is not."""

from __future__ import annotations

import asyncio
import re
import ssl
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from aiokafka import AIOKafkaConsumer
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.conn import create_conn
from aiokafka.errors import AuthenticationFailedError, KafkaError, SaslAuthenticationFailed, for_code

from consumer.errors import KafkaUnusable
from consumer.security import NoToken, credentials, tls
from consumer.settings import Settings

PATIENCE = 12.0  # seconds that Kafka may take to answer at start-up
MESSAGE_BYTES = 1_048_588  # Kafka's own default of max.message.bytes


def options(settings: Settings) -> dict[str, Any]:
    """The arguments that every Kafka client of ours is made with."""
    made: dict[str, Any] = {
        "bootstrap_servers": list(settings.kafka_bootstrap_servers),
        "security_protocol": settings.kafka_security_protocol,
        "client_id": "lineagegraph",
    }
    if "SSL" in settings.kafka_security_protocol:
        made["ssl_context"] = tls(settings)
    return made | credentials(settings)


@asynccontextmanager
async def admin(settings: Settings) -> AsyncIterator[AIOKafkaAdminClient]:
    """An administrative connection. Raises KafkaUnusable within the patience of a start-up."""
    client = AIOKafkaAdminClient(**options(settings), request_timeout_ms=int(PATIENCE * 1000))
    try:
        try:
            async with asyncio.timeout(PATIENCE):
                await client.start()
        except (KafkaError, OSError, TimeoutError):
            raise KafkaUnusable(await _why(settings)) from None
        yield client
    finally:
        await client.close()


async def _why(settings: Settings) -> str:
    """Why the first broker cannot be talked to: aiokafka only says that none could."""
    server = settings.kafka_bootstrap_servers[0]
    all_servers = ",".join(settings.kafka_bootstrap_servers)
    host, _, port = server.rpartition(":")
    arguments = {k: v for k, v in options(settings).items() if k != "bootstrap_servers"}
    try:
        async with asyncio.timeout(3):
            connection = await create_conn(host, int(port), request_timeout_ms=3000, **arguments)
        connection.close()
    except (AuthenticationFailedError, SaslAuthenticationFailed):
        who = repr(settings.kafka_username) if settings.kafka_username else "the token"
        return (
            f"Kafka at {server} refused the credentials of {who} ({settings.kafka_sasl_mechanism}). "
            "Check LINEAGE_KAFKA_USERNAME and LINEAGE_KAFKA_PASSWORD, or LINEAGE_KAFKA_OAUTH_…."
        )
    except NoToken as error:
        return f"There is no token for Kafka: {error.args[0]}. Check LINEAGE_KAFKA_OAUTH_…."
    except ssl.SSLError as error:
        return f"Kafka at {server} cannot be talked to over TLS ({error.reason}). Check LINEAGE_KAFKA_TLS_…."
    except (KafkaError, OSError, TimeoutError):
        pass
    try:
        async with asyncio.timeout(3):
            _, writer = await asyncio.open_connection(host, int(port))
        writer.close()
    except (OSError, TimeoutError):
        return f"No Kafka broker answers at {all_servers}. Start it, or set LINEAGE_KAFKA_BOOTSTRAP_SERVERS."
    return (
        f"Something answers at {server}, but not as a Kafka broker that speaks {settings.kafka_security_protocol}. "
        "Check LINEAGE_KAFKA_SECURITY_PROTOCOL and LINEAGE_KAFKA_BOOTSTRAP_SERVERS."
    )


@dataclass(frozen=True, slots=True)
class Topic:
    """A topic as it stands."""

    name: str
    partitions: int
    replication: int


async def topics(client: AIOKafkaAdminClient) -> dict[str, Topic]:
    """Every topic that we may see. Asks for all, since asking for one by name may create it."""
    found = {}
    try:
        rows = await client.describe_topics()
    except (KafkaError, TimeoutError) as error:
        raise KafkaUnusable(f"Kafka does not say which topics it has ({error}). Try again.") from None
    for row in rows:
        parts = row["partitions"]
        if parts:
            found[row["topic"]] = Topic(row["topic"], len(parts), len(parts[0]["replicas"]))
    return found


async def largest_message(client: AIOKafkaAdminClient, topic: str) -> int:
    """The topic's max.message.bytes; Kafka's default if we may not know."""
    asked = ConfigResource(ConfigResourceType.TOPIC, topic, {"max.message.bytes": ""})
    try:
        responses = await client.describe_configs([asked])
    except KafkaError:
        return MESSAGE_BYTES
    for response in responses:
        for _, _, _, _, entries in response.resources:
            for entry in entries:
                if entry[0] == "max.message.bytes" and entry[1]:
                    return int(entry[1])
    return MESSAGE_BYTES


async def stop(consumer: AIOKafkaConsumer) -> None:
    """Leave the group and close, within bounds.

    In a task of its own, since while brokers are away aiokafka's stop lets a cancellation escape that nobody
    asked for, and leaves its connections open then.
    """
    stopping = asyncio.ensure_future(consumer.stop())
    await asyncio.wait([stopping], timeout=10.0)
    if not stopping.done() or stopping.cancelled() or stopping.exception():
        stopping.cancel()
        await consumer._client.close()


def wanted_topics(settings: Settings) -> str:
    """The regular expression of the topics to read: those of the pattern, their retry topics, nothing else of ours."""

    def ours(name: Callable[[str], str], pattern: str = ".*") -> str:
        return re.escape(name("\0")).replace(re.escape("\0"), pattern)

    wanted = f"(?:{settings.topic_pattern})"
    others = f"(?!{ours(settings.dead_letters_of)}$)(?!{ours(settings.ledger_of)}$)"
    return f"^{others}(?:{wanted}|{ours(settings.retry_of, wanted)})$"


def failures(response: Any) -> Iterable[tuple[str, type[KafkaError]]]:
    """Of an answer to CreateTopics the topics that were not created, with the error."""
    for topic, code, *_ in response.topic_errors:
        if code:
            yield topic, for_code(code)

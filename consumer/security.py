"""How we prove to Kafka who we are, and Kafka to us. No secret and no token is ever part of a message."""

from __future__ import annotations

import asyncio
import base64
import ssl
import time
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import quote_plus

import aiohttp
from aiokafka import conn
from aiokafka.abc import AbstractTokenProvider
from aiokafka.conn import OAuthAuthenticator
from aiokafka.errors import KafkaError, SaslAuthenticationFailed

from consumer.errors import KafkaUnusable
from consumer.settings import Settings

TOKEN_SECONDS = 10.0  # for whoever gives out tokens to answer
SPARE = 0.8  # the share of a token's life after which a new one is asked for


def credentials(settings: Settings) -> dict[str, Any]:
    """The SASL arguments of a Kafka client; none where SASL is not used."""
    if "SASL" not in settings.kafka_security_protocol:
        return {}
    made: dict[str, Any] = {"sasl_mechanism": settings.kafka_sasl_mechanism}
    if settings.kafka_sasl_mechanism == "OAUTHBEARER":
        made["sasl_oauth_token_provider"] = _tokens(settings)
    else:
        made["sasl_plain_username"] = settings.kafka_username
        made["sasl_plain_password"] = settings.kafka_password and settings.kafka_password.get_secret_value()
    return made


def tls(settings: Settings) -> ssl.SSLContext:
    """Whom we trust, and our own certificate if we have one. Raises KafkaUnusable."""
    ca = settings.kafka_tls_ca_file
    try:
        context = ssl.create_default_context(cafile=str(ca) if ca else None)
        if settings.kafka_tls_cert_file:
            password = settings.kafka_tls_key_password
            context.load_cert_chain(
                settings.kafka_tls_cert_file,
                settings.kafka_tls_key_file,
                password.get_secret_value() if password else None,
            )
    except (ssl.SSLError, OSError) as error:
        raise KafkaUnusable(f"The TLS files for Kafka cannot be used ({error}). Check LINEAGE_KAFKA_TLS_….") from None
    return context


class NoToken(KafkaError):  # type: ignore[misc]  # aiokafka has no types
    """There is no token to show; aiokafka tries again, as with any connection that fails."""


class FileToken(AbstractTokenProvider):  # type: ignore[misc]  # aiokafka has no types
    """A token that somebody else keeps fresh in a file; it is read anew for every connection."""

    def __init__(self, path: Path) -> None:
        self._path = path

    async def token(self) -> str:
        """The token of now. Raises NoToken."""
        try:
            return (await asyncio.to_thread(self._path.read_text, "utf-8")).strip()
        except (OSError, UnicodeDecodeError) as error:
            raise NoToken(f"the token file {self._path} cannot be read ({type(error).__name__})") from None


class UrlToken(AbstractTokenProvider):  # type: ignore[misc]  # aiokafka has no types
    """Tokens of an OAuth 2 server, for our client id and secret (client credentials); each is used while it lives."""

    def __init__(self, url: str, client_id: str, secret: str, scope: str | None) -> None:
        self._url = url
        # RFC 6749 2.3.1: both are form-encoded before they are joined.
        pair = f"{quote_plus(client_id)}:{quote_plus(secret)}"
        self._headers = {"Authorization": f"Basic {base64.b64encode(pair.encode()).decode()}"}
        self._form = {"grant_type": "client_credentials"} | ({"scope": scope} if scope else {})
        self._token, self._until = "", 0.0

    async def token(self) -> str:
        """A token that lives. Raises NoToken."""
        if time.monotonic() >= self._until:
            self._token, self._until = await self._ask()
        return self._token

    async def _ask(self) -> tuple[str, float]:
        patience = aiohttp.ClientTimeout(total=TOKEN_SECONDS)
        try:
            async with (
                aiohttp.ClientSession(timeout=patience) as session,
                session.post(self._url, data=self._form, headers=self._headers) as answer,
            ):
                if answer.status != 200:
                    raise NoToken(f"{self._url} gave no token (HTTP {answer.status})")
                content = await answer.json(content_type=None)
            return str(content["access_token"]), time.monotonic() + SPARE * float(content.get("expires_in", 60))
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise NoToken(f"{self._url} gave no token ({type(error).__name__})") from None


class _Heeding(OAuthAuthenticator):  # type: ignore[misc]  # aiokafka has no types
    """Heeds a broker's no: aiokafka 0.14 does not look at the answer to a token, and goes on as if it were let in."""

    async def step(self, payload: bytes | None) -> tuple[bytes, bool] | None:
        if self._token_sent and payload:
            raise SaslAuthenticationFailed("the token was refused")
        said: tuple[bytes, bool] | None = await super().step(payload)
        return said


conn.OAuthAuthenticator = _Heeding


@cache
def _tokens(settings: Settings) -> AbstractTokenProvider:
    """One provider for all clients of a process, so that they share a token."""
    if settings.kafka_oauth_token_file is not None:
        return FileToken(settings.kafka_oauth_token_file)
    secret = settings.kafka_password.get_secret_value() if settings.kafka_password else ""
    return UrlToken(
        settings.kafka_oauth_token_url or "", settings.kafka_username or "", secret, settings.kafka_oauth_scope
    )

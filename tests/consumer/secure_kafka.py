"""A real broker behind every lock that Kafka has, with keys made for the test."""

from __future__ import annotations

import base64
import json
import subprocess
import time
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path

from confluent_kafka import admin

from deploy.local.config import LOOPBACK, free_ports
from deploy.local.kafka import Kafka

USER, PASSWORD = "lineage", "hush-hush"
LOCKS = {"tls": "SSL", "mtls": "SSL", "sasl": "SASL_PLAINTEXT", "sasltls": "SASL_SSL", "oauth": "SASL_PLAINTEXT"}
MODULES = "org.apache.kafka.common.security"
MECHANISMS = (admin.ScramMechanism.SCRAM_SHA_256, admin.ScramMechanism.SCRAM_SHA_512)  # type: ignore[attr-defined]
SESSION_MS = 1_500  # after which the broker ends a connection that proves itself by PLAIN


class SecureKafka(Kafka):
    """One listener for each lock, besides the open one."""

    def _prepare(self, java: Path, jars: Path) -> None:
        super()._prepare(java, jars)
        keys = make_keys(self.folder / "keys")
        places = [f"{lock.upper()}://{self.at(lock)}" for lock in LOCKS]
        properties = self.folder / "kafka.properties"
        lines = []
        for line in properties.read_text("utf-8").splitlines():
            name = line.partition("=")[0]
            more = (
                [f"{lock.upper()}:{kind}" for lock, kind in LOCKS.items()] if name.endswith("protocol.map") else places
            )
            lists = name in ("listeners", "advertised.listeners", "listener.security.protocol.map")
            lines.append(",".join([line, *more]) if lists else line)
        lines += [f"{name}={value}" for name, value in _locks(keys).items()]
        properties.write_text("\n".join(lines), "utf-8")

    def at(self, lock: str) -> str:
        """Where to knock."""
        return f"{LOOPBACK}:{self._doors[lock]}"

    @cached_property
    def _doors(self) -> dict[str, int]:
        return dict(zip(LOCKS, free_ports(len(LOCKS), set(self.ports.values())), strict=True))

    @property
    def keys(self) -> Path:
        return self.folder / "keys"

    def know(self, user: str, password: str) -> None:
        """Give a user SCRAM credentials."""
        client = admin.AdminClient({"bootstrap.servers": self.bootstrap})
        for mechanism in MECHANISMS:
            info = admin.ScramCredentialInfo(mechanism, 4096)  # type: ignore[attr-defined]
            change = admin.UserScramCredentialUpsertion(user, info, password.encode())  # type: ignore[attr-defined]
            for done in client.alter_user_scram_credentials([change]).values():
                done.result(30)


def _locks(keys: Path) -> Mapping[str, object]:
    scram = f"{MODULES}.scram.ScramLoginModule required;"
    plain = f'{MODULES}.plain.PlainLoginModule required user_{USER}="{PASSWORD}";'
    oauth = f'{MODULES}.oauthbearer.OAuthBearerLoginModule required unsecuredLoginStringClaim_sub="admin";'
    made = {
        "ssl.keystore.type": "PEM",
        "ssl.keystore.location": keys / "server.pem",
        "ssl.truststore.type": "PEM",
        "ssl.truststore.location": keys / "ca.pem",
        "listener.name.mtls.ssl.client.auth": "required",
        "listener.name.oauth.sasl.enabled.mechanisms": "OAUTHBEARER",
        "listener.name.oauth.oauthbearer.sasl.jaas.config": oauth,
    }
    for listener in ("sasl", "sasltls"):
        prefix = f"listener.name.{listener}"
        made |= {
            f"{prefix}.sasl.enabled.mechanisms": "PLAIN,SCRAM-SHA-256,SCRAM-SHA-512",
            f"{prefix}.plain.sasl.jaas.config": plain,
            f"{prefix}.scram-sha-256.sasl.jaas.config": scram,
            f"{prefix}.scram-sha-512.sasl.jaas.config": scram,
            f"{prefix}.plain.connections.max.reauth.ms": SESSION_MS,
        }
    return made


def make_keys(folder: Path) -> Path:
    """A certificate authority, the broker's key and ours; both signed by it."""
    folder.mkdir(parents=True, exist_ok=True)

    def openssl(*arguments: str) -> None:
        subprocess.run(["openssl", *arguments], cwd=folder, check=True, capture_output=True)

    new = ("req", "-newkey", "rsa:2048", "-nodes")
    openssl(*new, "-x509", "-days", "2", "-subj", "/CN=test-ca", "-keyout", "ca.key", "-out", "ca.pem")
    (folder / "san.txt").write_text(f"subjectAltName=IP:{LOOPBACK}\n")
    for name in ("server", "client"):
        openssl(*new, "-subj", f"/CN={name}", "-keyout", f"{name}.key", "-out", f"{name}.csr")
        signing = ("x509", "-req", "-days", "2", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial")
        openssl(*signing, "-extfile", "san.txt", "-in", f"{name}.csr", "-out", f"{name}.crt")
    both = (folder / "server.key").read_text() + (folder / "server.crt").read_text()
    (folder / "server.pem").write_text(both)
    return folder


def unsigned_token(seconds: int) -> str:
    """A token that a broker without an OAuth server of its own believes."""
    now = int(time.time())
    parts = ({"alg": "none"}, {"sub": USER, "iat": now, "exp": now + seconds})
    return ".".join([*(base64.urlsafe_b64encode(json.dumps(p).encode()).decode().rstrip("=") for p in parts), ""])

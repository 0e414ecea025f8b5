"""Settings: one frozen object, read once from `LINEAGE_…` variables; nothing else reads the environment.

Every error is found before anything starts, and all are told at once. How values come out of the environment and its
files is in `consumer.environment`.
"""

from __future__ import annotations

import os
import re
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode, PydanticBaseSettingsSource, SettingsConfigDict

from consumer.environment import PREFIX, Environment, sentence, variable
from consumer.errors import BadSettings
from lineagegraph.settings import GraphSettings

_List = Annotated[tuple[str, ...], NoDecode]  # a comma-separated text, not JSON


def _field(default: Any, doc: str, example: str | None = None, **limits: Any) -> Any:
    return Field(default, description=doc, examples=[example or str(default)], **limits)


class Settings(BaseSettings):
    """Everything that can be set. The description of each field is what `lineagegraph config` prints."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, frozen=True, extra="ignore")

    kafka_bootstrap_servers: _List = _field(("127.0.0.1:9092",), "brokers to begin with", "kafka-1:9092,kafka-2:9092")
    kafka_security_protocol: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] = _field(
        "PLAINTEXT", "how to talk to the brokers", "SASL_SSL"
    )
    kafka_sasl_mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512", "OAUTHBEARER"] = _field(
        "PLAIN", "how to prove who we are", "SCRAM-SHA-512"
    )
    kafka_username: str | None = _field(None, "SASL user, or OAuth client id", "lineage")
    kafka_password: SecretStr | None = _field(None, "SASL password, or OAuth client secret", "…")
    kafka_oauth_token_file: Path | None = _field(
        None, "a token that is kept fresh in this file (OAUTHBEARER)", "/var/run/secrets/tokens/kafka"
    )
    kafka_oauth_token_url: str | None = _field(
        None, "who gives us tokens for client id and secret (OAUTHBEARER)", "https://login/oauth2/token"
    )
    kafka_oauth_scope: str | None = _field(None, "scope to ask a token for", "kafka")
    kafka_tls_ca_file: Path | None = _field(None, "certificates to trust", "/etc/kafka/ca.pem")
    kafka_tls_cert_file: Path | None = _field(None, "our certificate (mutual TLS)", "/etc/kafka/tls.crt")
    kafka_tls_key_file: Path | None = _field(None, "our key (mutual TLS)", "/etc/kafka/tls.key")
    kafka_tls_key_password: SecretStr | None = _field(None, "password of our key", "…")

    topics: _List = _field(("openlineage.events",), "topics to read", "openlineage.events,openlineage.spark")
    topic_pattern: str | None = _field(None, "regular expression of topics, instead of a list", "openlineage\\..*")
    group: str = _field("lineagegraph", "consumer group", pattern=r"^[A-Za-z0-9._-]{1,100}$")
    group_instance: str | None = _field(
        None,
        "this member's own name in the group (static membership): who comes back under it within session_seconds "
        "keeps its partitions",
        "lineage-consumer-0",
        pattern=r"^[A-Za-z0-9._-]{1,200}$",
    )
    session_seconds: int = _field(45, "how long the group waits for a member that is silent", ge=6, le=1800)
    start: Literal["earliest", "latest", "fail"] = _field(
        "earliest", "where to begin in a partition without a committed offset"
    )
    offset_out_of_range: Literal["fail", "earliest"] = _field(
        "fail", "when Kafka has deleted the next offset: stop, or go on from the earliest that is left"
    )
    dead_letter_topic: str = _field("{topic}.{group}.dlq", "where dead letters go, per source topic")
    retry_topic: str = _field("{topic}.{group}.retry", "where dead letters are replayed to; it is read like a source")
    ledger_topic: str = _field("{topic}.{group}.dlq.ledger", "what became of dead letters (compacted)")
    dead_letter_retention_days: int = _field(30, "retention of a dead-letter or retry topic that we create", ge=1)

    graph_urls: _List = _field(("ws://127.0.0.1:8182/gremlin",), "JanusGraph servers", "wss://janus:8182/gremlin")
    graph_username: str | None = _field(None, "JanusGraph user", "lineage")
    graph_password: SecretStr | None = _field(None, "JanusGraph password", "…")
    graph_tls_ca_file: Path | None = _field(None, "certificates to trust (wss)", "/etc/janus/ca.pem")
    graph_traversal_source: str = _field("g", "name of the graph's traversal source", "prod_traversal")
    graph_request_bytes: int = _field(
        1_000_000, "the largest request; must stay below the server's maxContentLength", ge=10_000
    )
    graph_timeout_seconds: float = _field(30.0, "how long one request may take", gt=0, le=600)
    graph_sync_seconds: float = _field(
        12.0,
        "how long until what the graph acknowledged is on disk: Cassandra's commitlog_sync_period and a margin; "
        "0 where acknowledged means on disk",
        ge=0,
        le=600,
    )
    graph_restart_seconds: float = _field(
        6.0, "the shortest time in which the store could restart; no heartbeat may take longer", gt=1, le=60
    )
    naming_file: Path | None = _field(None, "naming rules (TOML)", "/etc/lineagegraph/naming.toml")
    aliases_file: Path | None = _field(
        None, "aliases of datasets, and what answers ignore (TOML)", "/etc/lineagegraph/aliases.toml"
    )

    batch_records: int = _field(1_000, "records in one batch", ge=1, le=100_000)
    batch_bytes: int = _field(12 * 2**20, "bytes in one batch, about", ge=1024)
    batches_in_flight: int = _field(4, "batches that are written at the same time", ge=1, le=64)
    bytes_in_flight: int = _field(64 * 2**20, "bytes of records held at the same time, about", ge=2**20)
    max_event_bytes: int = _field(4 * 2**20, "a larger value is a dead letter", ge=1024)
    on_tombstone: Literal["skip", "dead_letter"] = _field("skip", "what to do with a record without a value")
    brake_run: int = _field(100, "so many invalid records in a row halt their partition; 0: never", ge=0)
    brake_share: float = _field(
        0.5, "a larger share of invalid ones among the latest 200 records halts their partition; 0: never", ge=0, lt=1
    )
    commit_seconds: float = _field(1.0, "how often offsets are committed", gt=0, le=60)

    http_host: str = _field(
        "127.0.0.1",
        "address of /livez, /readyz, /metrics and /status",
        "0.0.0.0",  # noqa: S104  (only an example)
    )
    http_port: int = _field(8080, "port of the same; 0 picks a free one", ge=0, le=65535)
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"] = _field("INFO", "what is logged")

    @field_validator("kafka_bootstrap_servers", "topics", "graph_urls", mode="before")
    @classmethod
    def _split(cls, value: Any) -> Any:
        if isinstance(value, str):
            value = tuple(part.strip() for part in value.split(",") if part.strip())
        if not value:
            raise ValueError("must name at least one")
        return value

    @field_validator("kafka_bootstrap_servers")
    @classmethod
    def _host_and_port(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if bad := [part for part in value if not re.fullmatch(r"[^\s/@]+:\d{1,5}", part)]:
            raise ValueError(f"{bad[0]!r} is not host:port" if "@" not in bad[0] else "a broker is host:port only")
        return value

    @field_validator("graph_urls")
    @classmethod
    def _url(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if any("@" in part for part in value):
            raise ValueError("user and password belong into LINEAGE_GRAPH_USERNAME and LINEAGE_GRAPH_PASSWORD")
        if bad := [part for part in value if not re.fullmatch(r"wss?://[^\s/]+:\d{1,5}(/\S*)?", part)]:
            raise ValueError(f"{bad[0]!r} is not ws://host:port/gremlin")
        return value

    @field_validator("kafka_oauth_token_url")
    @classmethod
    def _token_url(cls, value: str | None) -> str | None:
        if value is not None and not re.fullmatch(r"https?://[^\s/@]+(/\S*)?", value):
            raise ValueError("is not an http(s) address without user and password")
        return value

    @field_validator("topic_pattern")
    @classmethod
    def _regular(cls, value: str | None) -> str | None:
        try:
            re.compile(value or "")
        except re.error as error:
            raise ValueError(f"is not a regular expression: {error}") from None
        return value

    @field_validator("dead_letter_topic", "retry_topic", "ledger_topic")
    @classmethod
    def _template(cls, value: str) -> str:
        if not re.fullmatch(r"[A-Za-z0-9._-]{1,200}", value.replace("{topic}", "t").replace("{group}", "g")):
            raise ValueError("may hold letters, digits, '.', '_', '-', {topic} and {group}")
        return value

    @field_validator(
        "kafka_tls_ca_file",
        "kafka_tls_cert_file",
        "kafka_tls_key_file",
        "kafka_oauth_token_file",
        "graph_tls_ca_file",
        "naming_file",
        "aliases_file",
    )
    @classmethod
    def _readable(cls, value: Path | None) -> Path | None:
        if value is not None and not (value.is_file() and os.access(value, os.R_OK)):
            raise ValueError(f"{str(value)!r} is not a file that can be read")
        return value

    @model_validator(mode="after")
    def _together(self) -> Settings:
        if self.topic_pattern and "topics" in self.model_fields_set:
            raise ValueError("LINEAGE_TOPICS and LINEAGE_TOPIC_PATTERN exclude each other; set one of them")
        self._proof()
        if bool(self.kafka_tls_cert_file) != bool(self.kafka_tls_key_file):
            raise ValueError("LINEAGE_KAFKA_TLS_CERT_FILE and LINEAGE_KAFKA_TLS_KEY_FILE belong together")
        templates = {name: getattr(self, name) for name in ("dead_letter_topic", "retry_topic", "ledger_topic")}
        for name, template in templates.items():
            made = {self._named(template, topic) for topic in self.topics}
            if not self.topic_pattern and (clash := made & set(self.topics)):
                raise ValueError(f"{variable(name)}: {clash.pop()!r} is itself read as a source")
        if len(set(templates.values())) < 3:
            raise ValueError("LINEAGE_DEAD_LETTER_TOPIC, LINEAGE_RETRY_TOPIC and LINEAGE_LEDGER_TOPIC must differ")
        if "{topic}" not in self.retry_topic and "{topic}" in self.dead_letter_topic + self.ledger_topic:
            raise ValueError("LINEAGE_RETRY_TOPIC needs {topic}, so that each record finds back to its source")
        return self

    def _proof(self) -> None:
        if "SASL" not in self.kafka_security_protocol:
            return
        named = bool(self.kafka_username and self.kafka_password)
        if self.kafka_sasl_mechanism != "OAUTHBEARER" and not named:
            raise ValueError("SASL needs LINEAGE_KAFKA_USERNAME and LINEAGE_KAFKA_PASSWORD")
        if self.kafka_sasl_mechanism == "OAUTHBEARER" and not (
            self.kafka_oauth_token_file or (self.kafka_oauth_token_url and named)
        ):
            raise ValueError(
                "OAUTHBEARER needs LINEAGE_KAFKA_OAUTH_TOKEN_FILE, or LINEAGE_KAFKA_OAUTH_TOKEN_URL with "
                "LINEAGE_KAFKA_USERNAME and LINEAGE_KAFKA_PASSWORD"
            )

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return init_settings, Environment(settings_cls)

    def dead_letters_of(self, topic: str) -> str:
        """The dead-letter topic of a source topic."""
        return self._named(self.dead_letter_topic, topic)

    def retry_of(self, topic: str) -> str:
        """The topic to which dead letters of a source topic are replayed."""
        return self._named(self.retry_topic, topic)

    def ledger_of(self, topic: str) -> str:
        """The topic that tells what became of the dead letters of a source topic."""
        return self._named(self.ledger_topic, topic)

    def source_of(self, topic: str) -> str:
        """The source topic that a retry topic belongs to; any other topic is its own source."""
        head, hole, tail = self.retry_topic.replace("{group}", self.group).partition("{topic}")
        if not hole or not (topic.startswith(head) and topic.endswith(tail) and len(topic) > len(head + tail)):
            return topic
        return topic[len(head) : len(topic) - len(tail)]

    def is_retry(self, topic: str) -> bool:
        """Whether it is a retry topic of ours."""
        return topic == self.retry_of(self.source_of(topic))

    def _named(self, template: str, topic: str) -> str:
        return template.replace("{topic}", topic).replace("{group}", self.group)

    def graph(self) -> GraphSettings:
        """How the graph is reached."""
        password = self.graph_password
        return GraphSettings(
            urls=self.graph_urls,
            username=self.graph_username,
            password=password.get_secret_value() if password else None,
            tls_ca_file=self.graph_tls_ca_file,
            traversal_source=self.graph_traversal_source,
            max_request_bytes=self.graph_request_bytes,
            timeout_seconds=self.graph_timeout_seconds,
            connections=self.batches_in_flight + 1,  # a heartbeat must not wait for a batch
            naming_file=self.naming_file,
            aliases_file=self.aliases_file,
        )

    def graph_at(self, url: str) -> GraphSettings:
        """How another graph is reached, with everything else as it is."""
        return replace(self.graph(), urls=(url,))

    def redacted(self) -> dict[str, Any]:
        """Every setting by its variable, without secrets."""
        dumped = self.model_dump(mode="json")
        return {
            variable(name): "***" if isinstance(getattr(self, name), SecretStr) else value
            for name, value in dumped.items()
        }


def load(**overrides: Any) -> Settings:
    """The settings of this process. Raises BadSettings with every error."""
    try:
        return Settings(**{name: value for name, value in overrides.items() if value is not None})
    except ValidationError as error:
        lines = [sentence(Settings, problem) for problem in error.errors(include_url=False)]
        count = "One setting is" if len(lines) == 1 else f"{len(lines)} settings are"
        raise BadSettings(f"{count} wrong:\n  " + "\n  ".join(lines)) from None

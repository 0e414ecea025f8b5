"""Settings: every error at once and by its variable, and no secret in anything that is printed."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from consumer import environment, settings
from consumer.errors import BadSettings


@pytest.fixture(autouse=True)
def _clean(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("LINEAGE_")]:
        monkeypatch.delenv(name)


def test_the_defaults_need_no_environment() -> None:
    made = settings.load()
    assert made.topics == ("openlineage.events",)
    assert made.dead_letters_of("openlineage.events") == "openlineage.events.lineagegraph.dlq"


def test_a_retry_topic_finds_back_to_its_source() -> None:
    made = settings.load()
    assert made.source_of(made.retry_of("a.b")) == "a.b"
    assert made.source_of("a.b") == "a.b"
    assert [made.is_retry(topic) for topic in (made.retry_of("a.b"), "a.b", made.ledger_of("a.b"))] == [
        True,
        False,
        False,
    ]
    one = settings.load(dead_letter_topic="dead", retry_topic="again", ledger_topic="ledger")
    assert one.is_retry("again")
    assert one.dead_letters_of(one.source_of("again")) == "dead"


def test_all_errors_are_told_at_once_by_variable_with_an_example(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LINEAGE_BATCH_RECORDS", "0")
    monkeypatch.setenv("LINEAGE_START", "tomorrow")
    monkeypatch.setenv("LINEAGE_NAMING_FILE", "/does/not/exist.toml")
    monkeypatch.setenv("LINEAGE_KAFKA_PASSWORD_FILE", "/does/not/exist")
    with pytest.raises(BadSettings) as caught:
        settings.load()
    text = str(caught.value)
    assert text.startswith("4 settings are wrong:")
    assert "LINEAGE_BATCH_RECORDS: must be greater than or equal to 1 (given '0'), for example 1000" in text
    assert "LINEAGE_START: must be 'earliest', 'latest' or 'fail'" in text
    assert "LINEAGE_NAMING_FILE: '/does/not/exist.toml' is not a file" in text
    assert "LINEAGE_KAFKA_PASSWORD_FILE: the file cannot be read" in text


@pytest.mark.parametrize(
    ("variables", "says"),
    [
        ({"LINEAGE_TOPICS": "a", "LINEAGE_TOPIC_PATTERN": "b"}, "exclude each other"),
        ({"LINEAGE_TOPICS": " , "}, "at least one"),
        ({"LINEAGE_TOPIC_PATTERN": "("}, "not a regular expression"),
        ({"LINEAGE_KAFKA_BOOTSTRAP_SERVERS": "kafka"}, "'kafka' is not host:port"),
        ({"LINEAGE_GRAPH_URLS": "http://janus:8182"}, "is not ws://host:port/gremlin"),
        ({"LINEAGE_KAFKA_SECURITY_PROTOCOL": "SASL_SSL"}, "SASL needs LINEAGE_KAFKA_USERNAME"),
        (
            {"LINEAGE_KAFKA_SECURITY_PROTOCOL": "SASL_SSL", "LINEAGE_KAFKA_SASL_MECHANISM": "OAUTHBEARER"},
            "OAUTHBEARER needs LINEAGE_KAFKA_OAUTH_TOKEN_FILE, or",
        ),
        ({"LINEAGE_KAFKA_OAUTH_TOKEN_URL": "https://me:hush@login/token"}, "without user and password, for example"),
        ({"LINEAGE_DEAD_LETTER_TOPIC": "dead letters"}, "LINEAGE_DEAD_LETTER_TOPIC: may hold"),
        ({"LINEAGE_DEAD_LETTER_TOPIC": "{topic}"}, "is itself read"),
        ({"LINEAGE_TOPICS": "a,a.lineagegraph.retry"}, "LINEAGE_RETRY_TOPIC: 'a.lineagegraph.retry' is itself read"),
        ({"LINEAGE_RETRY_TOPIC": "retries"}, "LINEAGE_RETRY_TOPIC needs {topic}"),
        ({"LINEAGE_LEDGER_TOPIC": "{topic}.{group}.dlq"}, "must differ"),
    ],
)
def test_what_does_not_fit_together_is_refused(
    monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], says: str
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(BadSettings, match=r"One setting is wrong") as caught:
        settings.load()
    assert says in str(caught.value)


def test_a_secret_from_a_file_is_used_and_never_shown(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    secret = tmp_path / "password"
    secret.write_text("hush-hush\n")
    monkeypatch.setenv("LINEAGE_KAFKA_PASSWORD_FILE", str(secret))
    monkeypatch.setenv("LINEAGE_GRAPH_PASSWORD", "tell-nobody")
    made = settings.load()
    assert made.kafka_password is not None
    assert made.kafka_password.get_secret_value() == "hush-hush"
    shown = f"{made!r} {made.redacted()} {made.model_dump_json()}"
    assert "hush" not in shown
    assert "tell-nobody" not in shown
    assert environment.origin(settings.Settings, "kafka_password") == "file"
    assert environment.origin(settings.Settings, "graph_password") == "environment"
    assert environment.origin(settings.Settings, "group") == "default"


def test_a_password_in_a_url_is_refused_and_not_repeated(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LINEAGE_GRAPH_URLS", "ws://me:tell-nobody@janus:8182/gremlin")
    with pytest.raises(BadSettings) as caught:
        settings.load()
    assert "LINEAGE_GRAPH_PASSWORD" in str(caught.value)
    assert "tell-nobody" not in str(caught.value)


def test_a_misspelt_variable_is_pointed_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LINEAGE_GROP", "x")
    assert environment.unknown(settings.Settings) == [
        "LINEAGE_GROP is not a setting of the consumer; did you mean LINEAGE_GROUP?"
    ]


def test_settings_cannot_be_changed() -> None:
    with pytest.raises(ValueError, match="frozen"):
        settings.load().group = "other"


def test_every_setting_has_a_description_and_an_example() -> None:
    for name, field in settings.Settings.model_fields.items():
        assert field.description, name
        assert field.examples, name


def test_there_is_a_connection_to_the_graph_that_no_batch_can_take_from_the_heartbeat() -> None:
    assert settings.load(batches_in_flight=3).graph().connections == 4

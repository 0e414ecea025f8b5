"""No secret becomes a fact."""

from __future__ import annotations

import re

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lineagegraph.canonical import lines
from mappers import Malformed, decode, map_event
from mappers.redact import redact, redact_value, without_userinfo
from tests.mappers.events import DEFAULTS, corpus, dataset, run_event, told

S = "hunter2"
JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NSJ9.c2lnbmF0dXJl"
SECRETS = [
    (f"postgres://me:{S}@host/db", "postgres://***@host/db"),
    (f"postgres://me:a/{S}@host/db", "postgres://***@host/db"),
    (f"https://{S}@github.com/x/y", "https://***@github.com/x/y"),
    (f"jdbc:postgresql://h/d?user=me&password={S}&x=1", "jdbc:postgresql://h/d?user=me&password=***&x=1"),
    (f"Server=h;Password={S};Database=d", "Server=h;Password=***;Database=d"),
    (f"database.password={S}", "database.password=***"),
    (f'{{"awsSecretAccessKey": "{S}", "x": 1}}', '{"awsSecretAccessKey": ***, "x": 1}'),
    (f"PGPASSWORD={S} psql", "PGPASSWORD=*** psql"),
    (f"api_key: {S}", "api_key: ***"),
    (f"spark.hadoop.fs.s3a.secret.key => '{S} {S}'", "spark.hadoop.fs.s3a.secret.key => ***"),
    (f'token = "{S} never closed', "token = ***"),
    (f"run --db-password {S} --x 1", "run --db-password *** --x 1"),
    (f"CREATE USER u IDENTIFIED BY '{S}'", "CREATE USER u IDENTIFIED BY ***"),
    (f"Authorization: Bearer {S}{S}", "Authorization: *** ***"),
    ("https://x/y?sig=abc&se=1", "https://x/y?sig=***&se=1"),
    ("key AKIAIOSFODNN7EXAMPLE here", "key *** here"),
    ("ghp_" + "a" * 36, "***"),
    (f"a {JWT} b", "a *** b"),
    (f"-----BEGIN RSA PRIVATE KEY-----\n{S}\n-----END RSA PRIVATE KEY----- after", "*** after"),
    (f"-----BEGIN PRIVATE KEY-----\n{S}", "***"),
]
HARMLESS = [
    "select count(*) from passengers where tokens > 5",
    "abfss://container@account.dfs.core.windows.net/path",
    "s3://bucket/key",
    "mail to me@example.org: done",
    "a significance of 5",
    "http://host:8080/path",
]


@pytest.mark.parametrize(("text", "meant"), SECRETS, ids=[row[0][:20] for row in SECRETS])
def test_a_secret_is_cut_out_of_a_text(text: str, meant: str) -> None:
    assert redact(text) == meant
    long = "x " * 300
    assert redact(long + text) == long + meant


@pytest.mark.parametrize("text", HARMLESS)
def test_a_text_without_secrets_stays(text: str) -> None:
    assert redact(text) == text


@pytest.mark.parametrize("key", ["db_password", "AWS_SECRET_ACCESS_KEY", "token", "x-api-key", "sig"])
def test_the_value_of_a_secret_setting_is_cut_whatever_it_is(key: str) -> None:
    assert redact_value(key, S) == "***"
    assert redact_value("design", S) == S


def test_a_long_text_is_cut_at_its_end() -> None:
    assert redact("x" * 100, most=10) == "x" * 9 + "…"
    assert len(redact("pass " * 100_000)) == 8_000


NAMES = [
    (f"postgres://me:{S}@h:5432", "postgres://h:5432"),
    (f"mssql://me:p@{S}@h", "mssql://h"),
    (f"sqlserver://h;password={S};db=x", "sqlserver://h;password=***;db=x"),
    (f"https://h/x?X-Amz-Signature={S}&a=1", "https://h/x?X-Amz-Signature=***&a=1"),
    (f"mysql://me:a/{S}@h/x", "mysql://h/x"),
    ("http://host:8080/x@y", "http://host:8080/x@y"),
    ("abfss://c@a.dfs.core.windows.net", "abfss://c@a.dfs.core.windows.net"),
    ("s3://lake", "s3://lake"),
    ("kafka://secret-host:9092", "kafka://secret-host:9092"),
    ("airflow@prod", "airflow@prod"),
]


@pytest.mark.parametrize(("name", "meant"), NAMES)
def test_a_name_loses_its_credentials_and_nothing_else(name: str, meant: str) -> None:
    assert without_userinfo(name) == meant


def test_no_secret_of_any_facet_that_is_stored_reaches_the_facts() -> None:
    text = f"postgres://me:{S}@host/db"
    event = run_event(
        run={
            "errorMessage": {"message": text},
            "environmentVariables": {"environmentVariables": [{"name": "PASSWORD", "value": S}]},
            "nominalTime": {"nominalStartTime": f"password={S}"},
            "processing_engine": {"name": f"token={S}", "version": f"token={S}"},
            "debezium_config": {"configs": [f"database.password={S}"]},
        },
        job={
            "sql": {"query": f"connect '{text}'"},
            "documentation": {"description": text},
            "sourceCode": {"language": "python", "sourceCode": text},
            "sourceCodeLocation": {"url": text, "repoUrl": text, "path": text, "version": f"token={S}"},
            "tags": {"tags": [{"key": "password", "value": S}, {"key": "x", "value": text}]},
            "jobType": {"integration": f"token={S}", "processingType": f"token={S}"},
        },
        inputs=[
            dataset(
                "t",
                {
                    "documentation": {"description": text},
                    "catalog": {"framework": "x", "metadataUri": text, "warehouseUri": text, "token": S},
                    "dataSource": {"uri": text},
                    "schema": {"fields": [{"name": "x", "type": text, "description": text}]},
                    "storage": {"storageLayer": text},
                    "symlinks": {"identifiers": [{"namespace": text, "name": text, "type": "TABLE"}]},
                },
                namespace=text,
            )
        ],
    )
    assert S not in "\n".join(told(event, buckets=True))
    for line in lines(map_event(decode(orjson.dumps(event)), DEFAULTS).facts):
        assert S not in line


def test_no_secret_of_the_corpus_reaches_the_facts() -> None:
    secret = re.compile(rb'"[\w.-]*(?:password|secret|token)[\w.-]*=([^"]{4,})"', re.I)
    secrets = {match for value in corpus() for match in secret.findall(value)}
    assert secrets == {b"postgres"}  # the password of Debezium's example; it is also a scheme and a user's name
    found = []
    for value in corpus("datahub-ol-events.ndjson"):
        try:
            found += list(lines(map_event(decode(value), DEFAULTS).facts))
        except Malformed:
            continue
    assert any("debezium" in line for line in found)
    assert [line for line in found if "postgres" in line or "password" in line] == []


@given(st.text(max_size=300))
def test_redaction_never_fails_and_never_grows_beyond_its_limit(text: str) -> None:
    assert len(redact(text, most=50)) <= 50
    assert redact(redact(text)) == redact(redact(redact(text)))


@pytest.mark.parametrize(
    "part", ["://a:", "token", "-", "eyJ-", '"\\', "a'", "identified by ", "auth-", "BEGIN ", "?sig="]
)
def test_no_text_makes_the_search_slow(part: str) -> None:
    redact("password " + part * 8_000)
    without_userinfo("s3://x?" + part * 400)

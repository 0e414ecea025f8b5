"""Names to vertices: one table has one key, whoever writes it."""

from __future__ import annotations

import pytest

from lineagegraph.naming import Naming
from mappers import names
from tests.mappers.events import DEFAULTS, Json, dataset, mapped, run_event, told

SPELLINGS = [
    (("s3a://lake", "/gold/customers/"), ("s3://lake", "gold/customers")),
    (("s3n://lake/", "gold//customers"), ("s3://lake", "gold/customers")),
    (("S3://lake", "gold/customers"), ("s3://lake", "gold/customers")),
    (("s3://lake", "/"), ("s3://lake", "/")),
    (("gs://bucket", "/x"), ("gs://bucket", "x")),
    (("abfs://c@acc.dfs.core.windows.net", "/x"), ("abfss://c@acc.dfs.core.windows.net", "x")),
    (("abfss://other@acc.dfs.core.windows.net", "x"), ("abfss://other@acc.dfs.core.windows.net", "x")),
    (("wasb://c@acc.blob.core.windows.net", "x"), ("wasbs://c@acc.blob.core.windows.net", "x")),
    (("file", "/warehouse/lake//orders/"), ("file", "/warehouse/lake/orders")),
    (("file://", "/x"), ("file", "/x")),
    (("file:///", "/x"), ("file", "/x")),
    (("file:", "/x"), ("file", "/x")),
    (("FILE", "/x"), ("file", "/x")),
    (("file://host", "/x"), ("file://host", "/x")),
    (("hdfs://nn:8020/", "/x/"), ("hdfs://nn:8020", "/x")),
    (("hdfs://nn:8020", "/x/dt=2026-01-01/hour=7"), ("hdfs://nn:8020", "/x")),
    (("s3://lake", "x/dt=2026-01-01/"), ("s3://lake", "x")),
    (("s3://lake", "dt=2026-01-01"), ("s3://lake", "dt=2026-01-01")),
    (("file", "/x/dt=1/part-0.parquet"), ("file", "/x/dt=1/part-0.parquet")),
    (("file", "/=x"), ("file", "/=x")),
    (("postgres://host:5432", "shop.public.orders"), ("postgres://host:5432", "shop.public.orders")),
    (("postgres://me:hunter2@host:5432", "a.b.c"), ("postgres://host:5432", "a.b.c")),
    (("mysql://me@host", "a.b"), ("mysql://host", "a.b")),
    (("sqlserver://h;database=d;password=hunter2", "t"), ("sqlserver://h;database=d;password=***", "t")),
    (("kafka://token-broker:9092", "topic"), ("kafka://token-broker:9092", "topic")),
    (("trino://host:8080", "c.s.t"), ("trino://host:8080", "c.s.t")),
    (("bigquery", "p.d.t"), ("bigquery", "p.d.t")),
    (("duckdb:///shop.duckdb", "shop.main.t"), ("duckdb:///shop.duckdb", "shop.main.t")),
    (("inmemory://", "x"), ("inmemory://", "x")),
]


@pytest.mark.parametrize(("spelt", "key"), SPELLINGS, ids=[" ".join(row[0]) for row in SPELLINGS])
def test_all_spellings_of_a_name_are_one_key(spelt: tuple[str, str], key: tuple[str, str]) -> None:
    assert names.dataset(*spelt, DEFAULTS).key == key
    assert names.dataset(*key, DEFAULTS).key == key


LOCATIONS = [
    (("file", "/warehouse/orders"), True),
    (("file:/warehouse/lake", "bronze.orders"), False),
    (("s3://bucket", "warehouse/db/orders"), True),
    (("s3://bucket", "orders"), False),
    (("s3://bucket/warehouse", "table/db/orders"), False),
    (("hdfs://nn:8020", "/user/hive/warehouse/t"), True),
    (("hive://m:9083", "db.orders"), False),
    (("arn:aws:glue:eu-west-1:1234", "table/db/orders"), False),
    (("http://polaris:8181/api/catalog", "ns.orders"), False),
    (("snowflake://org-acc", "WH.NS.T"), False),
]


@pytest.mark.parametrize(("name", "is_place"), LOCATIONS, ids=str)
def test_a_place_in_a_store_is_told_from_a_catalogues_name(name: tuple[str, str], is_place: bool) -> None:
    assert names.is_location(*name) is is_place


def _linked(table: Json, *links: tuple[str, str, str]) -> set[str]:
    identifiers = [dict(zip(("namespace", "name", "type"), link, strict=True)) for link in links]
    event = run_event("RUNNING", inputs=[{**table, "facets": {"symlinks": {"identifiers": identifiers}}}])
    return {line for line in told(event) if "SAME_AS" in line or "claimed_by" in line}


SYMLINKS = [
    (
        "Iceberg, hadoop catalogue",
        dataset("/w/lake/bronze/orders", namespace="file"),
        ("file:/w/lake", "bronze.orders", "TABLE"),
        ("file /w/lake/bronze/orders", "file:/w/lake bronze.orders"),
    ),
    (
        "Iceberg, REST catalogue",
        dataset("warehouse/ns/t", namespace="s3://b"),
        ("http://polaris:8181/api/catalog", "ns.t", "TABLE"),
        ("s3://b warehouse/ns/t", "http://polaris:8181/api/catalog ns.t"),
    ),
    (
        "Glue",
        dataset("warehouse/db/t", namespace="s3://b"),
        ("arn:aws:glue:eu-west-1:1", "table/db/t", "TABLE"),
        ("s3://b warehouse/db/t", "arn:aws:glue:eu-west-1:1 table/db/t"),
    ),
    (
        "Snowflake gives the place as the link",
        dataset("WH.NS.T", namespace="snowflake://acc"),
        ("s3://b", "wh/ns/t", "TABLE"),
        ("s3://b wh/ns/t", "snowflake://acc WH.NS.T"),
    ),
    (
        "Hive gives the place as the link",
        dataset("db.t", namespace="hive://m:9083"),
        ("hdfs://nn", "/w/db.db/t", "LOCATION"),
        ("hdfs://nn /w/db.db/t", "hive://m:9083 db.t"),
    ),
    (
        "Flink names the table of a topic",
        dataset("topic", namespace="kafka://k:9092"),
        ("kafka://k:9092", "cat.db.t", "TABLE"),
        ("kafka://k:9092 topic", "kafka://k:9092 cat.db.t"),
    ),
]


@pytest.mark.parametrize(("what", "table", "link", "meant"), SYMLINKS, ids=[row[0] for row in SYMLINKS])
def test_the_place_claims_the_catalogues_name(
    what: str, table: Json, link: tuple[str, str, str], meant: tuple[str, str]
) -> None:
    physical, logical = meant
    space, _, rest = physical.partition(" ")
    assert _linked(table, link) == {
        f"{physical} SAME_AS {logical}",
        f'{logical} claimed_by=["{space}","{rest}"]',
    }


@pytest.mark.parametrize(
    "link", [("s3://aws-bucket", "/", "LOCATION"), ("db", "t", "TABLE"), ("db", "t/dt=1", "TABLE")]
)
def test_a_catch_all_and_the_dataset_itself_are_no_other_name(link: tuple[str, str, str]) -> None:
    assert _linked(dataset("t"), link) == set()


def test_every_name_of_several_is_claimed() -> None:
    found = _linked(dataset("/w/t", namespace="file"), ("hive://m", "db.t", "TABLE"), ("glue", "table/db/t", "TABLE"))
    assert {line for line in found if "SAME_AS" in line} == {
        "file /w/t SAME_AS hive://m db.t",
        "file /w/t SAME_AS glue table/db/t",
    }


ARTIFICIAL = [
    dataset("/w/out/_temporary/0/task", namespace="file"),
    dataset("w/t/.spark-staging-5", namespace="s3://b"),
    dataset("/w/t/.hive-staging_hive_2026", namespace="hdfs://nn"),
    dataset("/tmp/hive/me/5f", namespace="hdfs://nn"),
    dataset(".spark-bigquery-local-5", namespace="gs://temp"),
    dataset("/w/t/_delta_log", namespace="file"),
    dataset("/w/t/_spark_metadata/0", namespace="file"),
    dataset("shop.main_dbt_test__audit.not_null_orders_id", namespace="duckdb://x"),
    dataset("x", {"datasetType": {"datasetType": "JOB_OUTPUT", "subType": "TEMPORARY"}}),
    dataset("x", {"datasetType": {"datasetType": "job_output", "subType": "temporary"}}),
]
REAL = [
    dataset("/tmp/outputs/1729097570970", namespace="file"),
    dataset("/files/temp/data.txt", namespace="file"),
    dataset("/data/tmp/hive/x", namespace="file"),
    dataset("w/temporary/t", namespace="s3://b"),
    dataset("tmp_demo.user_counts"),
    dataset("shop.dbt_test.audit"),
    dataset("x", {"datasetType": {"datasetType": "JOB_OUTPUT"}}),
    dataset("x", {"datasetType": {"datasetType": "VIEW", "subType": "TEMPORARY"}}),
]


@pytest.mark.parametrize("it", ARTIFICIAL, ids=lambda it: str(it["name"]))
@pytest.mark.parametrize("role", ["inputs", "outputs"])
def test_a_dataset_that_never_was_leaves_no_trace(it: Json, role: str) -> None:
    both = run_event(**{role: [it, dataset("kept")]})
    assert mapped(both) == mapped(run_event(**{role: [dataset("kept")]}))


@pytest.mark.parametrize("it", REAL, ids=lambda it: str(it["name"]))
def test_a_dataset_that_only_sounds_artificial_stays(it: Json) -> None:
    assert mapped(run_event(inputs=[it])) != mapped(run_event())


def test_facets_stay_with_their_dataset_when_another_is_left_out() -> None:
    described = [dataset("a", {"documentation": {"description": "of a"}}), dataset("b")]
    event = run_event(inputs=[ARTIFICIAL[0], *described], outputs=[ARTIFICIAL[1], *described])
    assert {line for line in told(event) if "of a" in line} == {'a description="of a"'}


def test_the_default_filters_can_be_switched_off(tmp_path: object) -> None:
    rules = Naming(Naming().rules.model_copy(update={"default_filters": False}))
    for it in ARTIFICIAL:
        assert mapped(run_event(inputs=[it]), rules) != mapped(run_event(), rules)


JOBS = [
    ("20260101_120000_00042_abcde", "query"),
    ("app.outputs_1729097570970", "app.outputs"),
    ("app_1729097570970_b", "app_b"),
    ("etl_20260101_123000", "etl"),
    ("etl-20260101T123000-part", "etl-part"),
    ("glue-job.jr_" + "0a" * 32, "glue-job"),
    ("1729097570970", "1729097570970"),
    ("daily_2026", "daily_2026"),
    ("load_20260101", "load_20260101"),
    ("shop.main.shop.orders.build.run", "shop.main.shop.orders.build.run"),
]


@pytest.mark.parametrize(("name", "meant"), JOBS)
def test_a_job_that_carries_a_query_id_or_a_moment_is_one_pipeline(name: str, meant: str) -> None:
    assert names.pipeline("jobs", name, DEFAULTS).key == ("jobs", meant)


def test_jobs_are_normalised_wherever_they_are_named() -> None:
    job = {"namespace": "jobs", "name": "dag_20260101_123000"}
    facets = {
        "parent": {"run": {"runId": "p"}, "job": job},
        "jobDependencies": {"upstream": [{"job": job}]},
    }
    found = told(run_event(run=facets))
    assert {"run:p RUN_OF job:dag", "job:job PARENT_PIPELINE job:dag", "job:job DEPENDS_ON job:dag"} <= found


def test_a_run_that_is_its_own_parent_has_none() -> None:
    own = {"run": {"runId": "1"}, "job": {"namespace": "jobs", "name": "job"}}
    assert told(run_event(run={"parent": own})) == told(run_event())
    assert told(run_event(run={"parent": {**own, "root": own}})) == told(run_event())

"""Each facet of the table: one that fits adds exactly these facts, one that does not costs only itself."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

import orjson
import pytest

from mappers import FACETS, decode, map_event
from tests.mappers.events import DEFAULTS, Json, dataset, dataset_event, job_event, lines, mapped, run_event, told

A = {"namespace": "db", "name": "a"}
LONG = "x" * 2_049


@dataclass(frozen=True)
class Case:
    """A facet and what it adds to the facts of an event; `without` is what it takes from them."""

    where: str
    key: str
    facet: Any
    adds: set[str] = field(default_factory=set)
    role: str = "output"
    kind: str = "COMPLETE"
    beside: Json = field(default_factory=dict)  # other facets of the same place

    def __str__(self) -> str:
        return f"{self.where}.{self.key}"

    def event(self, facet: Any) -> Json:
        facets = {**self.beside, **({} if facet is None else {self.key: facet})}
        match self.where, self.role:
            case (("run" | "job"), _):
                return run_event(self.kind, outputs=[dataset("t")], **{self.where: facets})
            case "dataset", "dataset":
                return dataset_event("t", facets)
            case "dataset", _:
                return run_event(self.kind, **{f"{self.role}s": [dataset("t", facets)]})
        return run_event(self.kind, **{f"{self.where}s": [{**dataset("t"), f"{self.where}Facets": facets}]})


def json_text(value: Any) -> str:
    """JSON inside a JSON text, without its quotes."""
    return orjson.dumps(orjson.dumps(value).decode()).decode()[1:-1]


def column_lineage(**columns: list[Json]) -> Json:
    return {"fields": {column: {"inputFields": sources} for column, sources in columns.items()}}


FITS = [
    Case(
        "run",
        "parent",
        {"run": {"runId": "P"}, "job": {"namespace": "jobs", "name": "dag"}},
        {"run:p RUN_OF job:dag", "run:1 PARENT run:p", "job:job PARENT_PIPELINE job:dag"},
    ),
    Case(
        "run",
        "parent",
        {
            "run": {"runId": "p"},
            "job": {"namespace": "jobs", "name": "task"},
            "root": {"run": {"runId": "r"}, "job": {"namespace": "jobs", "name": "dag"}},
        },
        {
            "run:p RUN_OF job:task",
            "run:1 PARENT run:p",
            "job:job PARENT_PIPELINE job:task",
            "run:r RUN_OF job:dag",
            "run:p PARENT run:r",
            "job:task PARENT_PIPELINE job:dag",
        },
    ),
    Case("run", "parent", {"run": {"runId": ""}, "job": A}, {"job:job PARENT_PIPELINE job:db a"}),
    Case(
        "run",
        "parentRun",
        {"run": {"runId": "p"}, "job": {"namespace": "jobs", "name": "dag"}},
        {"run:p RUN_OF job:dag", "run:1 PARENT run:p", "job:job PARENT_PIPELINE job:dag"},
    ),
    Case(
        "run",
        "nominalTime",
        {"nominalStartTime": "2026-01-01T00:00:00Z"},
        {'run:1 nominal_time=["2026-01-01T00:00:00Z",null]'},
    ),
    Case("run", "errorMessage", {"message": "no such table"}, {'run:1 error="no such table"'}),
    Case("run", "errorMessage", {"message": "login with password=hunter2"}, {'run:1 error="login with password=***"'}),
    Case("run", "spark.exception", {"message": "Job aborted", "stackTrace": "at …"}, {'run:1 error="Job aborted"'}),
    Case("run", "spark.exception", {"stackTrace": "at …"}),
    Case(
        "run",
        "processing_engine",
        {"name": "Spark", "version": "3.5.7"},
        {'run:1 engine=["Spark","3.5.7"]', 'job:job pipeline_type="spark"'},
    ),
    Case("run", "processing_engine", {"version": "3.5.7"}, {'run:1 engine=[null,"3.5.7"]'}),
    Case(
        "run",
        "jobDependencies",
        {"upstream": [{"job": {"namespace": "jobs", "name": "before"}}], "downstream": [{"job": A}]},
        {"job:job DEPENDS_ON job:before", "job:db a DEPENDS_ON job:job"},
    ),
    Case(
        "job",
        "jobType",
        {"integration": "DBT", "processingType": "batch", "jobType": "MODEL"},
        {'job:job pipeline_type="dbt"', 'job:job processing_type="BATCH"'},
    ),
    Case("job", "sql", {"query": "select 1"}, {'job:job sql="select 1"'}),
    Case(
        "job",
        "sql",
        {"query": "create user x identified by 'y'", "dialect": "DuckDB"},
        {'job:job sql="create user x identified by ***"', 'job:job pipeline_type="duckdb"'},
    ),
    Case(
        "job",
        "sourceCodeLocation",
        {"type": "git", "url": "https://user:pw@git/x", "path": "a.py", "version": "abc", "pullRequestNumber": "7"},
        {
            'job:job source_location={"path":"a.py","url":"https://***@git/x"}',
            'job:job version="abc"',
            'run:1 pipeline_version="abc"',
        },
    ),
    Case("job", "documentation", {"description": "Daily."}, {'job:job description="Daily."'}),
    Case("job", "ownership", {"owners": [{"name": "team", "type": "OWNER"}]}, {'job:job owners=[["team","OWNER"]]'}),
    Case(
        "job",
        "tags",
        {"tags": [{"key": "tier", "value": 1}, {"key": "db_password", "value": "hunter2"}, {"key": "flag"}]},
        {'job:job tags=[["db_password","***",null],["flag",null,null],["tier","1",null]]'},
    ),
    Case(
        "job",
        "lineage",
        {"entries": [{"namespace": "db", "name": "t", "type": "DATASET", "inputs": [A]}]},
        {"t DERIVED_FROM a", "job:job STATES_LINEAGE_OF t", 'a dataset_id="a"'},
    ),
    Case(
        "dataset",
        "schema",
        {
            "fields": [
                {"name": "id", "type": "bigint", "description": "The key."},
                {"name": "at", "fields": [{"name": "x", "type": "int"}]},
            ]
        },
        {
            "t HAS_SCHEMA schema:t",
            "t HAS_COLUMN t#id",
            "t HAS_COLUMN t#at",
            "t HAS_COLUMN t#at.x",
            't schema=["36e0e49e6be31cb8","1"]',
            'schema:t fields="'
            + json_text([["id", "bigint", "The key."], ["at", None, None], ["at.x", "int", None]])
            + '"',
            "schema:t first_stated_on=1795305600000",
            "schema:t last_stated_on=1795305600000",
        },
    ),
    Case("dataset", "schema", {"fields": []}),
    Case(
        "dataset",
        "version",
        {"datasetVersion": "5974101018787936586"},
        {
            "t@5974101018787936586 VERSION_OF t",
            "run:1 READ_AT_START t@5974101018787936586",
            't version=["5974101018787936586",null]',
            "t@5974101018787936586 first_named_at=1795341600000",
        },
        role="input",
        kind="START",
    ),
    Case(
        "dataset",
        "version",
        {"datasetVersion": "7"},
        {
            "t@7 VERSION_OF t",
            "run:1 READ_LATER t@7",
            't version=["7",null]',
            "t@7 first_named_at=1795341600000",
        },
        role="input",
    ),
    Case(
        "dataset",
        "version",
        {"datasetVersion": "7"},
        {
            "t@7 VERSION_OF t",
            "run:1 WROTE_NAMED t@7",
            't version=["7","1"]',
            "t@7 first_named_at=1795341600000",
            't@7 first_output_namer="1"',
        },
    ),
    Case(
        "dataset",
        "version",
        {"datasetVersion": 5.974101018787936e18},
        {
            "t@~5.974101018787936e+18 VERSION_OF t",
            't version=["~5.974101018787936e+18",null]',
            "t@~5.974101018787936e+18 first_named_at=1795341600000",
        },
        role="dataset",
    ),
    Case(
        "dataset",
        "symlinks",
        {"identifiers": [{"namespace": "hive://m", "name": "db.t", "type": "TABLE"}]},
        {"t SAME_AS hive://m db.t", 'hive://m db.t claimed_by=["db","t"]', 'hive://m db.t dataset_id="db/t"'},
    ),
    Case(
        "dataset",
        "lifecycleStateChange",
        {"lifecycleStateChange": "drop"},
        {'t lifecycle=["DROP",null,"1"]', 'run:1 lifecycle=[["db","t","DROP",null]]'},
        role="input",
    ),
    Case(
        "dataset",
        "lifecycleStateChange",
        {"lifecycleStateChange": "RENAME", "previousIdentifier": A},
        {
            'a dataset_id="a"',
            "a RENAMED_TO t",
            't lifecycle=["RENAME",["db","a"],"1"]',
            'run:1 lifecycle=[["db","t","RENAME",["db","a"]]]',
        },
    ),
    Case("dataset", "datasetType", {"datasetType": "view", "subType": "x"}, {'t dataset_type=["VIEW","x"]'}),
    Case(
        "dataset",
        "catalog",
        {"framework": "iceberg", "type": "rest", "name": "c", "catalogProperties": {"token": "hunter2"}},
        {'t catalog={"framework":"iceberg","name":"c","type":"rest"}'},
    ),
    Case(
        "dataset",
        "storage",
        {"storageLayer": "iceberg", "fileFormat": "parquet"},
        {'t storage=["iceberg","parquet"]'},
    ),
    Case("dataset", "documentation", {"description": "All of them."}, {'t description="All of them."'}),
    Case("dataset", "ownership", {"owners": [{"name": "team"}]}, {'t owners=[["team",null]]'}),
    Case(
        "dataset",
        "tags",
        {"tags": [{"key": "pii", "value": True, "field": "id"}, {"key": "gold"}]},
        {'t tags=[["gold",null]]', 't#id tags=[["pii","true"]]', "t HAS_COLUMN t#id"},
    ),
    Case(
        "dataset",
        "lineage",
        {"inputs": [A], "fields": {"x": {"inputs": [{**A, "field": "y"}]}}},
        {
            "t DERIVED_FROM a",
            'a dataset_id="a"',
            "t#x DERIVED_FROM a#y",
            "t HAS_COLUMN t#x",
            "a HAS_COLUMN a#y",
            "t HAS_COLUMN_LINEAGE lineage:t",
            'lineage:t fields=[["x","db","a","y",[]]]',
            "lineage:t last_stated_on=1795305600000",
        },
        role="dataset",
    ),
    Case(
        "dataset",
        "columnLineage",
        column_lineage(x=[{**A, "field": "y", "transformations": [{"type": "DIRECT", "subtype": "IDENTITY"}]}]),
        {
            "t DERIVED_FROM a",
            'a dataset_id="a"',
            "t#x DERIVED_FROM a#y",
            "t HAS_COLUMN t#x",
            "a HAS_COLUMN a#y",
            "t HAS_COLUMN_LINEAGE lineage:t",
            'lineage:t fields=[["x","db","a","y",[["DIRECT","IDENTITY",false]]]]',
            "lineage:t last_stated_on=1795305600000",
            "job:job STATES_LINEAGE_OF t",
        },
    ),
    Case("dataset", "columnLineage", column_lineage(x=[])),
    Case(
        "dataset",
        "feast_featureView",
        {"name": "fv", "features": ["b", "a"], "entities": [{"name": "driver"}], "ttl_seconds": 60},
        {
            "job:job PRODUCES feature:fv",
            "run:1 WROTE feature:fv",
            'feature:fv feature_names=["a","b"]',
            'feature:fv entities=["driver"]',
            "feature:fv ttl=60",
        },
    ),
    Case(
        "dataset",
        "feast_featureView",
        {"name": "fv", "features": ["a"]},
        {"run:1 READ feature:fv", 'feature:fv feature_names=["a"]', "feature:fv entities=[]"},
        role="input",
    ),
    Case(
        "dataset",
        "feast_dataSource",
        {"name": "t"},
        {
            "s3://lake gold/customers SAME_AS t",
            't claimed_by=["s3://lake","gold/customers"]',
            's3://lake gold/customers dataset_id="gold/customers"',
            's3://lake gold/customers layer="gold"',
        },
        role="input",
        beside={"dataSource": {"name": "t", "uri": "s3a://lake/gold/customers/"}},
    ),
    Case("dataset", "feast_dataSource", {"name": "t"}, beside={"dataSource": {"uri": "query://5"}}),
    Case(
        "input",
        "icebergScanReport",
        {"snapshotId": 5.974101018787936e18},
        {
            "run:1 READ_SCANNED t@~5.974101018787936e+18",
            "t@~5.974101018787936e+18 VERSION_OF t",
            "t@~5.974101018787936e+18 first_named_at=1795341600000",
        },
    ),
    Case("input", "icebergScanReport", {"snapshotId": -1}),
    Case(
        "output",
        "icebergCommitReport",
        {"snapshotId": 5974101018787936586},
        {
            "run:1 WROTE_REPORTED t@5974101018787936586",
            "t@5974101018787936586 VERSION_OF t",
            "t@5974101018787936586 first_named_at=1795341600000",
            't@5974101018787936586 first_output_namer="1"',
        },
    ),
    Case(
        "output",
        "outputStatistics",
        {"rowCount": 5.0, "size": 100},
        {'run:1 statistics=[["db","t",5,100,null]]'},
    ),
    Case("output", "stats", {"rowCount": 5}, {'run:1 statistics=[["db","t",5,null,null]]'}),
]

UNFIT = [
    Case("run", "parent", {"run": {"runId": "p"}, "job": {"namespace": "jobs"}}),
    Case("run", "parent", {"run": {"runId": "p"}, "root": {"run": {"runId": 5}}}),
    Case("run", "parentRun", {}),
    Case("run", "nominalTime", {"nominalStartTime": 5}),
    Case("run", "errorMessage", {"stackTrace": "at …"}),
    Case("run", "spark.exception", {"message": ["x"]}),
    Case("run", "processing_engine", {"name": {"x": 1}}),
    Case("run", "processing_engine", {"name": "spark", "version": 3}),
    Case("run", "jobDependencies", {"upstream": [{"job": A}, {"job": {"name": "x"}}]}),
    Case("job", "jobType", {"jobType": "QUERY"}),
    Case("job", "jobType", {"integration": "SPARK", "processingType": 1}),
    Case("job", "sql", {"dialect": "duckdb"}),
    Case("job", "sourceCodeLocation", {"url": 1, "version": "x"}),
    Case("job", "documentation", {"description": {}}),
    Case("job", "ownership", {"owners": [{"no-name": "x"}]}),
    Case("job", "tags", {"tags": [{"key": "x"}, {"value": "y"}]}),
    Case("job", "tags", {"tags": [{"key": "x", "value": {"password": "hunter2"}}]}),
    Case("job", "lineage", {"entries": [{**A, "inputs": [A]}, {"namespace": "db", "inputs": [A]}]}),
    Case("job", "lineage", {"entries": [{**A, "inputs": [{"name": "x"}]}]}),
    Case("dataset", "schema", {"fields": [{"name": "ok"}, {"type": "int"}]}),
    Case("dataset", "schema", {"fields": [{"name": "a\nb"}]}),
    Case("dataset", "schema", {"fields": {"id": "int"}}),
    Case("dataset", "version", {"datasetVersion": "~5.0"}),
    Case("dataset", "version", {"datasetVersion": LONG}),
    Case("dataset", "version", {}),
    Case("dataset", "version", {"datasetVersion": True}),
    Case("dataset", "symlinks", {"identifiers": [{"namespace": "n", "name": "x"}, {"name": "x"}]}),
    Case("dataset", "lifecycleStateChange", {"lifecycleStateChange": None}),
    Case(
        "dataset",
        "lifecycleStateChange",
        {"lifecycleStateChange": "RENAME", "previousIdentifier": {"name": "x"}},
    ),
    Case("dataset", "datasetType", {"subType": "x"}),
    Case("dataset", "catalog", {"framework": "iceberg", "name": 5}),
    Case("dataset", "storage", {"storageLayer": []}),
    Case("dataset", "documentation", {"description": 5}),
    Case("dataset", "ownership", {"owners": "me"}),
    Case("dataset", "tags", {"tags": [{"key": "x"}, {"key": "y", "field": "a\x00b"}]}),
    Case("dataset", "lineage", {"inputs": [A, {"namespace": ""}]}, role="dataset"),
    Case("dataset", "columnLineage", column_lineage(x=[{**A, "field": "y"}], z=[{"name": "a", "field": "y"}])),
    Case("dataset", "columnLineage", {"fields": ["x"]}),
    Case("dataset", "feast_featureView", {"name": "fv", "features": "all"}),
    Case("dataset", "feast_featureView", {"name": "fv", "features": [None]}),
    Case("dataset", "feast_dataSource", {"name": "t"}, beside={"dataSource": "s3://lake/x"}),
    Case("input", "icebergScanReport", {"snapshotId": "none"}),
    Case("input", "icebergScanReport", {"snapshotId": 1e19}),
    Case("output", "icebergCommitReport", {"snapshotId": 5.5}),
    Case("output", "outputStatistics", {"rowCount": "wrong"}),
    Case("output", "outputStatistics", {"rowCount": 1e300}),
    Case("output", "stats", {"rowCount": True}),
]


@pytest.mark.parametrize("case", FITS, ids=str)
def test_a_facet_that_fits_states_these_facts_and_no_others(case: Case) -> None:
    facet = {"_producer": "https://p", "_schemaURL": "https://s", **case.facet}
    assert told(case.event(facet)) - told(case.event(None)) == case.adds
    assert mapped(case.event(facet)).bad_facets == ()


@pytest.mark.parametrize("case", FITS, ids=str)
def test_a_facet_without_producer_and_schema_says_the_same(case: Case) -> None:
    assert told(case.event(case.facet)) - told(case.event(None)) == case.adds


@pytest.mark.parametrize("case", [*UNFIT, *(Case(c.where, c.key, "text", role=c.role) for c in FITS)], ids=str)
def test_a_facet_that_does_not_fit_costs_only_itself(case: Case) -> None:
    found = mapped(case.event(case.facet))
    assert [(bad.where, bad.facet) for bad in found.bad_facets] == [(case.where, case.key)]
    assert lines(found.facts) - told(case.event(None)) <= {f'run:1 bad_facets=["{case.where}.{case.key}"]'}
    assert told(case.event(None)) <= lines(found.facts)


@pytest.mark.parametrize("case", [*FITS, *UNFIT], ids=str)
def test_a_facet_that_is_null_is_absent(case: Case) -> None:
    event = case.event({})
    text = orjson.dumps(event).replace(f'"{case.key}":{{}}'.encode(), f'"{case.key}":null'.encode())
    assert text != orjson.dumps(event)
    assert mapped(orjson.loads(text)) == mapped(case.event(None))


def test_every_facet_that_is_used_has_a_case_that_fits_and_one_that_does_not() -> None:
    used = {key for key, row in FACETS.items() if row.read is not None}
    assert {(case.where, case.key) for case in FITS} == used
    assert {(case.where, case.key) for case in UNFIT} == used


STANDARD = {  # OpenLineage 1.54, spec/facets and spec/registry
    "run": "parent nominalTime errorMessage externalQuery extractionError processing_engine environmentVariables "
    "executionParameters jobDependencies tags test gcp_composer_run gcp_dataproc",
    "job": "jobType sql sourceCode sourceCodeLocation documentation ownership tags lineage gcp_composer_job "
    "gcp_lineage",
    "dataset": "schema dataSource columnLineage version catalog symlinks storage lifecycleStateChange datasetType "
    "hierarchy documentation ownership tags dataQualityMetrics dataQualityAssertions lineage",
    "input": "inputStatistics dataQualityMetrics dataQualityAssertions subset icebergScanReport",
    "output": "outputStatistics subset icebergCommitReport",
}


@pytest.mark.parametrize(("where", "keys"), STANDARD.items())
def test_every_standard_facet_has_a_row(where: str, keys: str) -> None:
    assert [key for key in keys.split() if (where, key) not in FACETS] == []


IGNORED = [key for key, row in FACETS.items() if row.says.startswith("ignored")]


@pytest.mark.parametrize(("where", "key"), [*IGNORED, ("run", "my_own"), ("dataset", "my_own")])
def test_an_ignored_facet_states_nothing(where: str, key: str) -> None:
    for facet in ({"name": "x", "password": "hunter2"}, [1], "text"):
        case = Case(where, key, facet)
        assert mapped(case.event(facet)) == mapped(case.event(None))


@pytest.mark.parametrize("row", FACETS.values(), ids=lambda row: f"{row.where}.{row.key}")
def test_a_row_says_what_is_used_or_why_it_is_ignored(row: Any) -> None:
    if row.read is None:
        assert row.says.startswith(("ignored: ", "used "))
    else:
        assert not row.says.startswith("ignored")


DELETED = {
    ("job", "jobType"): {"job:job pipeline_type=null", "job:job processing_type=null"},
    ("job", "sql"): {"job:job sql=null"},
    ("job", "sourceCodeLocation"): {"job:job source_location=null", "job:job version=null"},
    ("job", "documentation"): {"job:job description=null"},
    ("job", "ownership"): {"job:job owners=null"},
    ("job", "tags"): {"job:job tags=null"},
    ("job", "lineage"): set(),
    ("dataset", "schema"): {"t schema=null"},
    ("dataset", "version"): {"t version=null"},
    ("dataset", "datasetType"): {"t dataset_type=null"},
    ("dataset", "catalog"): {"t catalog=null"},
    ("dataset", "storage"): {"t storage=null"},
    ("dataset", "documentation"): {"t description=null"},
    ("dataset", "ownership"): {"t owners=null"},
    ("dataset", "tags"): {"t tags=null"},
    ("dataset", "symlinks"): set(),
    ("dataset", "lifecycleStateChange"): set(),
    ("dataset", "lineage"): set(),
    ("dataset", "columnLineage"): set(),
}


@pytest.mark.parametrize(("key", "adds"), DELETED.items(), ids=[".".join(key) for key in DELETED])
def test_a_deleted_facet_says_from_now_on_nothing(key: tuple[str, str], adds: set[str]) -> None:
    where, facet = key
    facets = {facet: {"_deleted": True}}
    with_it = job_event(job=facets) if where == "job" else dataset_event("t", facets)
    without = job_event() if where == "job" else dataset_event("t", {})
    assert told(with_it) - told(without) == adds
    assert mapped(with_it).bad_facets == ()


def test_every_job_and_dataset_facet_that_is_used_may_be_deleted() -> None:
    ours = {("dataset", "feast_featureView"), ("dataset", "feast_dataSource")}
    assert {k for k, row in FACETS.items() if row.read and k[0] in ("job", "dataset")} - ours == set(DELETED)


def test_statistics_in_their_old_place_are_read() -> None:
    event = run_event(outputs=[dataset("t", {"stats": {"rowCount": 5}})], inputs=[dataset("a", {"stats": {"size": 1}})])
    assert 'run:1 statistics=[["db","t",5,null,null]]' in told(event)


DEEP: Any = "int"
for _ in range(400):
    DEEP = [{"name": "x", "fields": DEEP}]


@pytest.mark.parametrize(
    ("where", "key", "facet"),
    [
        ("dataset", "schema", {"fields": DEEP}),
        ("dataset", "columnLineage", {"fields": {"x": {"inputFields": DEEP}}}),
        ("job", "lineage", {"entries": [{**A, "fields": {"x": {"inputs": DEEP}}}]}),
        ("job", "tags", {"tags": [{"key": "x", "value": DEEP}]}),
    ],
)
def test_a_facet_that_is_nested_too_deeply_costs_only_itself(where: str, key: str, facet: Json) -> None:
    text = json.dumps(Case(where, key, facet).event(facet)).encode()
    found = map_event(decode(text), DEFAULTS)
    assert [(bad.where, bad.facet) for bad in found.bad_facets] == [(where, key)]

"""The table of facets: each is used by one function or ignored for a reason, and there is no other place.

To add one: a row here, a function in `run_facets.py` or `dataset_facets.py`, an event and a test.
`docs/facets.md` is made from this table.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

from mappers import dataset_facets as d
from mappers import lineage_facets as of
from mappers import run_facets as r
from mappers import version_facets as v

Where = str  # "run" | "job" | "dataset" | "input" | "output"


@dataclass(frozen=True, slots=True)
class Row:
    """One facet.

    `resets`: the registers that a `_deleted` facet of that name empties. `late`: it is read after all others.
    """

    where: Where
    key: str
    read: Callable[..., None] | None
    says: str
    resets: tuple[str, ...] = ()
    late: bool = False


_IDENTITY = "ignored: the namespace says the same"
_LARGE = "ignored: large, and the job's source location names the code"
_SECRETS = "ignored: environment and parameters carry secrets"
_QUALITY = "ignored: quality results are not lineage"
_ENGINE = "ignored: an engine's internals"

FACETS: dict[tuple[Where, str], Row] = {
    (row.where, row.key): row
    for row in (
        Row("run", "parent", r.parent, "parent and root runs and pipelines, as stubs"),
        Row("run", "parentRun", r.parent, "the old name of `parent`"),
        Row("run", "nominalTime", r.nominal_time, "Run.nominal_time"),
        Row("run", "errorMessage", r.error, "Run.error, redacted"),
        Row("run", "spark.exception", r.spark_exception, "Run.error, redacted: what Spark sends with FAIL"),
        Row("run", "processing_engine", r.engine, "Run.engine; Pipeline.pipeline_type if no jobType says it"),
        Row("run", "jobDependencies", r.job_dependencies, "DEPENDS_ON between pipelines: control, not data"),
        Row("run", "externalQuery", None, "ignored: an id in another system"),
        Row("run", "extractionError", None, "ignored: the producer's own trouble, the run may be well"),
        Row("run", "environmentVariables", None, _SECRETS),
        Row("run", "executionParameters", None, _SECRETS),
        Row("run", "tags", None, "ignored: tags of a single run; those of its job are kept"),
        Row("run", "test", None, _QUALITY),
        Row("run", "gcp_composer_run", None, _ENGINE),
        Row("run", "gcp_dataproc", None, _ENGINE),
        Row(
            "job",
            "jobType",
            r.job_type,
            "Pipeline.pipeline_type, .processing_type",
            ("pipeline_type", "processing_type"),
        ),
        Row("job", "sql", r.sql, "Pipeline.sql, redacted; pipeline_type for DuckDB", ("sql",)),
        Row(
            "job",
            "sourceCodeLocation",
            r.source_location,
            "Pipeline.source_location, .version; Run.pipeline_version",
            ("source_location", "version"),
        ),
        Row("job", "documentation", r.description, "Pipeline.description", ("description",)),
        Row("job", "ownership", r.pipeline_owners, "Pipeline.owners", ("owners",)),
        Row("job", "tags", r.pipeline_tags, "Pipeline.tags", ("tags",)),
        Row("job", "lineage", of.job_lineage, "stated lineage of every output, before any columnLineage", late=True),
        Row("job", "feast_jobKind", None, "used with the event: a definition is topology, not an execution"),
        Row("job", "sourceCode", None, _LARGE),
        Row("job", "gcp_composer_job", None, _ENGINE),
        Row("job", "gcp_lineage", None, _ENGINE),
        Row("dataset", "schema", d.schema, "Schema, HAS_SCHEMA, Dataset.schema, Columns", ("schema",)),
        Row("dataset", "version", v.version, "DatasetVersion; READ_AT_START, READ_LATER, WROTE_NAMED", ("version",)),
        Row("dataset", "symlinks", d.symlinks, "SAME_AS, Dataset.claimed_by of the logical name"),
        Row("dataset", "lifecycleStateChange", d.lifecycle, "Dataset.lifecycle, Run.lifecycle, RENAMED_TO"),
        Row("dataset", "datasetType", d.dataset_type, "Dataset.dataset_type; MODEL makes a Model", ("dataset_type",)),
        Row("dataset", "catalog", d.catalog, "Dataset.catalog", ("catalog",)),
        Row("dataset", "storage", d.storage, "Dataset.storage", ("storage",)),
        Row("dataset", "documentation", d.description, "Dataset.description", ("description",)),
        Row("dataset", "ownership", d.dataset_owners, "Dataset.owners", ("owners",)),
        Row("dataset", "tags", d.dataset_tags, "Dataset.tags, Column.tags", ("tags",)),
        Row("dataset", "lineage", of.dataset_lineage, "stated lineage: DERIVED_FROM, STATES_LINEAGE_OF", late=True),
        Row(
            "dataset",
            "columnLineage",
            of.column_lineage,
            "stated lineage of columns and datasets: DERIVED_FROM, STATES_LINEAGE_OF",
            late=True,
        ),
        Row("dataset", "feast_featureView", d.feature_view, "Feature, PRODUCES, READ or WROTE"),
        Row("dataset", "feast_dataSource", d.feast_source, "SAME_AS from the place that its `dataSource` names"),
        Row("dataset", "stats", None, "used as outputStatistics of outputs: its old name"),
        Row("dataset", "dataSource", None, _IDENTITY),
        Row("dataset", "hierarchy", None, _IDENTITY),
        Row("dataset", "dataQualityMetrics", None, _QUALITY),
        Row("dataset", "dataQualityAssertions", None, _QUALITY),
        Row("input", "icebergScanReport", v.scan_report, "READ_SCANNED: the snapshot that was read"),
        Row("input", "inputStatistics", None, "ignored: how much was read changes no answer"),
        Row("input", "dataQualityMetrics", None, _QUALITY),
        Row("input", "dataQualityAssertions", None, _QUALITY),
        Row("input", "subset", None, "ignored: which part was read changes no edge"),
        Row("output", "icebergCommitReport", v.commit_report, "WROTE_REPORTED: a snapshot that this job made"),
        Row("output", "outputStatistics", v.output_statistics, "Run.statistics: that something was written"),
        Row("output", "stats", v.output_statistics, "the old name of outputStatistics"),
        Row("output", "subset", None, "ignored: which part was written changes no edge"),
    )
}

UNKNOWN = "ignored: not a standard facet, and no rule of ours uses it"


MOST_REMEMBERED = 64  # facets of one object that `used` may be asked for again


@lru_cache(maxsize=4_096)
def used(where: Where, late: bool, keys: tuple[str, ...]) -> tuple[tuple[Row, Callable[..., None]], ...]:
    """The rows that read facets of these names, in the table's order; producers send the same few again and again."""
    rows = (FACETS.get((where, key)) for key in keys)
    found = {row.key: (row, row.read) for row in rows if row and row.read and row.late is late}
    return tuple(found[key] for at, key in FACETS if at == where and key in found)


def as_markdown() -> str:
    """The table as it stands in docs/facets.md."""
    lines = ["| facet of | name | what becomes of it |", "|---|---|---|"]
    lines += [f"| {row.where} | `{row.key}` | {row.says} |" for row in FACETS.values()]
    return "\n".join([*lines, f"| any | others | {UNKNOWN} |"])

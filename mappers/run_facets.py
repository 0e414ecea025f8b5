"""Run and job facets to facts: one function a facet, each about the event's run or pipeline.

Run facets are only read where there is a run. Each function reads all of its facet before it states anything, so
that a facet that does not fit leaves no trace.
"""

from __future__ import annotations

from typing import Any

from lineagegraph.facts import Vertex
from lineagegraph.registers import ascii_json
from mappers import names
from mappers.context import Context
from mappers.fields import Unfit, mapping, objects, required, text
from mappers.redact import redact_value

Facet = dict[str, Any]


def parent(c: Context, facet: Facet) -> None:
    """The run that started this one and the root of them all, as stubs: they may never speak themselves."""
    run, pipeline = _run_and_job(c, facet)
    root = mapping(facet, "root")
    root_run, root_pipeline = _run_and_job(c, root) if root else (None, None)
    _child_of(c, c.run, c.pipeline, run, pipeline)
    if root_run != run:
        _child_of(c, run, pipeline, root_run, root_pipeline)


def _child_of(
    c: Context, run: Vertex | None, pipeline: Vertex | None, parent: Vertex | None, parent_pipeline: Vertex | None
) -> None:
    if parent_pipeline and pipeline and pipeline != parent_pipeline:
        c.facts.edge("PARENT_PIPELINE", pipeline, parent_pipeline)
    if parent and parent_pipeline:
        c.facts.edge("RUN_OF", parent, parent_pipeline)
    if parent and run and run != parent:
        c.facts.edge("PARENT", run, parent)
        c.hold(parent, run)


def _run_and_job(c: Context, facet: Facet) -> tuple[Vertex | None, Vertex | None]:
    job, run = mapping(facet, "job"), mapping(facet, "run")
    if run.get("runId") == "":  # early Spark agents, where there is no parent run
        run = {}
    if not job and not run:
        raise Unfit("has neither a run nor a job")
    pipeline = names.pipeline(required(job, "namespace"), required(job, "name"), c.naming) if job else None
    return (Vertex("Run", (required(run, "runId").lower(),)) if run else None), pipeline


def job_dependencies(c: Context, facet: Facet) -> None:
    """Control flow: which jobs run before this one and after it. No data is meant to pass."""
    before, after = (
        [names.pipeline(required(job, "namespace"), required(job, "name"), c.naming) for job in jobs]
        for jobs in ([mapping(d, "job") for d in objects(facet, side)] for side in ("upstream", "downstream"))
    )
    c.count(len(before) + len(after))
    me = _pipeline(c)
    for first, second in (*((me, other) for other in before), *((other, me) for other in after)):
        if first != second:
            c.facts.edge("DEPENDS_ON", first, second)


def nominal_time(c: Context, facet: Facet) -> None:
    """The moment that the run is about, not the one at which it ran."""
    c.say(_run(c), nominal_time=[text(facet, "nominalStartTime", 64), text(facet, "nominalEndTime", 64)])


def error(c: Context, facet: Facet) -> None:
    """`errorMessage`; Trino leaves out the programming language, so only the message is needed."""
    message = text(facet, "message", 2_000)
    if message is None:
        raise Unfit("message is missing")
    c.say(_run(c), error=message)


def spark_exception(c: Context, facet: Facet) -> None:
    """What Spark sends beside FAIL instead of `errorMessage`."""
    message = text(facet, "message", 2_000) or text(facet, "exception", 2_000)
    if message:
        c.say(_run(c), error=message)


def engine(c: Context, facet: Facet) -> None:
    """What executed the run; also the pipeline's type where the job names none."""
    name, version = text(facet, "name", 200), text(facet, "version", 200)
    c.say(_run(c), engine=[name, version])
    if name:
        c.types["engine"] = name.lower()


def job_type(c: Context, facet: Facet) -> None:
    """The pipeline's type and whether it works in batches or streams."""
    integration, processing = text(facet, "integration", 200), text(facet, "processingType", 200)
    if integration is None and processing is None:
        raise Unfit("has neither integration nor processingType")
    if integration:
        c.types["jobType"] = integration.lower()
    if processing:
        c.say(_pipeline(c), processing_type=processing.upper())


def sql(c: Context, facet: Facet) -> None:
    """The query; DuckDB shows nowhere but in its dialect."""
    query, dialect = text(facet, "query", 8_000), text(facet, "dialect", 200)
    if query is None:
        raise Unfit("query is missing")
    c.say(_pipeline(c), sql=query)
    if dialect and dialect.lower() == "duckdb":
        c.types["dialect"] = "duckdb"


def source_location(c: Context, facet: Facet) -> None:
    """Where the job's code lies; its version is the pipeline's."""
    location = {name: text(facet, name, 2_000) for name in ("url", "repoUrl", "path", "branch", "tag")}
    code = text(facet, "version", 500)
    c.say(_pipeline(c), source_location={k: v for k, v in location.items() if v})
    if code:
        c.say(_pipeline(c), version=code)
        if c.run:
            c.say(c.run, pipeline_version=code)


def description(c: Context, facet: Facet) -> None:
    """What people wrote about the job."""
    c.say(_pipeline(c), description=text(facet, "description", 8_000))


def owners(facet: Facet) -> list[list[str | None]]:
    """Owners as [name, type], in a stable order."""
    found = [[required(o, "name"), text(o, "type", 200)] for o in objects(facet, "owners")]
    return sorted(found, key=lambda owner: (owner[0] or "", owner[1] or ""))


def tags(facet: Facet) -> list[list[str | None]]:
    """Tags as [key, value, field], in a stable order."""
    found = [
        [required(t, "key"), _value(t), required(t, "field") if t.get("field") else None]
        for t in objects(facet, "tags")
    ]
    return sorted(found, key=lambda tag: tuple(part or "" for part in tag))


def _value(tag: Facet) -> str | None:
    value = tag.get("value")
    if value is None or value == "":
        return None
    if isinstance(value, bool | int | float):
        value = ascii_json(value)
    if not isinstance(value, str):
        raise Unfit("value is not a text")
    return redact_value(required(tag, "key"), value, 500)


def pipeline_owners(c: Context, facet: Facet) -> None:
    """Who answers for the job."""
    c.say(_pipeline(c), owners=owners(facet))


def pipeline_tags(c: Context, facet: Facet) -> None:
    """Tags of the job; its fields have none."""
    c.say(_pipeline(c), tags=tags(facet))


def _run(c: Context) -> Vertex:
    if c.run is None:
        raise Unfit("is a run's facet on an event without a run")
    return c.run


def _pipeline(c: Context) -> Vertex:
    if c.pipeline is None:
        raise Unfit("is a job's facet on an event without a job")
    return c.pipeline

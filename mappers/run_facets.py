"""Run and job facets to facts: one function a facet, each about the event's run or pipeline."""

from __future__ import annotations

from typing import Any

from lineagegraph.facts import Vertex
from mappers import names
from mappers.context import Context
from mappers.event import check_name
from mappers.fields import Unfit, mapping, objects, required, text

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
    job = mapping(facet, "job")
    run = mapping(facet, "run")
    if not job and not run:
        raise Unfit("has neither a run nor a job")
    pipeline = names.pipeline(required(job, "namespace"), required(job, "name"), c.naming) if job else None
    return (Vertex("Run", (required(run, "runId").lower(),)) if run else None), pipeline


def job_dependencies(c: Context, facet: Facet) -> None:
    """Control flow: which jobs run before this one and after it. No data is meant to pass."""
    if c.pipeline is None:
        return
    before = [mapping(d, "job") for d in objects(facet, "upstream")]
    after = [mapping(d, "job") for d in objects(facet, "downstream")]
    for jobs, upstream in ((before, True), (after, False)):
        for job in jobs:
            other = names.pipeline(required(job, "namespace"), required(job, "name"), c.naming)
            if other != c.pipeline:
                c.facts.edge("DEPENDS_ON", *((c.pipeline, other) if upstream else (other, c.pipeline)))


def nominal_time(c: Context, facet: Facet) -> None:
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
    named = text(facet, "name", 200)
    c.say(_run(c), engine=[named, text(facet, "version", 200)])
    if named and c.pipeline and "jobType" not in (c.event.job.facets if c.event.job else {}):
        c.say(c.pipeline, pipeline_type=named.lower())


def job_type(c: Context, facet: Facet) -> None:
    integration, processing = text(facet, "integration", 200), text(facet, "processingType", 200)
    if integration is None and processing is None:
        raise Unfit("has neither integration nor processingType")
    if integration:
        c.say(_pipeline(c), pipeline_type=integration.lower())
    if processing:
        c.say(_pipeline(c), processing_type=processing.upper())


def sql(c: Context, facet: Facet) -> None:
    query = text(facet, "query", 8_000)
    if query is None:
        raise Unfit("query is missing")
    c.say(_pipeline(c), sql=query)
    if (text(facet, "dialect", 200) or "").lower() == "duckdb":
        c.say(_pipeline(c), pipeline_type="duckdb")


def source_location(c: Context, facet: Facet) -> None:
    url = text(facet, "url", 2_000)
    location = {"url": url, **{k: text(facet, k, 500) for k in ("repoUrl", "path", "branch", "tag")}}
    code = text(facet, "version", 500)
    c.say(_pipeline(c), source_location={k: v for k, v in location.items() if v})
    if code:
        c.say(_pipeline(c), version=code)
        if c.run:
            c.say(c.run, pipeline_version=code)


def description(c: Context, facet: Facet) -> None:
    c.say(_pipeline(c), description=text(facet, "description", 8_000))


def owners(facet: Facet) -> list[list[str | None]]:
    """Owners as [name, type], in a stable order."""
    found = [[required(o, "name"), text(o, "type", 200)] for o in objects(facet, "owners")]
    return sorted(found, key=lambda owner: (owner[0] or "", owner[1] or ""))


def tags(facet: Facet) -> list[list[str | None]]:
    """Tags as [key, value, field], in a stable order."""
    found = []
    for tag in objects(facet, "tags"):
        value = tag.get("value")
        shown = text(tag, "value", 500) if value is None or isinstance(value, str) else str(value)[:500]
        found.append([check_name(required(tag, "key")), shown, text(tag, "field", 500)])
    return sorted(found, key=lambda tag: tuple(part or "" for part in tag))


def pipeline_owners(c: Context, facet: Facet) -> None:
    c.say(_pipeline(c), owners=owners(facet))


def pipeline_tags(c: Context, facet: Facet) -> None:
    c.say(_pipeline(c), tags=tags(facet))


def _run(c: Context) -> Vertex:
    # Run facets are read only where there is a run, or for topology, which states no run.
    return c.run or _pipeline(c)


def _pipeline(c: Context) -> Vertex:
    if c.pipeline is None:
        raise Unfit("is a job's facet on an event without a job")
    return c.pipeline

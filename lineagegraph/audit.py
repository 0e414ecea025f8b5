"""The audit report of a model version: which data it was trained on, whether that can be fetched again, and why not."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from lineagegraph.answers import named
from lineagegraph.reader import Reader
from lineagegraph.training import ModelLineage, TrainingDataset, model_lineage


@dataclass(frozen=True, slots=True)
class Audit:
    """A model version as it was known at `at` (milliseconds since 1970)."""

    at: int
    model: ModelLineage


def audit(reader: Reader, at: int, name: str, version: str | int | None = None, namespace: str | None = None) -> Audit:
    """The report on a model version. Raises NotFound, Ambiguous."""
    return Audit(at, model_lineage(reader, name, version, namespace))


def as_json(report: Audit) -> dict[str, Any]:
    """The report as one JSON object."""
    found = report.model
    return {
        "model": {**named(found.model), "version": found.version, "framework": found.framework},
        "reported_at": _moment(report.at),
        "reproducible": found.reproducible,
        "training_datasets": [_dataset(row) for row in found.trained_on],
        "training_runs": [
            {
                "run": row.run.key[0],
                "pipeline": named(row.pipeline) if row.pipeline else None,
                "completed_at": _moment(row.completed_at),
                "code_version": row.code_version,
                "remarks": list(row.remarks),
            }
            for row in found.runs
        ],
        "pipelines": [named(pipeline) for pipeline in found.pipelines],
        "cut": found.upstream.cut is not None,
    }


def _dataset(row: TrainingDataset) -> dict[str, Any]:
    return {
        **named(row.dataset),
        "dataset_id": row.dataset_id,
        "layer": row.layer,
        "version": row.version,
        "certainty": row.certainty,
        "evidence": row.evidence,
        "retrievable": row.sql is not None and row.reason is None,
        "reason": row.reason,
        "sql": row.sql,
    }


def as_markdown(report: Audit) -> str:
    """The report for people."""
    found = report.model
    lines = [
        f"# Training data of {_cell(found.name)}, version {_cell(found.version)}",
        "",
        f"Reported {_moment(report.at)}. Namespace {found.model.key[0]}. Reproducible: **{found.reproducible}**.",
        "",
        "| dataset | snapshot | certainty | retrievable | reason |",
        "|---|---|---|---|---|",
    ]
    for row in found.trained_on:
        yes = "yes" if row.sql and not row.reason else "no"
        cells = (row.dataset_id, row.version or "none", row.certainty, yes, row.reason or "")
        lines.append("| " + " | ".join(map(_cell, cells)) + " |")
    queries = [row.sql for row in found.trained_on if row.sql]
    if queries:
        lines += ["", "Exactly this data:", "", "```sql", *(f"{sql};" for sql in queries), "```"]
    lines += ["", "| training run | pipeline | completed | code version |", "|---|---|---|---|"]
    for run in found.runs:
        pipeline = run.pipeline.key[1] if run.pipeline else ""
        code = run.code_version or ", ".join(run.remarks)
        lines.append(
            "| " + " | ".join(map(_cell, (run.run.key[0], pipeline, _moment(run.completed_at) or "", code))) + " |"
        )
    if not found.runs:
        lines.append("| none: a client stated this training | | | |")
    return "\n".join(lines)


def _moment(millis: int | None) -> str | None:
    if millis is None:
        return None
    return datetime.fromtimestamp(millis / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")

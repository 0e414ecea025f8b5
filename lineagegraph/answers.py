"""What the rules make of a set of facts, as JSON lines: one per run, per output dataset and per model.

The same lines come from events without a server (`explain --answers`).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from lineagegraph import rules
from lineagegraph.facts import Facts, Vertex
from lineagegraph.view import View

NO_SNAPSHOT = "no snapshot recorded"


def answers(facts: Facts) -> Iterator[dict[str, Any]]:
    """Every answer that these facts give, in a stable order."""
    view = View(facts)
    for run in sorted(view.all("Run")):
        if view.number(run, "seen_at") is not None:
            yield run_answer(view, run)
    outputs = {d for p in view.all("Pipeline") for d in view.out("GENERATED_BY", p)}
    outputs |= {d for d in view.all("Dataset") if view.out("DERIVED_FROM", d)}
    for output in sorted({rules.physical(view, d) for d in outputs}):
        yield {"output": named(output), "sources": [_source(s) for s in rules.sources(view, output)]}
    for model in sorted(view.all("Model")):
        if (answer := model_answer(view, model)) is not None:
            yield answer


def run_answer(view: View, run: Vertex) -> dict[str, Any]:
    """One run: its state, and the snapshots it read and wrote with their certainty."""
    pipeline = rules.pipeline_of(view, run)
    return {
        "run": run.key[0],
        "state": rules.run_state(view, run),
        "pipeline": named(pipeline) if pipeline else None,
        "read": [snapshot(s) for s in rules.snapshots_read(view, run)],
        "wrote": [snapshot(s) for s in rules.snapshots_written(view, run)],
    }


def model_answer(view: View, model: Vertex) -> dict[str, Any] | None:
    """One model version, if a run that wrote it succeeded or a client stated it."""
    runs = view.out("TRAINED_BY", model)
    good = [r for r in runs if rules.run_state(view, r) == "COMPLETE"]
    if runs and not good:
        return None
    rows = {row.dataset: row for run in sorted(good) for row in rules.snapshots_read(view, run)}
    for dataset in sorted(view.out("TRAINED_ON", model)):
        if dataset.label == "DatasetVersion" and not good:
            of = Vertex("Dataset", dataset.key[:2])
            rows[of] = rules.Snapshot(of, dataset.key[2], rules.EXACT, "TRAINED_ON")
        elif dataset.label == "Dataset":
            rows.setdefault(dataset, rules.Snapshot(dataset, None, rules.UNKNOWN, None))
    trained_on = [_trained(row) for _, row in sorted(rows.items())]
    return {
        "model": {"namespace": model.key[0], "name": model.key[1], "version": model.key[2]},
        "reproducible": _reproducible(trained_on),
        "trained_on": trained_on,
    }


def _reproducible(trained_on: list[dict[str, Any]]) -> str:
    certainties = {row["certainty"] for row in trained_on}
    if not certainties:
        return "unknown"
    if certainties == {rules.EXACT}:
        return "yes"
    return "no" if rules.UNKNOWN in certainties else "unknown"


def _trained(row: rules.Snapshot) -> dict[str, Any]:
    reasons = {rules.UNKNOWN: NO_SNAPSHOT, rules.LIKELY: "only likely", rules.APPROXIMATE: "only approximate"}
    reason = reasons.get(row.certainty)
    shown = {**named(row.dataset), "version": row.version, "certainty": row.certainty}
    return {**shown, "reason": reason} if reason else shown


def snapshot(row: rules.Snapshot) -> dict[str, Any]:
    """A snapshot answer: dataset, version or null, certainty, evidence."""
    return {**named(row.dataset), "version": row.version, "certainty": row.certainty, "evidence": row.evidence}


def _source(source: rules.Source) -> dict[str, Any]:
    return {**named(source.dataset), "basis": source.basis}


def named(vertex: Vertex) -> dict[str, str]:
    """A vertex with namespace and name."""
    return {"namespace": vertex.key[0], "name": vertex.key[1]}

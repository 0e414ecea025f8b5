"""What the rules make of a set of facts, as JSON lines: one per run, per output dataset and per model.

The same lines come from events without a server (`explain --answers`).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from lineagegraph import rules
from lineagegraph.corrections import NONE, Corrections
from lineagegraph.facts import Facts, Vertex
from lineagegraph.view import View


def answers(facts: Facts, corrections: Corrections = NONE) -> Iterator[dict[str, Any]]:
    """Every answer that these facts give, in a stable order."""
    yield from answers_of(View(facts, corrections))


def answers_of(view: View) -> Iterator[dict[str, Any]]:
    """The same of a view."""
    for run in view.all("Run"):
        if view.number(run, "seen_at") is not None and not view.corrections.ignores(run) and view.out("RUN_OF", run):
            yield run_answer(view, run)
    for output in outputs(view):
        yield {"output": named(output), "sources": [_source(s) for s in rules.sources(view, output)]}
    for model in view.all("Model"):
        if (answer := model_answer(view, model)) is not None:
            yield answer


def outputs(view: View) -> list[Vertex]:
    """Every dataset that something was said to make."""
    found = {d for p in view.all("Pipeline") for d in view.out("GENERATED_BY", p)}
    found |= {d for d in view.all("Dataset") if view.out("DERIVED_FROM", d)}
    return sorted({rules.physical(view, d) for d in found})


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
    found = rules.training(view, model)
    if found is None:
        return None
    return {
        "model": {**named(model), "version": model.key[2]},
        "reproducible": found.reproducible,
        "trained_on": [_trained(row) for row in found.trained_on],
    }


def _trained(row: rules.Trained) -> dict[str, Any]:
    known = row.snapshot
    shown = {**named(known.dataset), "version": known.version, "certainty": known.certainty}
    return {**shown, "reason": row.reason} if row.reason else shown


def snapshot(row: rules.Snapshot) -> dict[str, Any]:
    """A snapshot answer: dataset, version or null, certainty, evidence."""
    return {**named(row.dataset), "version": row.version, "certainty": row.certainty, "evidence": row.evidence}


def _source(source: rules.Source) -> dict[str, Any]:
    return {**named(source.dataset), "basis": source.basis}


def named(vertex: Vertex) -> dict[str, str]:
    """A vertex with namespace and name."""
    return {"namespace": vertex.key[0], "name": vertex.key[1]}

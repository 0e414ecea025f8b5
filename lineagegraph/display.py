"""Answers as JSON and as text for people: nothing is inferred or asked here."""

from __future__ import annotations

from typing import Any

from lineagegraph import rules
from lineagegraph.answers import named, snapshot
from lineagegraph.facts import Vertex
from lineagegraph.lineage import Lineage, Step
from lineagegraph.view import View

_DONE = {"reads": "read", "writes": "written"}
MOST_NAMES = 1  # pipelines shown beside one step; JSON has them all
CUT = "Limits cut this answer short: ask for less --depth, or from a dataset nearer to what you look for."


def as_json(view: View, found: Lineage, which: str) -> dict[str, Any]:
    """{"dataset": …, which: [one object per step], "cut": …}."""
    return {
        "dataset": described(view, found.start),
        which: [_step(view, s, which) for s in found.steps],
        "cut": found.cut is not None,
        "cut_because": found.cut.why if found.cut else None,
        "continue_from": [named(vertex) for vertex in found.cut.at] if found.cut else [],
    }


def described(view: View, dataset: Vertex) -> dict[str, Any]:
    """A dataset by its natural key, with what people call it."""
    return {**named(dataset), "dataset_id": view.text(dataset, "dataset_id"), "layer": view.text(dataset, "layer")}


def _step(view: View, step: Step, which: str) -> dict[str, Any]:
    reached, other = (step.source, step.target) if which == "upstream" else (step.target, step.source)
    return {
        **described(view, reached),
        "depth": step.depth,
        "of" if which == "upstream" else "from": named(other),
        "basis": step.basis,
        "pipelines": [named(pipeline) for pipeline in step.pipelines],
        "read": [snapshot(row) for row in step.read],
    }


def as_tree(view: View, found: Lineage, which: str) -> str:
    """The steps as an indented tree; what stands in it already is not repeated below."""
    lines, shown = [_name(view, found.start)], {found.start}
    below: dict[Vertex, list[Step]] = {}
    for step in found.steps:
        below.setdefault(step.target if which == "upstream" else step.source, []).append(step)

    def add(parent: Vertex, indent: str) -> None:
        steps = below.get(parent, [])
        for number, step in enumerate(steps):
            reached = step.source if which == "upstream" else step.target
            again = reached in shown and bool(below.get(reached))
            branch, under = ("└─ ", "   ") if number == len(steps) - 1 else ("├─ ", "│  ")
            lines.append(f"{indent}{branch}{_name(view, reached)}{' (see above)' if again else ''}")
            opens = "│  " if below.get(reached) and not again else "   "
            lines.extend(f"{indent}{under}{opens}{text}" for text in _details(step))
            if not again:
                shown.add(reached)
                add(reached, indent + under)

    add(found.start, "")
    if not found.steps:
        lines.append(f"nothing {which}")
    return "\n".join([*lines, *([CUT] if found.cut else [])])


def _name(view: View, dataset: Vertex) -> str:
    return f"{view.text(dataset, 'dataset_id') or dataset.key[1]}  ({dataset.key[0]} {dataset.key[1]})"


def _details(step: Step) -> list[str]:
    names = [pipeline.key[1] for pipeline in step.pipelines]
    more = f" and {len(names) - MOST_NAMES} more" if len(names) > MOST_NAMES else ""
    by = ", ".join(names[:MOST_NAMES]) + more or "a client's statement"
    return [f"{_DONE.get(step.basis, step.basis)} by {by}", *(f"read {_version(row)}" for row in step.read)]


def _version(row: rules.Snapshot | dict[str, Any]) -> str:
    shown = snapshot(row) if isinstance(row, rules.Snapshot) else row
    if shown["version"] is None:
        return f"an {shown['certainty']} snapshot"
    return f"snapshot {shown['version']} ({shown['certainty']}, {shown['evidence']})"


def run_as_text(answer: dict[str, Any]) -> str:
    """One run for people."""
    pipeline = answer["pipeline"]
    of = f" of {pipeline['name']} in {pipeline['namespace']}" if pipeline else ""
    lines = [f"Run {answer['run']}{of}: {answer['state']}"]
    for verb in ("read", "wrote"):
        lines += [f"  {verb} {row['name']} in {row['namespace']}: {_version(row)}" for row in answer[verb]]
    return "\n".join(lines)

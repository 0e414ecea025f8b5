"""What the rules decided where facts left a choice, in words for people (`explain --why`)."""

from __future__ import annotations

from collections.abc import Iterator

from lineagegraph import rules
from lineagegraph.facts import Vertex
from lineagegraph.view import View

Decision = dict[str, str]


def decisions(view: View) -> Iterator[Decision]:
    """Each decision as {"kind": identity | warning, "about": …, "says": …}, in a stable order."""
    for dataset in view.all("Dataset"):
        yield from _of_name(view, dataset)
    for version in view.all("DatasetVersion"):
        if version.key[2].startswith("~"):
            yield _of_damaged(view, version)
    for run in view.all("Run"):
        yield from _of_run(view, run)
    for pipeline in view.all("Pipeline"):
        yield from _of_pipeline(view, pipeline)


def _of_name(view: View, dataset: Vertex) -> Iterator[Decision]:
    owner = rules.physical(view, dataset)
    about = _called(dataset)
    if owner != dataset:
        others = [name for name in view.into("SAME_AS", dataset) if rules.physical(view, name) != owner]
        before = "; before it " + ", ".join(map(_called, others)) if others else ""
        yield _identity(about, f"is a name of {_called(owner)}, which claimed it last{before}")
    elif dataset.key[0] == rules.CLIENT and len(meant := rules.called(view, dataset.key[1])) > 1:
        yield _warning(about, "may be " + " or ".join(map(_called, meant)) + ": it is joined to none of them")
    standing = rules.standing(view, dataset)
    if owner == dataset and standing.state != "exists":
        now = f" to {_called(standing.now)}" if standing.now else ""
        yield _identity(about, f"was {standing.state}{now} and not written since")


def _of_damaged(view: View, version: Vertex) -> Decision:
    of = rules.physical(view, Vertex("Dataset", version.key[:2]))
    row = rules.settled(view, of, version, rules.EXACT, "")
    about = f"snapshot {version.key[2]} of {_called(of)}"
    if row.certainty == rules.EXACT:
        return _identity(about, f"is {row.version}: the one snapshot known that rounds to this number")
    return _warning(about, "stays approximate: no event names just one snapshot that rounds to this number")


def _of_run(view: View, run: Vertex) -> Iterator[Decision]:
    about, state = f"run {run.key[0]}", rules.run_state(view, run)
    if state in ("FAIL", "ABORT") and view.number(run, "completed_at") is not None:
        yield _warning(about, f"is {state}, whatever else it reports: its COMPLETE does not take that back")
    if len(pipelines := view.out("RUN_OF", run)) > 1:
        names = ", ".join(_called(pipeline) for pipeline in pipelines)
        yield _warning(about, f"is used by several pipelines: {names}")
    for other in rules.one_statement(view, run)[1:]:
        if run < other:
            yield _identity(about, f"is one statement with run {other.key[0]}: they share their evidence")


def _of_pipeline(view: View, pipeline: Vertex) -> Iterator[Decision]:
    """What the pipeline states of its outputs that its runs do not bear out."""
    since = rules.current_since(view, pipeline)
    for output in view.out("GENERATED_BY", pipeline):
        made = rules.physical(view, output)
        sources = {rules.physical(view, source) for source in view.out("CONSUMES", pipeline)}
        found = {row.dataset for row in rules.sources(view, made) if pipeline in row.pipelines}
        for source in sorted(sources - found):
            if not rules.came_true(view, pipeline, source, made, since):
                yield _warning(
                    f"pipeline {pipeline.key[1]}",
                    f"did not make {_called(made)} of {_called(source)}: no run that made the one read the other",
                )


def _identity(about: str, says: str) -> Decision:
    return {"kind": "identity", "about": about, "says": says}


def _warning(about: str, says: str) -> Decision:
    return {"kind": "warning", "about": about, "says": says}


def _called(vertex: Vertex) -> str:
    return f"{vertex.key[1]} ({vertex.key[0]})"

"""Questions about columns: what a column was made of, and what was made of it, with the transformations."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Literal

from lineagegraph import needs, rules
from lineagegraph.facts import Vertex
from lineagegraph.lineage import Cut, Step
from lineagegraph.reader import Reader

Column = tuple[Vertex, str]  # of a dataset, by its physical name
OUT, IN = needs.OUT, needs.IN
MOST_COLUMNS = 5_000  # in one answer


@dataclass(frozen=True, slots=True)
class ColumnStep:
    """A column made of another by [type, subtype, masking] transformations (none: not told)."""

    depth: int
    target: Vertex
    target_field: str
    source: Vertex
    source_field: str
    transformations: tuple[tuple[str | None, str | None, bool], ...]


@dataclass(frozen=True, slots=True)
class ColumnLineage:
    """The steps from some columns of a dataset, nearest first, and what limits cut off."""

    start: Vertex
    fields: tuple[str, ...]
    steps: tuple[ColumnStep, ...]
    cut: Cut | None


@dataclass(frozen=True, slots=True)
class Uses:
    """Why each thing below a dataset is affected by a change of some columns of it; what is not in here is not."""

    reasons: dict[Vertex, tuple[str, ...]]


def column_lineage(
    reader: Reader,
    dataset: Vertex,
    fields: Collection[str] = (),
    direction: Literal["upstream", "downstream"] = "upstream",
    depth: int = 5,
    all_time: bool = False,
) -> ColumnLineage:
    """What columns of a dataset (none given: all of them) were made of, or what was made of them."""
    start = tuple(fields) or fields_of(reader, dataset)
    front: list[Column] = [(dataset, field) for field in start]
    seen, steps, why = set(front), list[ColumnStep](), None
    level = _above if direction == "upstream" else _below
    for number in range(1, depth + 1):
        why = reader.exhausted or ("size" if len(seen) >= MOST_COLUMNS else None)
        if why or not front:
            break
        new = level(reader, front, number, all_time)
        steps += new
        ends = [(s.source, s.source_field) if direction == "upstream" else (s.target, s.target_field) for s in new]
        front = [column for column in dict.fromkeys(ends) if column not in seen]
        seen.update(front)
    cut = Cut(why, tuple(sorted({d for d, _ in front}))) if why and front else None
    if cut is None and reader.unfinished:
        cut = Cut("edges", tuple(sorted(reader.unfinished)))
    return ColumnLineage(dataset, start, tuple(steps), cut)


def fields_of(reader: Reader, dataset: Vertex) -> tuple[str, ...]:
    """Every column that the dataset has now, or that lineage tells of."""
    needs.schemas(reader, [dataset])
    view = reader.view
    named = [column.key[2] for name in sorted(rules.names_of(view, dataset)) for column in view.out("HAS_COLUMN", name)]
    return tuple(dict.fromkeys([*(field.name for field in rules.columns(view, dataset)), *named]))


def _spelled(reader: Reader, columns: Iterable[Column]) -> list[Vertex]:
    view = reader.view
    return sorted({Vertex("Column", (*name.key, f)) for d, f in columns for name in rules.names_of(view, d)})


def _above(reader: Reader, front: list[Column], depth: int, all_time: bool) -> list[ColumnStep]:
    needs.columns(reader, front, all_time)
    return [
        ColumnStep(depth, dataset, field, row.dataset, row.field, row.transformations)
        for dataset, field in front
        for row in rules.column_sources(reader.view, dataset, field, all_time)
    ]


def _below(reader: Reader, front: list[Column], depth: int, all_time: bool) -> list[ColumnStep]:
    needs.names(reader, {dataset for dataset, _ in front})
    columns = _spelled(reader, front)
    reader.fetch(columns, (((IN, "DERIVED_FROM"),),))
    made = {column for origin in columns for column in reader.view.into("DERIVED_FROM", origin)}
    needs.names(reader, {Vertex("Dataset", column.key[:2]) for column in made})
    view = reader.view
    targets = sorted({(rules.physical(view, Vertex("Dataset", c.key[:2])), c.key[2]) for c in made})
    wanted = set(front)
    return [step for step in _above(reader, targets, depth, all_time) if (step.source, step.source_field) in wanted]


def users_of_columns(reader: Reader, dataset: Vertex, fields: Collection[str], steps: Collection[Step]) -> Uses:
    """Which of these steps' ends may use those columns: those that say so, and those that do not tell their columns."""
    found = column_lineage(reader, dataset, fields, "downstream", depth=100)
    reasons: dict[Vertex, dict[str, None]] = {dataset: {}}
    for row in found.steps:
        why = f"{row.target_field} is made of {row.source.key[1]}.{row.source_field}"
        reasons.setdefault(row.target, {})[why] = None
    changed = True
    while changed:  # what is made of an affected thing, of columns that are not told, may be affected too
        changed = False
        for step in steps:
            if step.source in reasons and step.target not in reasons and not _told(reader, step):
                reasons[step.target] = {f"made of {step.source.key[1]}; of which columns is not told": None}
                changed = True
    return Uses({thing: tuple(texts) for thing, texts in reasons.items()})


def _told(reader: Reader, step: Step) -> bool:
    """Whether the target's columns say what they are made of."""
    if step.target.label != "Dataset" or step.basis != "stated":
        return False
    needs.schemas(reader, [step.target])
    view = reader.view
    own = [c for name in rules.names_of(view, step.target) for c in view.out("HAS_COLUMN", name)]
    reader.fetch(sorted(own), (((OUT, "DERIVED_FROM"),),))
    view = reader.view
    origins = {Vertex("Dataset", origin.key[:2]) for column in own for origin in view.out("DERIVED_FROM", column)}
    needs.names(reader, origins)
    return step.source in {rules.physical(reader.view, origin) for origin in origins}

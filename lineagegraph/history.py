"""What grows with time, page by page, newest first: runs of a pipeline, versions of a dataset; and its schemas."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from lineagegraph import needs, rules
from lineagegraph.errors import NotFound
from lineagegraph.facts import Vertex, bucket
from lineagegraph.reader import Reader

FIRST = 50
AT_ONCE = 100  # versions whose runs are fetched together


@dataclass(frozen=True, slots=True)
class RunRow:
    """A run; times are milliseconds since 1970."""

    run: Vertex
    state: rules.State
    started_at: int | None
    seen_at: int | None
    error: str | None


@dataclass(frozen=True, slots=True)
class Runs:
    """A page of runs; `after` continues it (None: there are no more)."""

    pipeline: Vertex
    rows: tuple[RunRow, ...]
    after: str | None


@dataclass(frozen=True, slots=True)
class VersionRow:
    """A version of a dataset, when anything first named it, and which runs wrote it with what certainty."""

    version: str
    first_named_at: int | None
    writers: tuple[tuple[Vertex, rules.Certainty], ...]


@dataclass(frozen=True, slots=True)
class Versions:
    """A page of versions; `after` continues it."""

    dataset: Vertex
    rows: tuple[VersionRow, ...]
    after: str | None


@dataclass(frozen=True, slots=True)
class Schemas:
    """Every schema that a dataset has had, by the day on which it was last stated, and its columns now."""

    dataset: Vertex
    schemas: tuple[rules.SchemaVersion, ...]
    now: tuple[rules.Field, ...]


def runs(reader: Reader, pipeline: Vertex, first: int = FIRST, after: str | None = None) -> Runs:
    """The runs of a pipeline by the day on which it last heard of them, within a day by the last event."""
    rows: list[tuple[str, Vertex]] = []
    reader.fetch([pipeline], needs.DAYS)
    if not reader.view.knows(pipeline):
        raise NotFound(f"No pipeline is called {pipeline.key[1]!r} in {pipeline.key[0]}.")
    for key, run in _by_day(reader, [pipeline], "Run", after):
        if after is None or key < after:
            rows.append((key, run))
        if len(rows) > first:
            break
    view = reader.view
    shown = tuple(
        RunRow(
            run,
            rules.run_state(view, run),
            rules.started_at(view, run),
            view.number(run, "seen_at"),
            _error(reader, run),
        )
        for _, run in rows[:first]
    )
    return Runs(pipeline, shown, rows[first - 1][0] if len(rows) > first else None)


def _error(reader: Reader, run: Vertex) -> str | None:
    said = reader.view.text(run, "error")
    return str(said[0] if isinstance(said, list) else said) if said else None


def versions(reader: Reader, dataset: Vertex, first: int = FIRST, after: str | None = None) -> Versions:
    """The exact versions of a dataset that anything names, by when they were first named."""
    needs.names(reader, [dataset])
    owners = sorted(rules.names_of(reader.view, dataset))
    reader.fetch(owners, needs.DAYS)
    rows: dict[str, str] = {}
    for key, version in _by_day(reader, owners, "DatasetVersion", after):
        if not version.key[2].startswith("~") and (after is None or key < after):
            rows.setdefault(version.key[2], key)
        if len(rows) > first:
            break
    page = list(rows.items())[:first]
    spelled = {Vertex("DatasetVersion", (*name.key, text)) for text, _ in page for name in owners}
    needs.namers(reader, spelled)
    view = reader.view
    shown = tuple(
        VersionRow(
            text,
            rules.first_named(view, dataset, _spelled(reader, owners, text)),
            tuple((run, row.certainty) for run, row in rules.writers_of(view, dataset, text)),
        )
        for text, _ in page
    )
    return Versions(dataset, shown, page[-1][1] if len(rows) > first else None)


def _spelled(reader: Reader, owners: list[Vertex], text: str) -> Vertex:
    found = [Vertex("DatasetVersion", (*name.key, text)) for name in owners]
    return next((vertex for vertex in found if reader.view.knows(vertex)), found[0])


def _by_day(reader: Reader, owners: list[Vertex], label: str, after: str | None) -> Iterator[tuple[str, Vertex]]:
    """(sort key, member) newest day first, each member once: a run on its last day, a version on its first."""
    view = reader.view
    days = {day.key[1] for owner in owners for year in view.out("BUCKET", owner) for day in view.out("BUCKET", year)}
    held: dict[Vertex, str] = {}
    for day in sorted(days, reverse=True):
        if after is not None and label == "DatasetVersion" and day > after[:10]:
            continue
        buckets = [bucket(owner, day) for owner in owners]
        reader.fetch(buckets, (needs.HELD,))
        view = reader.view
        members = sorted({m for b in buckets for m in view.out("HOLDS", b) if m.label == label})
        rows = []
        for member in members:
            at = _moment(reader, member)
            own_day = rules.day_of(at)
            if label == "Run" and member not in held:
                held[member] = day
                rows.append((f"{day} {at:013d} {member.key[0]}", member))
            elif label == "DatasetVersion" and own_day == day:
                rows.append((f"{day} {at:013d} {member.key[2]}", member))
        rows.sort(reverse=True)
        for start in range(0, len(rows), AT_ONCE):
            yield from _seen(reader, rows[start : start + AT_ONCE], label)


def _seen(reader: Reader, rows: list[tuple[str, Vertex]], label: str) -> list[tuple[str, Vertex]]:
    """Whether a version may be seen depends on the runs that name it."""
    if label == "DatasetVersion":
        needs.namers(reader, [member for _, member in rows])
    return [row for row in rows if reader.view.knows(row[1])]


def _moment(reader: Reader, member: Vertex) -> int:
    if member.label == "Run":
        return reader.view.number(member, "seen_at") or 0
    return reader.view.number(member, "first_named_at") or 0


def schemas(reader: Reader, dataset: Vertex) -> Schemas:
    """Every schema of a dataset; `rules.drift` of two of them says what changed."""
    needs.schemas(reader, [dataset])
    view = reader.view
    return Schemas(dataset, tuple(rules.schemas(view, dataset)), rules.columns(view, dataset))


def drift(reader: Reader, dataset: Vertex, old: str | None = None, new: str | None = None) -> rules.Drift:
    """What changed between two schemas, given by (the beginning of) their hashes; the last two if none is given."""
    found = schemas(reader, dataset).schemas
    if len(found) < 2 and old is None and new is None:
        raise NotFound(f"{dataset.key[1]} has had {len(found)} schema(s): there is nothing to compare.")

    def one(text: str | None, default: int) -> rules.SchemaVersion:
        if text is None:
            return found[default]
        of = [schema for schema in found if schema.hash.startswith(text)]
        if len(of) != 1:
            raise NotFound(f"{len(of)} schemas of {dataset.key[1]} begin with {text!r}.")
        return of[0]

    return rules.drift(one(old, -2).fields, one(new, -1).fields)

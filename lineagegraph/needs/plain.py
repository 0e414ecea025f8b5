"""Whether all is here that the plain case needs; what is more than plain is left to the rules and to what they need."""

from __future__ import annotations

from collections.abc import Iterable

from lineagegraph import rules
from lineagegraph.facts import Vertex
from lineagegraph.needs.hops import IN, OUT, VERSIONS
from lineagegraph.reader import Reader

AROUND = ((OUT, "SAME_AS"), (OUT, "DERIVED_FROM"), (IN, "GENERATED_BY"), (IN, "STATES_LINEAGE_OF"))
ENDS = tuple((OUT, label) for label in ("READ", "WROTE", "RUN_OF", *VERSIONS))


def plain_sources(reader: Reader, outputs: Iterable[Vertex]) -> dict[Vertex, list[rules.Source]]:
    """The current `sources` of those of these outputs that are plain; nothing is asked for."""
    plain = rules.plain(reader.view)
    around, inputs, ends = reader.followed(*AROUND), reader.followed((OUT, "CONSUMES")), reader.followed(*ENDS)
    found = {}
    for output in outputs:
        names = plain.names(output)
        if names is None or not around.issuperset(names) or not reader.unstated(names):
            continue
        makers = plain.makers(names)
        if makers is None or not inputs.issuperset(makers.latest):
            continue
        if not ends.issuperset([latest.run for latest in makers.latest.values()]):
            continue
        rows = plain.sources(output, names, makers)
        if rows is not None:
            found[output] = rows
    return found


def plain_reads(reader: Reader, pipelines: Iterable[Vertex]) -> dict[Vertex, rules.Snapshots]:
    """What the latest runs of those of these pipelines that are plain read; nothing is asked for."""
    plain, wrote, found = rules.plain(reader.view), reader.view.leaving("WROTE"), {}
    seen, made = reader.followed(*ENDS), reader.followed((IN, "GENERATED_BY"))
    for pipeline in pipelines:
        latest = plain.latest(pipeline)
        if latest is None or latest.run not in seen or not made.issuperset(wrote.get(latest.run, ())):
            continue
        rows = plain.snapshots(latest)
        if rows is not None:
            found[pipeline] = rows
    return found

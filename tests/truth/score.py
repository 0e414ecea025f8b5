"""How true the answers are: what `explain --answers` says of real events, beside what their programs really did.

The truth is Iceberg's own metadata and the programs' text (`tests/events/truth`). Whether events could have told
an edge is read from their JSON here, not from our mapping.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from consumer.event_files import read_events
from consumer.explain import gather
from lineagegraph.answers import answers
from lineagegraph.facts import Facts
from lineagegraph.naming import Naming

EVENTS = Path(__file__).parents[1] / "events"
SCENARIOS = tuple(sorted(path.stem for path in (EVENTS / "truth").glob("*.json")))

RECALL = {"read": 0.78, "wrote": 0.71}  # of exact snapshots: what these events can tell
LIKELY_RIGHT = 0.96

Name = tuple[str, str]
Edge = tuple[Name, Name]
Claim = tuple[str, str, str, str]  # run, namespace, name, version


@dataclass
class Side:
    """Snapshots read, or written: how many there really were, and what was said of them."""

    true: int = 0
    found: int = 0  # true ones that were called exact
    exact: int = 0
    exact_right: int = 0
    likely: int = 0
    likely_right: int = 0


@dataclass
class Score:
    """One scenario, or several."""

    read: Side = field(default_factory=Side)
    wrote: Side = field(default_factory=Side)
    edges: int = 0
    tellable: int = 0
    edges_found: int = 0
    phantom: int = 0
    wrong: list[str] = field(default_factory=list)

    def __add__(self, other: Score) -> Score:
        read, wrote = _added(self.read, other.read), _added(self.wrote, other.wrote)
        numbers = (self.edges + other.edges, self.tellable + other.tellable, self.edges_found + other.edges_found)
        return Score(read, wrote, *numbers, self.phantom + other.phantom, self.wrong + other.wrong)

    def complaints(self) -> list[str]:
        """What is not as it must be, whatever the scope."""
        found = list(self.wrong)
        likely = self.read.likely + self.wrote.likely
        right = self.read.likely_right + self.wrote.likely_right
        if likely and right / likely < LIKELY_RIGHT:
            found.append(f"of {likely} likely snapshots only {right} are right")
        return found

    def recall_complaints(self) -> list[str]:
        """What too few exact snapshots were found of; meant for all scenarios, few of which have all kinds."""
        sides = (("read", self.read), ("wrote", self.wrote))
        return [
            f"{name}: {side.found} of {side.true} snapshots are exact, less than {RECALL[name]}"
            for name, side in sides
            if side.found < RECALL[name] * side.true
        ]


def _added(a: Side, b: Side) -> Side:
    return Side(*(getattr(a, f.name) + getattr(b, f.name) for f in fields(Side)))


def paths(scenarios: Iterable[str]) -> list[Path]:
    """The event files of these scenarios."""
    return [EVENTS / f"real-{name}.ndjson" for name in scenarios]


def score(scenarios: Iterable[str]) -> Score:
    """The score of these scenarios when all of their events, and no others, are given."""
    scenarios = list(scenarios)
    events = [json.loads(found.value) for found in read_events(map(str, paths(scenarios)))]
    said = list(answers(gather(map(str, paths(scenarios)), Naming()).facts))
    actions = _actions(scenarios)
    result = Score()
    for side, really in (("read", "reads"), ("wrote", "writes")):
        _judge_snapshots(result, side, said, actions, really)
    _judge_edges(result, said, actions, events)
    return result


def _judge_snapshots(
    result: Score, name: str, said: list[dict[str, Any]], actions: list[dict[str, Any]], really: str
) -> None:
    side: Side = getattr(result, name)
    claims = {certainty: set(_claims(said, name, certainty)) for certainty in ("exact", "likely")}
    true = _true(actions, really)
    for action in actions:
        snapshots = _snapshots(action, really)
        side.true += len(snapshots)
        side.found += sum(any((run, *s) in claims["exact"] for run in action["run_ids"] or ()) for s in snapshots)
    for certainty, of in claims.items():
        setattr(side, certainty, len(of))
        setattr(side, f"{certainty}_right", len(of & true))
    result.wrong += [f"{name} exactly, but did not: {claim}" for claim in sorted(claims["exact"] - true)]


def untrue(facts: Facts) -> list[Claim]:
    """What is called exact of any of the scenarios' facts, and is not so."""
    said, actions = list(answers(facts)), _actions(SCENARIOS)
    sides = (("read", "reads"), ("wrote", "writes"))
    return [claim for name, really in sides for claim in set(_claims(said, name, "exact")) - _true(actions, really)]


def _actions(scenarios: Iterable[str]) -> list[dict[str, Any]]:
    return [action for name in scenarios for action in json.loads((EVENTS / "truth" / f"{name}.json").read_text())]


def _snapshots(action: dict[str, Any], really: str) -> set[tuple[str, str, str]]:
    rows = {(r["ol_dataset"]["namespace"], r["ol_dataset"]["name"], r["snapshot"]) for r in action[really]}
    return {row for row in rows if row[2]}


def _true(actions: list[dict[str, Any]], really: str) -> set[Claim]:
    return {(run, *s) for action in actions for run in action["run_ids"] or () for s in _snapshots(action, really)}


def _claims(said: list[dict[str, Any]], name: str, certainty: str) -> Iterator[Claim]:
    for answer in said:
        for row in answer.get(name, ()):
            if row["certainty"] == certainty:
                yield answer["run"], row["namespace"], row["name"], str(row["version"])


def _judge_edges(
    result: Score, said: list[dict[str, Any]], actions: list[dict[str, Any]], events: list[dict[str, Any]]
) -> None:
    true: set[Edge] = set()
    tellable: set[Edge] = set()
    for action in actions:
        edges: set[Edge] = {(_place(source), _place(target)) for source, target in action["edges"]}
        sources, targets = _named(_events_of(action, events))
        true |= edges
        tellable |= {edge for edge in edges if edge[0] in sources and edge[1] in targets}
    found: set[Edge] = {
        ((source["namespace"], source["name"]), (answer["output"]["namespace"], answer["output"]["name"]))
        for answer in said
        if "output" in answer
        for source in answer["sources"]
    }
    result.edges, result.tellable = len(true), len(tellable)
    result.edges_found, result.phantom = len(true & found), len(found - true)
    result.wrong += [f"phantom edge: {edge}" for edge in sorted(found - true)]
    result.wrong += [f"edge not found: {edge}" for edge in sorted(tellable - found)]


def _place(end: str | dict[str, str]) -> Name:
    """A table's location, or an OpenLineage name."""
    if isinstance(end, dict):
        return end["namespace"], end["name"]
    scheme, _, path = end.partition(":")
    return scheme, "/" + path.lstrip("/")


def _events_of(action: dict[str, Any], events: list[dict[str, Any]]) -> list[dict[str, Any]]:
    if action["run_ids"]:
        return [event for event in events if event["run"]["runId"] in action["run_ids"]]
    return [event for event in events if f"{event['job']['namespace']}/{event['job']['name']}" == action["job"]]


def _named(events: list[dict[str, Any]]) -> tuple[set[Name], set[Name]]:
    """The datasets that these events name as sources (inputs, column lineage) and as targets."""
    sources, targets = set(), set()
    for event in events:
        outputs = event.get("outputs") or []
        targets |= {(d["namespace"], d["name"]) for d in outputs}
        sources |= {(d["namespace"], d["name"]) for d in event.get("inputs") or []}
        for output in outputs:
            lineage = output.get("facets", {}).get("columnLineage", {})
            given = [f for column in lineage.get("fields", {}).values() for f in column.get("inputFields", [])]
            sources |= {(f["namespace"], f["name"]) for f in [*given, *lineage.get("dataset", [])]}
    return sources, targets


def table(rows: dict[str, Score]) -> str:
    """The scores for people."""
    heads = ["scenario", "read exact: right/said", "of true", "wrote exact: right/said", "of true", "likely right"]
    heads += ["edges found/tellable/true", "phantom"]
    lines = ["| " + " | ".join(heads) + " |", "|---" * len(heads) + "|"]
    for name, row in rows.items():
        likely, right = row.read.likely + row.wrote.likely, row.read.likely_right + row.wrote.likely_right
        cells = [
            name,
            *(part for s in (row.read, row.wrote) for part in (f"{s.exact_right}/{s.exact}", f"{s.found}/{s.true}")),
            f"{right}/{likely}",
            f"{row.edges_found}/{row.tellable}/{row.edges}",
            str(row.phantom),
        ]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def all_scopes() -> dict[str, Score]:
    """Each scenario alone, their sum, and all of them folded together."""
    alone = {name: score([name]) for name in SCENARIOS}
    return {**alone, "sum": sum(alone.values(), Score()), "folded together": score(SCENARIOS)}

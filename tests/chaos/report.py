"""What the runs showed: a table by nemesis, what went wrong, and one last line of JSON."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from benchmarks.measure import table


@dataclass
class Strike:
    """One nemesis at one moment; `recovery` is in seconds, None where nobody recovered."""

    name: str
    kills: int
    rebalances: int
    recovery: float | None


@dataclass
class Outcome:
    """One run."""

    seed: int
    events: int = 0
    seconds: float = 0.0
    commits: int = 0
    kills: int = 0
    lost: int = 0
    doubled: int = 0
    dead_letters: int = 0
    dead_letters_twice: int = 0
    dead_letters_wrong: int = 0
    megabytes: int = 0
    strikes: list[Strike] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)

    @property
    def good(self) -> bool:
        return not (self.lost or self.doubled or self.dead_letters_wrong or self.failures)


def quantile(values: Sequence[float], share: float) -> float:
    """The value that this share of them does not exceed; of none 0."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else 0.0


def rows(outcomes: Iterable[Outcome]) -> list[list[object]]:
    """By nemesis: runs, strikes, kills, rebalances, lost and doubled of the runs it was part of, recovery."""
    by_name: dict[str, list[tuple[Outcome, Strike]]] = {}
    for outcome in outcomes:
        for strike in outcome.strikes:
            by_name.setdefault(strike.name, []).append((outcome, strike))
    made: list[list[object]] = []
    for name, found in sorted(by_name.items()):
        runs = {outcome.seed: outcome for outcome, _ in found}
        times = [strike.recovery for _, strike in found if strike.recovery is not None]
        made.append(
            [
                name,
                len(runs),
                len(found),
                sum(strike.kills for _, strike in found),
                sum(strike.rebalances for _, strike in found),
                sum(run.lost for run in runs.values()),
                sum(run.doubled for run in runs.values()),
                f"{quantile(times, 0.5):.1f}",
                f"{quantile(times, 0.99):.1f}",
            ]
        )
    return made


HEAD = ["nemesis", "runs", "strikes", "kills", "rebalances", "lost", "doubled", "p50 s", "p99 s"]


def show(outcomes: Sequence[Outcome]) -> None:
    """The table, for people."""
    table("by nemesis", HEAD, rows(outcomes))
    for outcome in outcomes:
        for failure in outcome.failures:
            print(f"seed {outcome.seed}: {failure}")


def as_markdown(outcomes: Sequence[Outcome]) -> str:
    """What docs/reliability.md shows: the runs in one sentence, the bound that follows, and the table."""
    all_of = summary(outcomes)
    good = sum(outcome.good for outcome in outcomes)
    strikes = sum(len(outcome.strikes) for outcome in outcomes)
    letters = sum(outcome.dead_letters for outcome in outcomes)
    most = max(outcome.megabytes for outcome in outcomes)
    said = (
        f"{all_of['runs']} runs (seeds {outcomes[0].seed} to {outcomes[-1].seed}), {good} of them without any failure: "
        f"{all_of['events']:,} records, {strikes} strikes, {all_of['kills']} kills, "
        f"{sum(outcome.commits for outcome in outcomes):,} commits, {all_of['lost']} lost, "
        f"{all_of['doubled']} doubled, {all_of['dead_letters_wrong']} of {letters:,} dead letters wrong; "
        f"at most {most} MB in any consumer."
    )
    bound = (
        "By the rule of three (nothing seen in *n* tries: at most 3/*n*, with 95 % confidence) fewer than "
        f"{3e6 / all_of['events']:.1f} in a million records, and fewer than {300 / strikes:.1f} % of such strikes, "
        "lose or double anything."
    )
    text = [said] if all_of["lost"] or all_of["doubled"] else [said, "", bound]
    text += ["", f"| {' | '.join(HEAD)} |", "|---" * len(HEAD) + "|"]
    text += [f"| {' | '.join(map(str, row))} |" for row in rows(outcomes)]
    return "\n".join(text)


def summary(outcomes: Sequence[Outcome]) -> dict[str, Any]:
    """What the last line says."""
    names = ("events", "kills", "lost", "doubled", "dead_letters_wrong")
    return {"runs": len(outcomes), **{name: sum(getattr(one, name) for one in outcomes) for name in names}}


def as_dict(outcome: Outcome) -> dict[str, Any]:
    """One run for a file of runs."""
    return asdict(outcome)


def of_dict(row: dict[str, Any]) -> Outcome:
    """The run of a line of such a file."""
    return Outcome(**{**row, "strikes": [Strike(**strike) for strike in row["strikes"]]})

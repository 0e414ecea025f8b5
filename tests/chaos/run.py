"""One run: send a history, do harm while it is consumed, let all come to rest, and judge."""

from __future__ import annotations

import random
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic

from tests.chaos import verdict
from tests.chaos.commits import Commits
from tests.chaos.group import Group, until
from tests.chaos.history import History
from tests.chaos.nemeses import SESSION, TABLE, Harm, Nemesis, heal
from tests.chaos.report import Outcome, Strike
from tests.chaos.sending import Sending
from tests.chaos.stage import SYNC, Stage
from tests.product import Product
from tests.servers import empty

PARTITIONS, MEMBERS = 6, 3
RECOVERY = 300.0  # seconds until every partition must have got on
REST = 900.0  # seconds until all must be committed after the last harm
MOST_MB = 300  # resident, of any consumer


@dataclass(frozen=True)
class Plan:
    """How long, how much, and with which fence taken away."""

    seconds: float = 600.0
    events: int = 100_000
    slow: bool = True
    only: str = ""  # nemeses whose name holds this
    without: str = ""  # the fence that is missing
    keep: Path | None = None  # where the consumers' logs are kept


class Unfenced(Product):
    """The product with a fence taken away."""

    def _command(self, arguments: tuple[str, ...]) -> list[str]:
        return [sys.executable, "-m", "tests.chaos.without", *arguments]


@dataclass
class Play:
    """What takes part in one run."""

    plan: Plan
    outcome: Outcome
    sending: Sending
    commits: Commits
    group: Group
    harm: Harm
    began: float

    def tell(self, line: str) -> None:
        """A line of progress."""
        done = f"{self.commits.total():,} of {self.sending.acknowledged:,} committed"
        print(f"  +{time.monotonic() - self.began:4.0f} s  {line}; {done}, {self.group.megabytes()} MB", flush=True)

    def do_harm(self) -> None:
        """Everything in the table in random order, over and over, until the time is up."""
        for nemesis in _endless(self.harm.pick, self.plan):
            if time.monotonic() - self.began > self.plan.seconds or self.outcome.failures:
                return
            time.sleep(self.harm.pick.uniform(0.5, 3))
            self._strike(nemesis)

    def _strike(self, nemesis: Nemesis) -> None:
        kills, rebalances = self._kills(), self.commits.rebalances
        nemesis.strike(self.harm)
        recovery = self._recovered()
        strike = Strike(nemesis.name, self._kills() - kills, self.commits.rebalances - rebalances, recovery)
        self.outcome.strikes.append(strike)
        if recovery is None:
            self.outcome.failures.append(f"nobody got on within {RECOVERY:g} s after {nemesis.name}")
        self.tell(f"{nemesis.name}: {'NOT ' if recovery is None else ''}recovered in {recovery or RECOVERY:.1f} s")

    def _recovered(self) -> float | None:
        """Seconds until every partition that had something left to commit has committed more."""
        behind = self.commits.behind(dict(self.sending.ends))
        return until(lambda: all(self.commits.offsets.get(p, 0) > offset for p, offset in behind.items()), RECOVERY)

    def _kills(self) -> int:
        return self.group.kills + self.harm.server_kills

    def rest(self) -> None:
        """Until all that was sent is committed, and everybody has ended in order."""
        self.sending.finish(REST)
        self.tell("all is sent")
        took = until(lambda: not self.commits.behind(self.sending.ends), REST)
        self.tell("all is committed" if took is not None else "NOT all is committed")
        if took is None:
            self.outcome.failures.append(f"partitions left: {self.commits.behind(self.sending.ends)}")
        self.group.finish(90)
        time.sleep(0.5)  # the last commits are read along


def play(stage: Stage, seed: int, plan: Plan) -> Outcome:
    """One run on an empty graph and a topic of its own."""
    outcome = Outcome(seed)
    empty(stage.graph)
    with tempfile.TemporaryDirectory() as temporary:
        folder = plan.keep / str(seed) if plan.keep else Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        product = (Unfenced if plan.without else Product)(stage.bootstrap, stage.graph_url, folder / "commands.log")
        product.environment = {
            "LINEAGE_SESSION_SECONDS": str(SESSION),
            "LINEAGE_GRAPH_SYNC_SECONDS": str(SYNC),
            "LINEAGE_BATCH_RECORDS": "250",
            **({"CHAOS_WITHOUT": plan.without} if plan.without else {}),
        }
        product.run("schema", "install")
        admin = AdminClient({"bootstrap.servers": stage.kafka.bootstrap})
        for made in admin.create_topics([NewTopic(product.topic, PARTITIONS, 1)]).values():
            made.result(30)
        history = History(seed, plan.events)
        _play(outcome, stage, plan, product, history, folder)
        _judge(outcome, stage, product, history)
    return outcome


def _play(outcome: Outcome, stage: Stage, plan: Plan, product: Product, history: History, folder: Path) -> None:
    sending = Sending(stage.kafka.bootstrap, product.topic, PARTITIONS, history, plan.seconds)
    with closing(Commits(stage.kafka.bootstrap, f"g-{product.topic}", product.topic)) as commits:
        group = Group(product, folder, MEMBERS)
        harm = Harm(random.Random(f"harm {history.seed}"), group, stage)
        one = Play(plan, outcome, sending, commits, group, harm, time.monotonic())
        try:
            sending.start()
            if until(lambda: commits.total() > 0, 120) is None:
                outcome.failures.append("nothing was committed within two minutes")
            one.do_harm()
            heal(stage)
            one.rest()
        finally:
            heal(stage)
            group.end()
        outcome.events, outcome.commits = sending.acknowledged, commits.count
        outcome.seconds, outcome.kills = round(time.monotonic() - one.began, 1), one._kills()
        outcome.megabytes = group.megabytes()
        outcome.failures += [
            *group.failures,
            *sending.failures,
            *(f"a commit went back: {at}" for at in commits.went_back),
        ]
        if outcome.megabytes > MOST_MB:
            outcome.failures.append(f"a consumer had {outcome.megabytes} MB")
        expected = dict(sending.dead)
    found = verdict.letters(stage.kafka.bootstrap, f"{product.topic}.g-{product.topic}.dlq")
    wrong = verdict.wrong(found, expected)
    outcome.dead_letters, outcome.dead_letters_wrong = len(expected), len(wrong)
    outcome.dead_letters_twice = len(found) - len({(one.partition, one.offset) for one in found})
    outcome.failures += wrong[:10]


def _judge(outcome: Outcome, stage: Stage, product: Product, history: History) -> None:
    """The graph, read when nobody writes any more; and that nothing is left to consume."""
    counts = product.consume("--wait")
    if counts["received"] != counts["written"] + counts["dead"] + counts["skipped"] + counts["given_up"]:
        outcome.failures.append(f"accounts do not add up: {counts}")
    difference = verdict.compare(history.expected(), stage.graph.url)
    outcome.lost, outcome.doubled = difference.lost, difference.doubled
    outcome.failures += difference.examples
    admin = AdminClient({"bootstrap.servers": stage.kafka.bootstrap})
    admin.delete_topics([product.topic])


def _endless(pick: random.Random, plan: Plan) -> Iterator[Nemesis]:
    rows: Sequence[Nemesis] = [one for one in TABLE if plan.only in one.name and (plan.slow or not one.slow)]
    assert rows, f"no nemesis is called {plan.only!r}"
    while True:
        yield from pick.sample(rows, len(rows))

"""The chaos suite.

    python -m tests.chaos --seconds 600 --seed 7
    python -m tests.chaos --runs 10 --into runs.jsonl

Real Kafka, JanusGraph on Cassandra and three consumers in one group. A history of numbered events, malformed ones,
repeated, disordered and huge ones among them, is consumed while nemeses do harm; in the end the graph's export must be
what the sound events state, and the dead letters exactly the malformed ones. The last line is JSON; the exit code is 0
only if nothing was lost, doubled or wrongly buried, and nothing else went wrong.
"""

from __future__ import annotations

import argparse
import json
import random
import signal
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from deploy.local.home import default_home
from tests.chaos import without
from tests.chaos.report import Outcome, as_dict, as_markdown, of_dict, show, summary
from tests.chaos.run import Plan, play
from tests.chaos.stage import ChaosStack, stage
from tests.servers import session_name

SHORT = 300.0  # shorter runs have no time for what takes minutes


def main(words: Sequence[str] | None = None) -> int:
    """The command line."""
    options = _arguments(words)
    if options.table is not None:
        found = [of_dict(json.loads(line)) for line in options.table.read_text("utf-8").splitlines()]
        if options.markdown:
            print(as_markdown(found))
            return 0
        return _end(found)
    first = random.randrange(10**6) if options.seed is None else options.seed
    events = options.events or int(options.seconds * 170)
    slow = options.slow or options.seconds >= SHORT
    plan = Plan(options.seconds, events, slow, options.only, options.without, options.keep)
    outcomes: list[Outcome] = []
    names = session_name(default_home() / "run", lambda name: ChaosStack(name).down(wipe=True))
    with names as name, stage(ChaosStack(name)) as servers:
        for seed in range(first, first + options.runs):
            print(f"{time.strftime('%H:%M:%S')} seed {seed}: {events:,} events, {options.seconds:g} s", flush=True)
            outcomes.append(play(servers, seed, plan))
            _keep(outcomes[-1], options.into)
    return _end(outcomes)


def _keep(outcome: Outcome, into: Path | None) -> None:
    line = json.dumps(as_dict(outcome))
    if into is not None:
        with into.open("a", encoding="utf-8") as file:
            file.write(line + "\n")
    print(
        f"{time.strftime('%H:%M:%S')} seed {outcome.seed}: {'good' if outcome.good else 'BAD'}, {line[:300]}",
        flush=True,
    )
    for failure in outcome.failures:
        print(f"  {failure[:2000]}", flush=True)


def _end(outcomes: Sequence[Outcome]) -> int:
    show(outcomes)
    print(json.dumps(summary(outcomes)))
    return 0 if outcomes and all(outcome.good for outcome in outcomes) else 1


def _arguments(words: Sequence[str] | None) -> argparse.Namespace:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--seconds", type=float, default=600, help="of harm, in each run (default: %(default)s)")
    options.add_argument("--events", type=int, help="in each run (default: 170 for each second)")
    options.add_argument("--runs", type=int, default=1, help="one after the other, with seeds that follow each other")
    options.add_argument("--seed", type=int, help="repeats the history and the order of harm of another run")
    options.add_argument("--only", default="", metavar="TEXT", help="nemeses whose name holds this text")
    options.add_argument("--slow", action="store_true", help=f"what takes minutes, also in less than {SHORT:g} s")
    options.add_argument("--without", default="", choices=["", *without.FENCES], help="a fence that is taken away")
    options.add_argument("--into", type=Path, help="a file that gets one line of JSON for each run")
    options.add_argument("--keep", type=Path, help="a folder that keeps the consumers' logs")
    options.add_argument("--table", type=Path, help="only print the table of the runs in such a file")
    options.add_argument("--markdown", action="store_true", help="that table as docs/reliability.md shows it")
    return options.parse_args(words)


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))  # so that the servers are stopped too
    sys.exit(main())

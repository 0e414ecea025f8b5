"""A rolling upgrade under load: an older and this version of the consumer in one group, one by one, and back again."""

from __future__ import annotations

import io
import subprocess
import sys
import tarfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import pytest

from lineagegraph import install as installing
from lineagegraph.gremlin import Connections
from lineagegraph.naming import Naming
from lineagegraph.schema import SCHEMA_VERSION
from lineagegraph.settings import GraphSettings
from tests.consumer.fakes import event
from tests.product import ROOT, Product, eventually, logged
from tests.servers import Store

pytestmark = pytest.mark.real
OLD = "c7de37b9c7844e988b65ad30425d791ecfd5e81a"  # the commit that is upgraded from; move it on with every release
PORTION = 1_000  # events


@pytest.fixture(scope="module")
def old_version(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The older version as it was committed."""
    done = subprocess.run(["git", "archive", OLD], cwd=ROOT, capture_output=True, check=False)
    if done.returncode:
        pytest.skip(f"this checkout does not reach back to {OLD}: fetch the whole history")
    folder = tmp_path_factory.mktemp("old")
    with tarfile.open(fileobj=io.BytesIO(done.stdout)) as archive:
        archive.extractall(folder, filter="data")
    return folder


class Member:
    """One consumer of a version, with a log of its own."""

    def __init__(self, product: Product, version: Path, log: Path) -> None:
        self._log = log
        environment = {**product._environment(), "PYTHONPATH": str(version)}
        command = [sys.executable, "-W", "error", "-m", "consumer", "consume"]
        with log.open("ab") as out:
            self._process = subprocess.Popen(command, cwd=version, env=environment, stdout=out, stderr=out)

    @property
    def batches(self) -> int:
        """How many batches it has written so far."""
        return len(logged(self._log, "batch"))

    def leave(self) -> None:
        """As an orchestrator ends it."""
        self._process.terminate()
        assert self._process.wait(60) == 0, self._log.read_text()[-2000:]

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()


@pytest.fixture
def files(tmp_path: Path) -> Iterator[Path]:
    """Portions of events without end, each about other runs."""

    def made() -> Iterator[Path]:
        for number in range(1_000):
            path = tmp_path / f"{number}.ndjson"
            path.write_bytes(b"".join(event(number * PORTION + n) + b"\n" for n in range(PORTION)))
            yield path

    return made()


def test_old_and_new_consumers_work_side_by_side_and_nothing_is_lost_or_buried(
    product: Callable[[Store], Product], old_version: Path, files: Iterator[Path], tmp_path: Path
) -> None:
    made = product("inmemory")
    made.run("schema", "install")
    sent = [next(files)]
    made.publish(sent[0], partitions=6)
    with ExitStack() as ending:

        def start(version: Path, name: str) -> Member:
            member = Member(made, version, tmp_path / f"{name}.log")
            ending.callback(member.kill)
            return member

        def both_write(*members: Member) -> None:
            """Events flow until each of these has written more than it has now."""
            before = [member.batches for member in members]

            def done() -> bool:
                sent.append(next(files))
                made.publish(sent[-1], partitions=6)
                return all(member.batches > count for member, count in zip(members, before, strict=True))

            eventually(done, 120)

        one, two = start(old_version, "old-1"), start(old_version, "old-2")
        both_write(one, two)
        one.leave()
        three = start(ROOT, "new-1")
        both_write(two, three)
        two.leave()
        four = start(ROOT, "new-2")
        both_write(three, four)
        three.leave()
        both_write(four, start(old_version, "old-3"))
        counts = made.consume()
    assert counts["dead"] == 0
    assert made.graph_hash() == made.facts_hash(*sent)


def test_a_consumer_that_is_older_than_the_graph_refuses_and_says_so(
    product: Callable[[Store], Product], monkeypatch: pytest.MonkeyPatch
) -> None:
    made = product("inmemory")
    monkeypatch.setattr(installing, "SCHEMA_VERSION", SCHEMA_VERSION + 1)
    with closing(Connections(GraphSettings(urls=(made.graph_url,)))) as connections:
        installing.install(connections, Naming().hash)
    assert made.refused("consume", "--until-end") == (
        f"Error: The graph's schema has version {SCHEMA_VERSION + 1}, and this program writes version "
        f"{SCHEMA_VERSION}. Upgrade lineagegraph, or use another graph (LINEAGE_GRAPH_URLS).\n"
    )

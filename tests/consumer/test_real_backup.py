"""The restore rehearsal: back up under load, lose everything, restore, replay; nothing shows that it ever happened."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from deploy.local import Cassandra, Stack
from tests.consumer.fakes import event
from tests.product import Product, eventually, logged
from tests.servers import fresh

pytestmark = [pytest.mark.cassandra, pytest.mark.timeout(600)]
PORTION = 600  # events


@pytest.fixture
def product(local_stack: Stack, tmp_path: Path) -> Iterator[Product]:
    """On this machine's own servers, whose files are here."""
    local_stack.kafka().start()
    graph = fresh(local_stack, "cassandra")
    made = Product(local_stack.kafka().bootstrap, graph.url, tmp_path / "log")
    made.environment |= {"LINEAGE_SESSION_SECONDS": "6", "LINEAGE_GRAPH_SYNC_SECONDS": "3"}
    made.run("schema", "install")
    yield made
    local_stack.cassandra().start()
    local_stack.janusgraph("cassandra").start()


@pytest.fixture
def portions(tmp_path: Path) -> list[Path]:
    """Files of events, each about other runs and the same few jobs and tables."""
    files = [tmp_path / f"{number}.ndjson" for number in range(3)]
    for number, file in enumerate(files):
        made = (event(number * PORTION + n) for n in range(PORTION))
        file.write_bytes(b"\n".join(made) + b"\n")
    return files


def nodes(cassandra: Cassandra, path: Path) -> Path:
    """The file that tells of the node."""
    beside = [str(cassandra.data.parent / name) for name in ("commitlog", "hints", "saved_caches")]
    rows = {"name": "only", "data": str(cassandra.data), "nodetool": cassandra.nodetool(), "empty": beside}
    path.write_text("[[node]]\n" + "".join(f"{name} = {json.dumps(row)}\n" for name, row in rows.items()), "utf-8")
    return path


def destroy(stack: Stack) -> None:
    """Graph and store die, and what the store had is gone."""
    stack.janusgraph("cassandra").kill()
    stack.cassandra().kill()
    shutil.rmtree(stack.cassandra().data.parent)


def test_back_up_under_load_destroy_restore_and_replay_leaves_the_graph_as_if_nothing_had_happened(
    product: Product, portions: list[Path], local_stack: Stack, tmp_path: Path
) -> None:
    folder, file = tmp_path / "backup", nodes(local_stack.cassandra(), tmp_path / "nodes.toml")
    product.publish(portions[0])
    consumers = [product.start("consume") for _ in range(2)]
    with ended(consumers):
        eventually(lambda: sum(row["written"] for row in logged(product.log, "batch")) >= PORTION, 120)
        flowing = product.start("publish", str(portions[1]), "--topic", product.topic)
        made = json.loads(product.run("backup", str(folder), "--nodes", str(file), "--json"))
        assert made["hash"] is None, "consumers were writing"
        assert flowing.wait(120) == 0
        product.publish(portions[2])
    destroy(local_stack)

    product.run("restore", str(folder), "--nodes", str(file))
    local_stack.cassandra().start()
    local_stack.janusgraph("cassandra").start()
    done = json.loads(product.run("restore", str(folder), "--finish", "--json"))
    assert (done["compared"], done["lost"]) == (False, 0)
    assert done["graph"] != made["graph"]
    whole = product.facts_hash(*portions)
    assert done["hash"] != whole, "or there was no gap"
    counts = product.consume()
    assert counts["received"] == done["gap"] >= PORTION
    assert product.graph_hash() == whole

    quiet = json.loads(product.run("backup", str(tmp_path / "quiet"), "--nodes", str(file), "--json"))
    assert quiet["hash"] == whole


@contextmanager
def ended(processes: list[subprocess.Popen[bytes]]) -> Iterator[None]:
    """None of these outlives the block."""
    try:
        yield
    finally:
        for process in processes:
            process.kill()
            process.wait()

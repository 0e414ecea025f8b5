"""A node's snapshot becomes one archive and goes back into an empty node; here `nodetool` is a few lines of shell."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from lineagegraph.errors import LineageError
from lineagegraph.nodes import Node, fetch, load, put_back, schema, snapshots, verify

NODETOOL = """\
test "$1" = snapshot && for table in $DATA/*/*; do
  mkdir -p "$table/snapshots/$3" && cp "$table"/*.db "$table/snapshots/$3/"
  echo '{}' > "$table/snapshots/$3/manifest.json"
  echo "CREATE TABLE $table" > "$table/snapshots/$3/schema.cql"
done
test "$1" = clearsnapshot && rm -rf $DATA/*/*/snapshots/$3
exit $FAILS
"""


def node(folder: Path, name: str, fails: int = 0) -> Node:
    """A node with two tables; each file tells where it is."""
    data = folder / f"{name} data"
    for table in ("lineage/edgestore-1", "system/local-2"):
        (data / table).mkdir(parents=True)
        (data / table / "nb-1-big-Data.db").write_text(f"{name} {table}")
    script = f"DATA='{folder}/{name}?data'; FAILS={fails}\n{NODETOOL}"
    return Node(name=name, data=str(data), nodetool=("sh", "-c", script, "nodetool"))


def files(folder: Path | str) -> dict[str, str]:
    root = Path(folder)
    return {str(path.relative_to(root)): path.read_text() for path in sorted(root.rglob("*")) if path.is_file()}


def test_what_was_taken_of_every_node_is_what_comes_back(tmp_path: Path) -> None:
    cluster, target = [node(tmp_path, "a"), node(tmp_path, "b")], tmp_path / "backup"
    target.mkdir()
    before = {one.name: files(one.data) for one in cluster}
    with snapshots(cluster, "tag-1"):
        for one in cluster:
            Path(one.data, "lineage/edgestore-1/nb-2-big-Data.db").write_text("written after the snapshot")
        assert "edgestore-1" in schema(cluster[0], "tag-1", "lineage")
        archives = fetch(cluster, "tag-1", target)
    assert not list(tmp_path.rglob("tag-1")), "the snapshots are gone"
    for one in cluster:
        shutil.rmtree(one.data)
    verify(archives, target)
    put_back(cluster, archives, target)
    assert {one.name: files(one.data) for one in cluster} == before


def test_a_damaged_or_missing_archive_is_told_before_anything_is_unpacked(tmp_path: Path) -> None:
    one = node(tmp_path, "a")
    with snapshots([one], "t"):
        (archive,) = fetch([one], "t", tmp_path)
    with pytest.raises(LineageError, match=r"'a\.tar' is damaged"):
        verify([replace(archive, sha256="0" * 64)], tmp_path)
    with pytest.raises(LineageError, match="cannot be read"):
        verify([replace(archive, file="b.tar")], tmp_path)
    with pytest.raises(LineageError, match="differ in b"):
        put_back([one, node(tmp_path, "b")], [archive], tmp_path)


def test_a_node_that_is_not_empty_is_not_touched(tmp_path: Path) -> None:
    one = node(tmp_path, "a")
    with snapshots([one], "t"):
        archives = fetch([one], "t", tmp_path)
    before = files(one.data)
    with pytest.raises(LineageError, match="is not empty"):
        put_back([one], archives, tmp_path)
    assert files(one.data) == before
    (tmp_path / "commitlog").mkdir()
    (tmp_path / "commitlog" / "old.log").touch()
    shutil.rmtree(one.data)
    with pytest.raises(LineageError, match="commitlog of a is not empty"):
        put_back([one.model_copy(update={"empty": (str(tmp_path / "commitlog"),)})], archives, tmp_path)


def test_a_node_that_fails_is_named_with_its_words_and_no_snapshot_stays(tmp_path: Path) -> None:
    cluster = [node(tmp_path, "a"), node(tmp_path, "b", fails=3)]
    with pytest.raises(LineageError, match="b could not take a snapshot"), snapshots(cluster, "t"):
        pytest.fail("it has none")
    assert not list(tmp_path.rglob("t"))
    with (
        pytest.raises(LineageError, match="'nowhere' of c cannot be run"),
        snapshots([Node(name="c", data="/d", nodetool=("nowhere",))], "t"),
    ):
        pytest.fail("it has none")


def test_what_a_node_says_when_it_cannot_pack_or_unpack_is_told(tmp_path: Path) -> None:
    one = node(tmp_path, "a")
    with snapshots([one], "t"):
        (archive,) = fetch([one], "t", tmp_path)
    gone = one.model_copy(update={"data": str(tmp_path / "gone")})
    with pytest.raises(LineageError, match=r"a could not pack its snapshot: .*gone"):
        fetch([gone], "t", tmp_path)
    (tmp_path / "gone").mkdir()
    with pytest.raises(LineageError, match="a has no file of its snapshot"):
        fetch([gone], "t", tmp_path)
    (tmp_path / archive.file).write_text("no archive")
    with pytest.raises(LineageError, match=r"a could not unpack its archive: .*tar"):
        put_back([gone], [archive], tmp_path)


@pytest.mark.parametrize(("name", "there"), [("kubectl", 'exec "$@"'), ("ssh", 'eval "$1"')])
def test_one_gets_to_a_node_through_its_command(name: str, there: str, tmp_path: Path) -> None:
    script = tmp_path / name
    script.write_text(f"#!/bin/sh\nshift\n{there}\n")
    script.chmod(0o755)
    one = node(tmp_path, "a").model_copy(update={"run": (str(script), "HOST")})
    before = files(one.data)
    with snapshots([one], "t"):
        archives = fetch([one], "t", tmp_path)
    shutil.rmtree(one.data)
    put_back([one], archives, tmp_path)
    assert files(one.data) == before


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "Field required"),
        ("node = []", "at least 1"),
        ('[[node]]\nname = "a"', "Field required"),
        ('[[node]]\nname = "../a"\ndata = "/d"', "pattern"),
        ('[[node]]\nname = "a"\ndata = "/d"\nother = 1', "not permitted"),
        ("[[node", "cannot be used"),
        ('[[node]]\nname = "a"\ndata = "/d"\n[[node]]\nname = "a"\ndata = "/e"', "have one name"),
    ],
)
def test_a_file_of_nodes_that_cannot_be_used_is_one_sentence(text: str, says: str, tmp_path: Path) -> None:
    path = tmp_path / "nodes.toml"
    path.write_text(text)
    with pytest.raises(LineageError, match=says):
        load(path)
    path.write_text(f'[[node]]\nname = "a"\ndata = "/d"\nrun = {json.dumps(["kubectl", "exec"])}')
    assert load(path)[0].run == ("kubectl", "exec")

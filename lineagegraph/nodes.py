"""Cassandra's nodes as files: a snapshot of every node into one archive each, and an archive back into an empty node.

Everything on a node is done by `nodetool`, `find` and `tar`, each behind the command with which one gets there: none
where the node's files are here, `kubectl exec -i POD --` or `ssh HOST` elsewhere. All keyspaces are taken, so that a
node comes back as it was, with its tokens and its tables.
"""

from __future__ import annotations

import hashlib
import shlex
import subprocess
import tarfile
import tempfile
import tomllib
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from lineagegraph.errors import LineageError

PIECE = 2**20
SECONDS = 24 * 3600.0

T = TypeVar("T")


class Node(BaseModel):
    """One node: its name, where its data is, and how one gets there."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    name: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$")
    data: str = Field(min_length=2)  # the one of data_file_directories
    run: tuple[str, ...] = ()
    nodetool: tuple[str, ...] = ("nodetool",)
    empty: tuple[str, ...] = ()  # what must be empty besides `data` for a restore: commitlog, hints, saved_caches


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid")
    node: tuple[Node, ...] = Field(min_length=1)


@dataclass(frozen=True, slots=True)
class Archive:
    """What was taken of one node: the file with the archive, its SHA-256, and its size in bytes."""

    node: str
    file: str
    sha256: str
    size: int


def load(path: Path) -> tuple[Node, ...]:
    """The nodes of a file. Raises LineageError."""
    try:
        nodes = _File.model_validate(tomllib.loads(path.read_text("utf-8"))).node
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError, ValidationError) as error:
        why = str(error.errors(include_url=False)[0]["msg"]) if isinstance(error, ValidationError) else str(error)
        raise LineageError(
            f"The nodes in {str(path)!r} cannot be used: {why}. Give one [[node]] with name and data."
        ) from None
    if len({node.name for node in nodes}) < len(nodes):
        raise LineageError(f"Two nodes in {str(path)!r} have one name. Give each its own.")
    return nodes


@contextmanager
def snapshots(nodes: Sequence[Node], tag: str) -> Iterator[None]:
    """All nodes hold a snapshot of that name; afterwards it is gone. Raises LineageError."""
    try:
        _each(nodes, lambda node: _done(node, (*node.nodetool, "snapshot", "-t", tag), "take a snapshot"))
        yield
    finally:
        _each(nodes, lambda node: _run(node, (*node.nodetool, "clearsnapshot", "-t", tag)))


def fetch(nodes: Sequence[Node], tag: str, into: Path) -> list[Archive]:
    """The snapshots, one archive for each node. Raises LineageError."""
    return _each(nodes, lambda node: _fetch(node, tag, into / f"{node.name}.tar"))


def _fetch(node: Node, tag: str, target: Path) -> Archive:
    found = f"find . -type f -path '*/snapshots/{tag}/*' ! -name manifest.json ! -name schema.cql -print0"
    pack = f"tar --null -T - --transform 's,/snapshots/{tag}/,/,' -cf -"
    whole, size = hashlib.sha256(), 0
    command = _command(node, ("sh", "-c", f"cd {shlex.quote(node.data)} && {found} | {pack}"))
    with target.open("wb") as file, _process(node, "pack its snapshot", command, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None  # noqa: S101  (it is a pipe)
        while piece := process.stdout.read(PIECE):
            file.write(piece)
            whole.update(piece)
            size += len(piece)
    with tarfile.open(target) as packed:
        if packed.next() is None:
            raise LineageError(
                f"{node.name} has no file of its snapshot in {node.data}. Correct its data in the nodes."
            )
    return Archive(node.name, target.name, whole.hexdigest(), size)


def schema(node: Node, tag: str, keyspace: str) -> str:
    """The keyspace's tables as CQL, as the snapshot tells them."""
    look = f"find {shlex.quote(f'{node.data}/{keyspace}')} -path '*/snapshots/{tag}/schema.cql' -exec cat {{}} +"
    return _done(node, ("sh", "-c", look), "tell its schema")


def verify(archives: Sequence[Archive], folder: Path) -> None:
    """Raises LineageError unless every archive is as it was when it was taken."""
    for one in archives:
        whole = hashlib.sha256()
        try:
            with (folder / one.file).open("rb") as file:
                while piece := file.read(PIECE):
                    whole.update(piece)
        except OSError as error:
            raise LineageError(f"The archive {one.file!r} cannot be read: {error.strerror}.") from None
        if whole.hexdigest() != one.sha256:
            raise LineageError(f"The archive {one.file!r} is damaged: take another backup.")


def put_back(nodes: Sequence[Node], archives: Sequence[Archive], folder: Path) -> None:
    """Unpack every archive into its node, which must be stopped and empty. Raises LineageError."""
    by_name = {one.node: one for one in archives}
    if missing := by_name.keys() ^ {node.name for node in nodes}:
        raise LineageError(
            f"The backup and the file of nodes differ in {', '.join(sorted(missing))}. Name the same ones."
        )
    _each(nodes, _demand_empty)
    _each(nodes, lambda node: _unpack(node, folder / by_name[node.name].file))


def _demand_empty(node: Node) -> None:
    for place in (node.data, *node.empty):
        if _done(
            node, ("sh", "-c", f"mkdir -p {shlex.quote(place)} && ls -A {shlex.quote(place)}"), "look into it"
        ).strip():
            raise LineageError(f"{place} of {node.name} is not empty. Stop the node, and move away what is in there.")


def _unpack(node: Node, archive: Path) -> None:
    command = _command(node, ("tar", "-xf", "-", "-C", node.data))
    with archive.open("rb") as file, _process(node, "unpack its archive", command, stdin=file):
        pass


def _each(nodes: Sequence[Node], do: Callable[[Node], T]) -> list[T]:
    """On all nodes at the same time."""
    with ThreadPoolExecutor(len(nodes)) as pool:
        return list(pool.map(do, nodes))


def _command(node: Node, words: Sequence[str]) -> list[str]:
    """The command as it is run here; what gets there by a shell (ssh) takes one word."""
    if node.run and Path(node.run[0]).name == "ssh":
        return [*node.run, shlex.join(words)]
    return [*node.run, *words]


def _run(node: Node, words: Sequence[str]) -> subprocess.CompletedProcess[bytes]:
    try:
        return subprocess.run(_command(node, words), capture_output=True, timeout=SECONDS, check=False)
    except OSError as error:
        raise LineageError(f"{words[0]!r} of {node.name} cannot be run: {error.strerror}. Correct the nodes.") from None


def _done(node: Node, words: Sequence[str], what: str) -> str:
    done = _run(node, words)
    if done.returncode:
        raise _failure(node, what, done.stderr or done.stdout)
    return done.stdout.decode("utf-8", "replace")


@contextmanager
def _process(node: Node, what: str, command: Sequence[str], **pipes: Any) -> Iterator[subprocess.Popen[bytes]]:
    """A command under way; when the block has ended so must the command, and well. Raises LineageError."""
    with tempfile.TemporaryFile() as said:
        try:
            process = subprocess.Popen(command, stderr=said, **pipes)
        except OSError as error:
            raise LineageError(f"{command[0]!r} of {node.name} cannot be run: {error.strerror}.") from None
        with process:
            try:
                yield process
            except BaseException:
                process.kill()
                raise
            code = process.wait(SECONDS)
        if code:
            said.seek(0)
            raise _failure(node, what, said.read())


def _failure(node: Node, what: str, said: bytes) -> LineageError:
    why = " ".join(said.decode("utf-8", "replace").split())[-300:]
    return LineageError(f"{node.name} could not {what}{f': {why}' if why else ''}. Look at the node, and try again.")

"""The jar lock: every line is read, and a folder is exactly what it says or is refused by name."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from deploy.local.errors import LocalStackError
from deploy.local.jars import COMPONENTS, Jar, check, inspect, is_verified, locked, parse_lock, write_marker

SHA = "0" * 64


def jar(name: str, content: bytes) -> Jar:
    return Jar("kafka", f"org.example:{name}:1.0", f"{name}-1.0.jar", hashlib.sha256(content).hexdigest())


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two jars, as locked."""
    for name in ("a", "b"):
        (tmp_path / f"{name}-1.0.jar").write_bytes(name.encode())
    return tmp_path


JARS = (jar("a", b"a"), jar("b", b"b"))


def test_the_lock_names_every_component_and_no_file_twice() -> None:
    for component in COMPONENTS:
        names = [one.file for one in locked(component)]
        assert len(names) == len(set(names)) > 20


def test_comments_and_empty_lines_are_no_jars_and_a_classifier_is_part_of_the_coordinate() -> None:
    (one,) = parse_lock(f"# a comment\n\nkafka g:a:1.0:linux a-1.0-linux.jar {SHA}\n")
    assert one.parts == ("g", "a", "1.0", "linux")
    assert parse_lock(f"{one.line}\n") == (one,)


@pytest.mark.parametrize(
    "line",
    [
        "kafka g:a:1.0 a-1.0.jar",
        f"kafka g:a a.jar {SHA}",
        f"kafka g:a:1.0 a-1.0.jar {SHA[1:]}",
        f"kafka g:a:1.0 ../a.jar {SHA}",
        f"kafka g:a:1.0 a-1.0.jar {SHA} more",
    ],
)
def test_a_malformed_line_is_refused_by_its_number(line: str) -> None:
    with pytest.raises(LocalStackError, match="Line 2 of the jar lock"):
        parse_lock(f"# first\n{line}\n")


def test_a_component_without_jars_is_an_error(tmp_path: Path) -> None:
    lock = tmp_path / "some.lock"
    lock.write_text("# nothing\n")
    with pytest.raises(LocalStackError, match=r"some\.lock names no jar for kafka"):
        locked("kafka", lock)


def test_a_folder_as_locked_is_clean(folder: Path) -> None:
    assert inspect(folder, JARS).clean
    check(folder, JARS)


def test_a_missing_jar_is_named(folder: Path) -> None:
    (folder / "a-1.0.jar").unlink()
    with pytest.raises(LocalStackError, match=r"a-1\.0\.jar is missing"):
        check(folder, JARS)


def test_a_jar_with_another_content_is_named(folder: Path) -> None:
    (folder / "b-1.0.jar").write_bytes(b"B")
    with pytest.raises(LocalStackError, match=r"b-1\.0\.jar .* \(its SHA-256 differs\)"):
        check(folder, JARS)


def test_a_jar_too_many_is_named(folder: Path) -> None:
    (folder / "evil.jar").write_bytes(b"")
    with pytest.raises(LocalStackError, match=r"evil\.jar in .* is not in artifacts\.lock"):
        check(folder, JARS)


def test_what_was_verified_is_not_hashed_again_until_a_name_a_size_or_the_lock_changes(folder: Path) -> None:
    marker = folder.with_name("marker")
    assert not is_verified(marker, folder, JARS)
    write_marker(marker, folder, JARS)
    assert is_verified(marker, folder, JARS)
    assert not is_verified(marker, folder, (*JARS, jar("c", b"c")))
    (folder / "a-1.0.jar").write_bytes(b"aa")
    assert not is_verified(marker, folder, JARS)

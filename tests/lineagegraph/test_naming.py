"""Naming: what people type, and the file that says so."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from lineagegraph.errors import LineageError
from lineagegraph.naming import Naming

DOCS = Path(__file__).parents[2] / "docs" / "naming.md"
DEFAULTS = Naming()

CALLED = [
    (("s3://lake", "warehouse/gold/customers"), "gold/customers", "gold"),
    (("file", "/warehouse/lake/Silver/orders"), "Silver/orders", "silver"),
    (("hive://m", "db.bronze.orders"), "bronze/orders", "bronze"),
    (("postgres://h:5432", "shop.public.raw_orders"), "public/raw_orders", None),
    (("s3://lake", "landing/2026/x"), "2026/x", "landing"),
    (("kafka://k", "topic"), "topic", None),
    (("s3://lake", "/"), "/", None),
    (("db", "."), ".", None),
]


@pytest.mark.parametrize(("key", "dataset_id", "layer"), CALLED, ids=str)
def test_without_a_file_a_dataset_is_called_by_its_last_two_segments(
    key: tuple[str, str], dataset_id: str, layer: str | None
) -> None:
    assert DEFAULTS.dataset_id(*key) == dataset_id
    assert DEFAULTS.layer(*key) == layer


def _load(tmp_path: Path, text: str) -> Naming:
    path = tmp_path / "naming.toml"
    path.write_text(text, encoding="utf-8")
    return Naming.load(path)


def test_the_example_of_the_docs_does_what_it_says(tmp_path: Path) -> None:
    page = DOCS.read_text(encoding="utf-8")
    (example,) = re.findall(r"```toml\n(.*?)```", page, re.S)
    naming = _load(tmp_path, example)
    rows = re.findall(r"^\| `([^`]+)` \| `([^`]+)` \| `([^`]+)` \| (?:`([^`]+)`|–) \|$", page, re.M)
    assert len(rows) >= 4
    for namespace, name, dataset_id, layer in rows:
        assert (naming.dataset_id(namespace, name), naming.layer(namespace, name) or "") == (dataset_id, layer)
    jobs = re.findall(r"^\| job `([^`]+)` \| pipeline `([^`]+)` \|$", page, re.M)
    assert len(jobs) >= 3
    for job, pipeline in jobs:
        assert naming.job_name(job) == pipeline
    left_out = re.findall(r"^\| dataset `([^`]+)` \| left out \|$", page, re.M)
    assert len(left_out) >= 2
    for name in left_out:
        assert naming.artificial(name), name


def test_the_first_rule_that_fits_counts_and_what_it_leaves_out_is_by_default(tmp_path: Path) -> None:
    naming = _load(
        tmp_path,
        '[[dataset]]\nname = "(a|b)"\ndataset_id = "first/\\\\1"\n[[dataset]]\nname = ".*"\nlayer = "mart"\n',
    )
    assert (naming.dataset_id("n", "a"), naming.layer("n", "a")) == ("first/a", None)
    assert (naming.dataset_id("n", "x.y"), naming.layer("n", "x.y")) == ("x/y", "mart")
    assert naming.dataset_id("n", "ab") == "ab"


def test_a_group_that_takes_no_part_gives_the_default(tmp_path: Path) -> None:
    naming = _load(tmp_path, '[[dataset]]\nname = "(x)?y"\ndataset_id = "\\\\1"\nlayer = "\\\\1"\n')
    assert (naming.dataset_id("n", "y"), naming.layer("n", "y")) == ("y", None)


def test_layers_are_told_without_regard_to_case(tmp_path: Path) -> None:
    naming = _load(tmp_path, 'layers = ["Core"]\n')
    assert naming.layer("n", "a/CORE/b") == "core"
    assert naming.layer("n", "a/gold/b") is None


def test_own_rules_come_before_the_default_ones_which_can_be_switched_off(tmp_path: Path) -> None:
    own = '[[job]]\npattern = "^adhoc-.*"\nreplace = "adhoc"\n'
    assert _load(tmp_path, own).job_name("adhoc-5") == "adhoc"
    assert _load(tmp_path, own).job_name("etl_20260101_123000") == "etl"
    off = "default_job_rules = false\nfold_partitions = false\ndefault_filters = false\nignore = ['^tmp$']\n"
    naming = _load(tmp_path, off)
    assert naming.job_name("etl_20260101_123000") == "etl_20260101_123000"
    assert naming.fold("t/dt=1") == "t/dt=1"
    assert naming.artificial("x/_temporary/0") is None
    assert naming.artificial("tmp") == "tmp"


def test_a_job_is_never_without_a_name(tmp_path: Path) -> None:
    assert _load(tmp_path, '[[job]]\npattern = ".*"\n').job_name("x") == "x"


MISTAKES = [
    ("not TOML", "layers = [", "is not TOML"),
    ("an unknown key", "layer = ['x']\n", "line 1: layer: "),
    ("an unknown key in a table", "[[job]]\npattern = 'a'\nwith = 'b'\n", "line 3: job.0.with: "),
    ("no regular expression", "[[job]]\npattern = 'a'\n\n[[job]]\npattern = '('\n", "line 5: job.1.pattern: "),
    ("a group that is not there", "\n[[job]]\npattern = 'a'\nreplace = '\\1'\n", "line 2: job.0: "),
    ("the same for a dataset", "[[dataset]]\nname = 'a'\ndataset_id = '\\g<x>'\n", "line 1: dataset.0: "),
    ("no text", "fold_partitions = 'x'\n", "line 1: fold_partitions: "),
    ("a table without its key", "[[dataset]]\nlayer = 'x'\n", "line 1: dataset.0.name: "),
]


@pytest.mark.parametrize(("what", "text", "says"), MISTAKES, ids=[row[0] for row in MISTAKES])
def test_a_mistake_is_told_with_the_line_it_stands_in(tmp_path: Path, what: str, text: str, says: str) -> None:
    with pytest.raises(LineageError) as error:
        _load(tmp_path, text)
    assert says in str(error.value)
    assert "naming.toml" in str(error.value)


def test_a_file_that_is_not_there_is_said_to_be_missing(tmp_path: Path) -> None:
    with pytest.raises(LineageError, match=r"cannot be read"):
        Naming.load(tmp_path / "none.toml")


def test_equal_rules_have_one_hash_whatever_their_layout(tmp_path: Path) -> None:
    one = _load(tmp_path, "ignore = ['a']\nfold_partitions = true\n")
    other = _load(tmp_path, "# a comment\nignore = [\n  'a',\n]\n")
    assert one.hash == other.hash
    assert _load(tmp_path, "").hash == DEFAULTS.hash == Naming.load(None).hash
    assert _load(tmp_path, "ignore = ['b']\n").hash != one.hash


def test_the_rules_that_hold_by_default_are_part_of_the_hash(monkeypatch: pytest.MonkeyPatch) -> None:
    before = Naming().hash
    monkeypatch.setattr("lineagegraph.naming.ARTIFICIAL", ("x",))
    assert Naming().hash != before

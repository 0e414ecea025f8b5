"""`explain`: what events mean, told without a server."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from consumer.explain import explain
from lineagegraph.errors import LineageError
from tests.lineagegraph.build import ds, event, failed, ran
from tests.product import EVENTS, ROOT

OLD = "3595939024204564728"


def run(*arguments: str, events: Any = None, raw: str | None = None) -> Result:
    given = raw if raw is not None else "\n".join(json.dumps(one) for one in events or [])
    return CliRunner().invoke(explain, list(arguments), input=given, catch_exceptions=False)


def lines(result: Result) -> list[dict[str, Any]]:
    return [json.loads(line) for line in result.stdout.splitlines()]


def test_facts_are_printed_sorted_and_once_in_the_format_of_export() -> None:
    events = ran(0, [ds("a")], [ds("out")])
    result = run(events=[*events, *events])
    assert result.stdout == run(events=events[::-1]).stdout
    printed = result.stdout.splitlines()
    assert printed == sorted(set(printed))
    wanted = {
        "edge": "CONSUMES",
        "from": ["Pipeline", {"namespace": "made", "name": "job"}],
        "to": ["Dataset", {"namespace": "s3://lake", "name": "a"}],
        "properties": {"last_seen_at": "2026-11-01"},
    }
    assert wanted in lines(result)


def test_answers_are_one_line_per_run_output_and_model() -> None:
    model = ds("churn", namespace="mlflow://host", version="5", kind="MODEL")
    found = lines(run("--answers", events=[*ran(0, [ds("a")], [ds("out")]), *ran(5, [ds("out")], [model], run="r2")]))
    assert [next(iter(answer)) for answer in found] == ["run", "run", "output", "output", "model"]


def test_files_and_standard_input_say_the_same(tmp_path: Path) -> None:
    events = ran(0, [ds("a", version=OLD)], [ds("out")])
    (tmp_path / "list.json").write_text(json.dumps(events))
    records = [{"topic": "t", "offset": n, "value": one} for n, one in enumerate(events)]
    (tmp_path / "records.ndjson").write_text("\n".join(map(json.dumps, records)))
    wanted = run("--answers", events=events).stdout
    assert wanted
    assert run("--answers", str(tmp_path / "list.json")).stdout == wanted
    assert run("--answers", str(tmp_path / "records.ndjson"), "-", events=events).stdout == wanted


def test_the_hash_is_the_same_for_the_same_facts() -> None:
    events = ran(0, [ds("a")], [ds("out")])
    result = run("--hash", events=events)
    assert result.stdout == run("--hash", events=[*events[::-1], *events]).stdout
    assert json.loads(run("--hash", "--json", events=events).stdout) == {"hash": result.stdout.strip()}
    assert run("--hash", events=ran(0, [ds("b")], [ds("out")])).stdout != result.stdout


def test_an_alias_file_corrects_the_answers_and_never_the_facts(tmp_path: Path) -> None:
    path = tmp_path / "aliases.toml"
    path.write_text('[[ignore]]\ndataset = { name = "a" }\n')
    events = ran(0, [ds("a"), ds("b")], [ds("out")])
    (output,) = [a for a in lines(run("--answers", "--aliases", str(path), events=events)) if "output" in a]
    assert [source["name"] for source in output["sources"]] == ["b"]
    assert run("--aliases", str(path), events=events).exit_code == 2
    path.write_text('[[ignore]]\nrun = "x"\nrum = "y"\n')
    with pytest.raises(LineageError, match="line 3"):
        run("--answers", "--aliases", str(path), events=events)


@pytest.mark.parametrize(("good", "code"), [(1, 3), (0, 1)])
def test_malformed_events_are_told_and_cost_only_themselves(good: int, code: int) -> None:
    raw = "\n".join(["{}", "nonsense", *(json.dumps(one) for one in [event("START", 0)] * good)])
    result = run("--answers", raw=raw)
    assert result.exit_code == code
    assert result.stderr.splitlines()[0].startswith("standard input:1: malformed (envelope):")
    assert result.stderr.splitlines()[1].startswith("standard input:2: malformed (json_syntax):")
    assert len(lines(result)) == good
    shown = json.loads(run("--answers", "--json", raw=raw).stderr.splitlines()[0])
    assert shown.keys() == {"event", "malformed", "pointer", "says"}


def why(*events: Any, more: tuple[str, ...] = ()) -> list[tuple[str, str, str]]:
    found = lines(run("--why", "--json", *more, events=[*events]))
    assert all(row.keys() == {"event", "kind", "about", "says"} for row in found)
    return [(row["kind"], row["about"], row["says"]) for row in found]


def says(rows: list[tuple[str, str, str]], kind: str, about: str, text: str) -> bool:
    return any((row[0], row[1]) == (kind, about) and text in row[2] for row in rows)


def test_why_names_each_ignored_facet_with_its_reason() -> None:
    start = event("START", 0)
    start["run"]["facets"] |= {"environmentVariables": {"environmentVariables": []}, "my_facet": {}}
    rows = why(start)
    assert says(rows, "ignored", "run.environmentVariables", "secrets")
    assert says(rows, "ignored", "run.my_facet", "no rule of ours uses it")


def test_why_names_a_facet_that_does_not_fit() -> None:
    start = event("START", 0, [ds("a")])
    start["inputs"][0]["facets"]["version"] = {"datasetVersion": []}
    assert says(why(start), "warning", "dataset.version", "datasetVersion is not a text")


@pytest.mark.parametrize(
    ("dataset", "about", "text"),
    [
        (ds("/x//y/dt=2026-01-01", namespace="s3a://lake"), "s3a://lake /x//y/dt=2026-01-01", "is the dataset x/y (s3://lake)"),
        (ds("t/_temporary/0"), "s3://lake t/_temporary/0", "is left out: artificial by"),
        (ds("wh/t", called="db.t"), "db.t (catalog)", "is claimed as its name by wh/t (s3://lake)"),
        (ds("wh/t", called="/"), "wh/t (s3://lake)", "the symlink / is no name"),
        (ds("new", change="RENAME", was="old"), "old (s3://lake)", "is renamed to new (s3://lake)"),
        (ds("churn", version="5", kind="MODEL"), "churn (s3://lake)", "is version 5 of a model"),
    ],
)  # fmt: skip
def test_why_tells_what_became_of_a_name(dataset: dict[str, Any], about: str, text: str) -> None:
    assert says(why(event("COMPLETE", 0, [], [dataset])), "identity", about, text)


def test_why_warns_of_what_is_odd_about_an_event() -> None:
    odd = event(None, 0, [], [ds("churn", kind="MODEL")], run="not-a-uuid")
    odd["dataset"] = ds("a")
    odd["job"]["facets"]["sql"] = {"query": "select 1 -- password=hunter2"}
    rows = why(odd)
    assert says(rows, "warning", "eventType", "changes no state")
    assert says(rows, "warning", "dataset", "is passed over")
    assert says(rows, "warning", "run not-a-uuid", "no UUID")
    assert says(rows, "warning", "s3://lake churn", "without a version")
    assert says(rows, "warning", "Pipeline.sql", "a secret was cut out")
    assert "hunter2" not in repr(rows)


def test_why_tells_what_more_than_one_event_decided() -> None:
    events = [
        *ran(0, [ds("t", scanned=float(OLD), called="db.t"), ds("u", scanned=9e18)], [ds("out")]),
        event("START", 1, [ds("t", version=OLD)], run="r2"),
        *failed(5, [ds("b")], [ds("out")], run="r3"),
        event("START", 10, run="r2", job="other"),
        *ran(20, [], [ds("gone", change="DROP")], run="r4", job="drop"),
    ]
    rows = why(*events)
    assert says(rows, "identity", "db.t (catalog)", "is a name of t (s3://lake), which claimed it last")
    assert says(rows, "identity", f"snapshot ~{float(OLD)!r} of t (s3://lake)", f"is {OLD}")
    assert says(rows, "warning", "snapshot ~9e+18 of u (s3://lake)", "stays approximate")
    assert says(rows, "warning", "run r2", "is used by several pipelines: job (made), other (made)")
    assert says(rows, "warning", "pipeline job", "did not make out (s3://lake) of b (s3://lake)")
    assert says(rows, "identity", "gone (s3://lake)", "was dropped and not written since")
    still_failed = why(*failed(5, [ds("b")], [ds("out")], run="r3"), event("COMPLETE", 9, run="r3"))
    assert says(still_failed, "warning", "run r3", "is FAIL")


def test_why_tells_people_the_same_once_by_kind() -> None:
    start = event("START", 0)
    start["run"]["facets"]["my_facet"] = {}
    printed = run("--why", events=[start] * 3).stdout
    assert printed.splitlines() == [
        "Warnings:",
        "  run r1: has an id that is no UUID: it is taken as it is  (standard input:1 and 2 more)",
        "Ignored:",
        "  run.my_facet: not a standard facet, and no rule of ours uses it  (standard input:1 and 2 more)",
    ]


def test_a_naming_file_is_obeyed(tmp_path: Path) -> None:
    path = tmp_path / "naming.toml"
    path.write_text('ignore = ["^s3://lake/a$"]\n')
    assert '"name":"a"' not in run("--naming", str(path), events=ran(0, [ds("a")], [ds("out")])).stdout


def test_it_runs_as_a_command_without_loading_kafka_or_the_graphs_driver() -> None:
    code = (
        "import sys; from consumer.cli import main\n"
        "try: main(['explain', '--answers', sys.argv[1]])\n"
        "finally: print([m for m in ('aiokafka', 'gremlin_python', 'rich', 'aiohttp') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code, str(EVENTS[-2])], cwd=ROOT, capture_output=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == b"[]"

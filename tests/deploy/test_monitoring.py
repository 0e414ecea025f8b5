"""Alerts and dashboards: made from tables, about metrics that exist; each alert fires when it should and only then."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from consumer.metrics import METRICS
from deploy.monitoring.alert import Alert, metrics_in
from deploy.monitoring.dashboards import DASHBOARDS
from deploy.monitoring.files import FOLDER, GROUPS, files
from deploy.monitoring.servers import BEANS, SERVER_METRICS, jmx_rules
from tests.deploy.alert_cases import CASES, Case, Series
from tests.deploy.tools import needs, run

ALERTS = {alert.name: alert for some in GROUPS.values() for alert in some}
PANELS = {f"{board.uid}/{panel.title}": panel for board in DASHBOARDS for panel in board.panels()}
RULES = FOLDER / "rules.yml"


def test_the_files_are_made_from_the_tables() -> None:
    made = {str(path.relative_to(FOLDER)): path.read_text("utf-8") for name in files() for path in [FOLDER / name]}
    assert made == files(), "run `python -m deploy.monitoring`"


@needs("promtool")
def test_the_rules_are_what_prometheus_reads() -> None:
    run("promtool", "check", "rules", "--lint=all", "--lint-fatal", RULES)


def test_every_alert_has_a_case_and_a_name_of_its_own() -> None:
    assert CASES.keys() == ALERTS.keys()
    assert len(ALERTS) == sum(len(some) for some in GROUPS.values())


@needs("promtool")
def test_every_alert_fires_when_it_should_and_stays_quiet_when_it_should(tmp_path: Path) -> None:
    rules = {
        rule["alert"]: rule for group in yaml.safe_load(RULES.read_text("utf-8"))["groups"] for rule in group["rules"]
    }
    for name, case in CASES.items():  # each by itself: all rules for all series would take many times as long
        alone = {"groups": [{"name": name, "rules": [rules[name]]}]}
        fires = _tested(name, case, case.fires, [_expected(ALERTS[name], case.labels)])
        tests = [fires, _tested(name, case, case.quiet, [])]
        written = {"rule_files": [f"{name}.rules.yml"], "evaluation_interval": f"{case.step}m", "tests": tests}
        (tmp_path / f"{name}.rules.yml").write_text(yaml.safe_dump(alone), "utf-8")
        (tmp_path / f"{name}.tests.yml").write_text(yaml.safe_dump(written), "utf-8")
    run("promtool", "test", "rules", *sorted(tmp_path.glob("*.tests.yml")))


def _tested(name: str, case: Case, series: Series, expected: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "interval": f"{case.step}m",
        "input_series": [{"series": one, "values": values} for one, values in series.items()],
        "alert_rule_test": [{"eval_time": f"{case.at}m", "alertname": name, "exp_alerts": expected}],
    }


def _expected(alert: Alert, labels: Mapping[str, str]) -> dict[str, Any]:
    summary = re.sub(r"\{\{ \$labels\.(\w+) \}\}", lambda found: labels[found[1]], alert.summary)
    annotations = {**alert.rule()["annotations"], "summary": summary}
    return {"exp_labels": {"severity": alert.severity, **labels}, "exp_annotations": annotations}


@pytest.mark.parametrize("name", ALERTS)
def test_an_alert_asks_about_metrics_that_exist_and_links_to_its_entry_in_the_runbook(name: str) -> None:
    assert ALERTS[name].metrics() <= METRICS.keys() | SERVER_METRICS
    page, _, anchor = ALERTS[name].rule()["annotations"]["runbook"].partition("#")
    headings = re.findall(r"^## (\w+)$", (FOLDER.parents[2] / page).read_text("utf-8"), re.MULTILINE)
    assert anchor in [heading.lower() for heading in headings]


@pytest.mark.parametrize("name", PANELS)
def test_a_panel_asks_about_metrics_that_exist_by_labels_that_they_have(name: str) -> None:
    panel = PANELS[name]
    assert panel.metrics(), "it asks about something"
    assert panel.metrics() <= METRICS.keys() | SERVER_METRICS
    labels = {"le", "instance", "quantile", "kind"}.union(*(METRICS[m].labels for m in panel.metrics() if m in METRICS))
    for legend, expr in panel.queries.items():
        asked = {label.strip() for group in re.findall(r"by \(([^)]*)\)", expr) for label in group.split(",")}
        asked |= set(re.findall(r"\{\{(\w+)\}\}", legend)) | set(re.findall(r"(\w+)=~?\"", expr))
        assert asked <= labels, expr


def test_every_metric_of_the_product_is_on_a_dashboard() -> None:
    shown = set[str]().union(*(panel.metrics() for panel in PANELS.values()))
    told_otherwise = {
        "lineage_heartbeats_total",  # late ones are in lineage_graph_errors_total
        "lineage_committed_offset",  # a number for the alert about what stands still
        "lineage_dead_letter_new_classes",  # these four are numbers for alerts
        "lineage_dead_letter_new_fingerprints",
        "lineage_dead_letter_oldest_open_timestamp_seconds",
        "lineage_dead_letter_numbers_timestamp_seconds",
    }
    assert METRICS.keys() - shown == told_otherwise


def test_the_guides_dashboard_and_metrics_are_there() -> None:
    assert "Lineage Graph Performance" in {board.title for board in DASHBOARDS}
    guide = {"janusgraph_queries_total", "janusgraph_query_duration_ms", "cassandra_read_latency_ms"}
    assert guide <= METRICS.keys() | SERVER_METRICS


@pytest.mark.parametrize("board", DASHBOARDS, ids=lambda board: board.uid)
def test_a_dashboard_is_one_that_grafana_lays_out(board: Any) -> None:
    made = json.loads(board.as_json())
    places = [panel["gridPos"] for panel in made["panels"]]
    taken = [(x, y) for p in places for x in range(p["x"], p["x"] + p["w"]) for y in range(p["y"], p["y"] + p["h"])]
    assert len(taken) == len(set(taken)), "no two panels overlap"
    assert all(p["x"] + p["w"] <= 24 for p in places)
    assert len({panel["id"] for panel in made["panels"]}) == len(made["panels"])
    assert all(
        target["datasource"]["uid"] == "${datasource}" for p in made["panels"] for target in p.get("targets", ())
    )


@needs("promtool")
def test_every_expression_of_the_dashboards_is_promql(tmp_path: Path) -> None:
    some = [expr for panel in PANELS.values() for expr in panel.queries.values()]
    rules = [{"record": f"panel:{number}", "expr": expr} for number, expr in enumerate(some)]
    (tmp_path / "panels.yml").write_text(yaml.safe_dump({"groups": [{"name": "panels", "rules": rules}]}), "utf-8")
    run("promtool", "check", "rules", tmp_path / "panels.yml")


def test_names_of_metrics_are_found_in_expressions() -> None:
    expr = 'rate(lineage_a_seconds_bucket{stage="lineage_b"}[5m]) / on () up + cassandra_c_total'
    assert metrics_in(expr) == {"lineage_a_seconds", "up", "cassandra_c_total"}


def test_what_the_exporter_makes_of_cassandras_beans_has_the_names_that_are_asked_for() -> None:
    made = yaml.safe_load(jmx_rules())
    assert [rule["name"] for rule in made["rules"]] == [bean.metric for bean in BEANS]
    (read,) = (bean for bean in BEANS if bean.metric == "cassandra_read_latency_ms")
    bean = "org.apache.cassandra.metrics<type=ClientRequest, scope=Read, name=Latency><>95thPercentile"
    assert re.sub(read.pattern, read.value.replace("$", "\\"), bean) == "0.95"

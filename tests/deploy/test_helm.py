"""The Helm chart: lint, renders of all value sets as they were reviewed, manifests by their schemas, its promises.

`python -m tests.deploy.test_helm` renders the reviewed files anew.
"""

from __future__ import annotations

import json
import re
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from consumer.environment import PREFIX
from consumer.settings import Settings
from deploy.chart.production import JANUSGRAPH
from deploy.chart.production import files as server_files
from deploy.chart.values import CHART, MADE, schema
from tests.deploy.manifests import kind_of, wrong
from tests.deploy.tools import REPOSITORY, needs, run

GOLDEN = Path(__file__).with_name("golden")
SETS = sorted(path.stem for path in (CHART / "ci").glob("*.yaml"))
WRITTEN_IN_FULL = ("rules.yml", "dashboards")  # these have tests of their own


@cache
def rendered(name: str) -> str:
    values = CHART / "ci" / f"{name}.yaml"
    return run("helm", "template", "try", CHART, "--namespace", "data", "--values", values, "--kube-version", "1.31")


def manifests(name: str) -> dict[str, Any]:
    """By kind and name."""
    found = [one for one in yaml.safe_load_all(rendered(name)) if one]
    return {f"{one['kind']}/{one['metadata']['name']}": one for one in found}


def golden(name: str) -> str:
    """What people review: the render without the dashboards and rules, which are reviewed where they are made."""
    kept = [
        text for text in rendered(name).split("\n---\n") if not re.search(r"kind: PrometheusRule|-dashboards\n", text)
    ]
    return "\n---\n".join(text.rstrip() for text in kept) + "\n"


def containers(name: str) -> list[Any]:
    pods = [one["spec"]["template"]["spec"] for one in manifests(name).values() if "template" in one.get("spec", {})]
    return [one for pod in pods for one in (*pod.get("initContainers", ()), *pod["containers"])]


@needs("helm")
@pytest.mark.parametrize("name", SETS)
def test_the_chart_is_what_helm_asks_for(name: str) -> None:
    run("helm", "lint", "--strict", CHART, "--values", CHART / "ci" / f"{name}.yaml")


@needs("helm")
@pytest.mark.parametrize("name", SETS)
def test_a_render_is_as_it_was_reviewed(name: str) -> None:
    reviewed = (GOLDEN / f"{name}.yaml").read_text("utf-8")
    assert golden(name) == reviewed, "if the change is meant: python -m tests.deploy.test_helm"


@needs("helm")
@pytest.mark.parametrize("name", SETS)
def test_every_manifest_is_what_its_schema_asks_for(name: str) -> None:
    found = manifests(name)
    assert found
    assert {key: complaints for key, one in found.items() if (complaints := wrong(one))} == {}


@needs("helm")
def test_all_kinds_of_manifests_are_rendered_by_some_value_set() -> None:
    made = {kind_of(one) for name in SETS for one in manifests(name).values()}
    written = {
        found
        for path in (CHART / "templates").glob("*.yaml")
        for found in re.findall(r"^kind: (\w+)", path.read_text("utf-8"), re.MULTILINE)
    }
    assert {kind.rpartition("/")[2] for kind in made} == written | {"Deployment", "StatefulSet"}


def test_unknown_and_missing_fields_of_manifests_are_found() -> None:
    """The schemas bite: each of these is one word away from a right one."""
    meta = {"name": "x"}
    rule = {"apiVersion": "monitoring.coreos.com/v1", "kind": "PrometheusRule", "metadata": meta}
    scaled = {"apiVersion": "keda.sh/v1alpha1", "kind": "ScaledObject", "metadata": meta}
    target = {"scaleTargetRef": {"name": "x"}}
    trigger = {"type": "prometheus", "metadata": {"threshold": "1"}}
    right = {**scaled, "spec": {**target, "triggers": [trigger]}}
    assert wrong(right) == []
    for bad in (
        {**scaled, "spec": {**target, "triggers": [trigger], "minReplicas": 1}},
        {**scaled, "spec": {"triggers": [trigger]}},
        {**scaled, "spec": {**target, "triggers": [{**trigger, "metadata": {"threshold": 1}}]}},
        {**rule, "spec": {"groups": [{"name": "g", "rule": []}]}},
        {"apiVersion": "v1", "kind": "Service", "metadata": meta, "spec": {"port": []}},
        {"apiVersion": "v1", "kind": "Secret", "metadata": meta},
    ):
        assert wrong(bad), bad


@needs("helm")
@pytest.mark.parametrize("name", SETS)
def test_pods_have_no_rights_and_limits_of_memory(name: str) -> None:
    for one in containers(name):
        security = one["securityContext"]
        assert security["allowPrivilegeEscalation"] is False
        assert security["capabilities"] == {"drop": ["ALL"]}
        # JanusGraph's image writes beside its own files.
        assert security.get("readOnlyRootFilesystem") or one["name"] == "janusgraph"
        assert one["resources"]["limits"]["memory"]
        assert one["resources"]["requests"]["cpu"]


@needs("helm")
@pytest.mark.parametrize("name", SETS)
def test_every_variable_is_a_setting_and_no_secret_is_in_a_manifest(name: str) -> None:
    config = next(one["data"] for key, one in manifests(name).items() if key == f"ConfigMap/{settings_name(name)}")
    given = set(config) | {entry["name"] for one in containers(name) for entry in one.get("env", ())}
    for variable in given - {"TMPDIR", "JAVA_OPTIONS", "OTEL_EXPORTER_OTLP_ENDPOINT"}:
        assert variable.removeprefix(PREFIX).removesuffix("_FILE").lower() in {
            *Settings.model_fields,
            *(field.removesuffix("_file") for field in Settings.model_fields),
        }, variable
    assert not [key for key in manifests(name) if key.startswith("Secret/")]
    assert all(key.endswith("_FILE") for key in config if "PASSWORD" in key)


def settings_name(name: str) -> str:
    return "lineage" if name == "production" else "try-lineagegraph"


@needs("helm")
@pytest.mark.parametrize("name", SETS)
def test_the_settings_of_the_chart_load(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    config = next(one["data"] for key, one in manifests(name).items() if key == f"ConfigMap/{settings_name(name)}")
    for variable, value in config.items():
        if not variable.endswith("_FILE"):
            monkeypatch.setenv(variable, value)
    for variable in ("LINEAGE_KAFKA_USERNAME", "LINEAGE_KAFKA_PASSWORD"):
        monkeypatch.setenv(variable, "x")
    loaded = Settings()
    assert loaded.group == "lineagegraph"
    if name == "production":
        assert (loaded.batch_records, loaded.brake_share, loaded.topic_pattern) == (500, 0.3, r"openlineage\..*")


@needs("helm")
@pytest.mark.parametrize(
    "wrong_value",
    [
        "consumer.replica=3",
        "consumer.kind=DaemonSet",
        "autoscaling.kind=vpa",
        "settings.batch_record=5",
        "settings.batch_records=0",
        "kafka.bootstrapServers={kafka}",
        "graph.urls={http://janusgraph:8182}",
        "image.digest=latest",
    ],
)
def test_a_wrong_value_is_refused_before_anything_is_installed(wrong_value: str) -> None:
    with pytest.raises(AssertionError, match=r"values don't meet|values\.schema"):
        run("helm", "template", "try", CHART, "--values", CHART / "ci" / "minimal.yaml", "--set", wrong_value)


@needs("helm")
def test_without_a_graph_the_chart_says_what_to_set() -> None:
    with pytest.raises(AssertionError, match=r"Set graph\.urls to your JanusGraph"):
        run("helm", "template", "try", CHART, "--kube-version", "1.31")


@needs("helm")
@needs("promtool")
def test_the_scaler_follows_the_lag_but_not_into_an_outage(tmp_path: Path) -> None:
    scaled = manifests("production")["ScaledObject/lineage-consumer"]
    (trigger,) = scaled["spec"]["triggers"]
    labels = 'namespace="data",service="lineage-consumer"'
    consumers = {f'lineage_build_info{{{labels},pod="{pod}"}}': "1x60" for pod in "abc"}
    lag = {f'lineage_consumer_lag_records{{{labels},topic="t",partition="{p}"}}': "10000+1000x60" for p in (0, 1)}
    elsewhere = {'lineage_consumer_lag_records{namespace="other",service="x",topic="t",partition="0"}': "99999x60"}
    threshold = int(trigger["metadata"]["threshold"])

    def case(outage: str, at: int, value: int) -> dict[str, Any]:
        series = {**consumers, **lag, **elsewhere, f'lineage_graph_outage{{{labels},pod="a"}}': outage}
        asked = {"expr": trigger["metadata"]["query"], "eval_time": f"{at}m"}
        return {
            "interval": "1m",
            "input_series": [{"series": one, "values": values} for one, values in series.items()],
            "promql_expr_test": [{**asked, "exp_samples": [{"value": value, "labels": "{}"}]}],
        }

    tests = [
        case("0x60", 20, 60_000),  # all is well: the lag, of our partitions alone
        case("0x10 1x50", 20, 3 * threshold),  # away: as many as there are
        case("1x10 0x50", 12, 3 * threshold),  # just back
        case("1x10 0x50", 20, 60_000),  # back for longer
    ]
    (tmp_path / "tests.yml").write_text(yaml.safe_dump({"rule_files": [], "tests": tests}), "utf-8")
    run("promtool", "test", "rules", tmp_path / "tests.yml")
    assert trigger["metricType"] == "AverageValue"  # so that threshold × consumers means: as many as there are
    assert scaled["spec"]["fallback"]["behavior"] == "currentReplicas"


@needs("helm")
def test_only_pods_of_the_release_reach_the_charts_own_gremlin_server() -> None:
    policy = manifests("own-graph")["NetworkPolicy/try-lineagegraph-janusgraph"]["spec"]
    (rule,) = policy["ingress"]
    assert rule["ports"] == [{"protocol": "TCP", "port": 8182}]
    (peer,) = rule["from"]
    assert peer["podSelector"]["matchLabels"]["app.kubernetes.io/instance"] == "try"


@needs("helm")
def test_selectors_choose_the_pods_of_their_own_component() -> None:
    for name in SETS:
        found = manifests(name)
        for one in found.values():
            spec = one.get("spec", {})
            if "template" in spec and "selector" in spec:
                assert spec["selector"]["matchLabels"].items() <= spec["template"]["metadata"]["labels"].items()
        pods = [
            one["spec"]["template"]["metadata"]["labels"] for one in found.values() if "template" in one.get("spec", {})
        ]
        for key, one in found.items():
            if key.startswith("Service/"):
                assert sum(one["spec"]["selector"].items() <= labels.items() for labels in pods) == 1, key


@needs("helm")
def test_ports_of_services_and_probes_are_those_that_the_program_listens_on() -> None:
    found = manifests("production")
    consumer = found["Deployment/lineage-consumer"]["spec"]["template"]["spec"]["containers"][0]
    assert consumer["ports"][0]["containerPort"] == Settings.model_fields["http_port"].default
    for one in containers("production"):
        named = {port["name"] for port in one.get("ports", ())}
        probes = [one[probe] for probe in ("startupProbe", "livenessProbe", "readinessProbe") if probe in one]
        assert all(probe["httpGet"]["port"] in named for probe in probes)


def test_the_made_files_of_the_chart_are_up_to_date() -> None:
    made = {path.name: path.read_text("utf-8") for path in JANUSGRAPH.iterdir()}
    assert made == server_files(), "run `python -m deploy.chart`"
    assert (CHART / "values.schema.json").read_text("utf-8") == schema(), "run `python -m deploy.chart`"


def test_every_setting_can_be_given_to_the_chart_in_exactly_one_way() -> None:
    free = json.loads(schema())["properties"]["settings"]["properties"].keys()
    assert free | MADE == Settings.model_fields.keys()
    assert not free & MADE


def test_the_charts_version_is_the_products() -> None:
    chart = yaml.safe_load((CHART / "Chart.yaml").read_text("utf-8"))
    version = re.search(r'^version = "(.+)"$', (REPOSITORY / "pyproject.toml").read_text("utf-8"), re.MULTILINE)
    assert version
    assert chart["appVersion"] == chart["version"] == version[1]


if __name__ == "__main__":
    GOLDEN.mkdir(exist_ok=True)
    for name in SETS:
        (GOLDEN / f"{name}.yaml").write_text(golden(name), "utf-8")
        print(GOLDEN / f"{name}.yaml")

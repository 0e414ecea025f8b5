"""docker-compose.yml: valid, of the locked versions, with our configuration, in order, without a secret."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path
from typing import Any

import click
import pytest
import yaml

from consumer.cli import cli
from consumer.environment import PREFIX
from consumer.settings import Settings
from deploy.compose import CONF, IMAGES, MOUNTED, files, image
from deploy.local.home import REPOSITORY
from deploy.monitoring.files import FOLDER as RULES
from tests.deploy.tools import needs, run

COMPOSE_FILE = REPOSITORY / "docker-compose.yml"
COMPOSE: dict[str, Any] = yaml.safe_load(COMPOSE_FILE.read_text("utf-8"))
SERVICES: dict[str, Any] = COMPOSE["services"]
JOBS = ("topic", "schema", "tokens")
LASTING = tuple(name for name in SERVICES if name not in JOBS)
OURS = tuple(name for name, service in SERVICES.items() if service.get("image") == "lineagegraph")


def test_the_configuration_is_that_of_the_local_stack_with_the_changes_of_the_table() -> None:
    made = {path.name: path.read_text("utf-8") for path in CONF.iterdir() if path.suffix != ".sh"}
    assert made == files(), "run `python -m deploy.compose`"


def test_the_servers_run_on_images_of_the_locked_versions() -> None:
    for component in IMAGES:
        assert SERVICES[component]["image"] == image(component)
    assert SERVICES["topic"]["image"] == image("kafka")


@needs("compose-check")
def test_the_file_is_what_docker_compose_reads() -> None:
    assert json.loads(run("compose-check", "--format=json", COMPOSE_FILE))["services"].keys() == SERVICES.keys()


def test_what_starts_without_a_profile_is_the_core_and_the_rest_is_observability() -> None:
    assert {profile for service in SERVICES.values() for profile in service.get("profiles", ())} == {"observability"}
    core = {name for name, service in SERVICES.items() if not service.get("profiles")}
    assert core == {"kafka", "topic", "cassandra", "janusgraph", "schema", "consumer", "tokens", "api"}
    for name in core:
        assert core >= SERVICES[name].get("depends_on", {}).keys()


@pytest.mark.parametrize("name", SERVICES)
def test_every_mounted_file_is_there_and_read_only(name: str) -> None:
    for source in (volume.split(":") for volume in SERVICES[name].get("volumes", ())):
        if source[0].startswith("."):
            assert (REPOSITORY / source[0]).exists(), source
            assert source[2:] == ["ro"]
        else:
            assert source[0] in COMPOSE["volumes"]
    for named in re.findall(rf"{MOUNTED}/([\w.-]+)", str(SERVICES[name])):
        assert (CONF / named).is_file(), named


def test_what_the_configuration_names_is_mounted_too() -> None:
    for text in files().values():
        for named in re.findall(rf"{MOUNTED}/([\w.-]+)", text):
            assert named in files()


def test_every_setting_of_the_product_exists() -> None:
    for service in OURS:
        for variable in SERVICES[service].get("environment", ()):
            assert variable.removeprefix(PREFIX).lower() in Settings.model_fields, variable


def test_the_product_finds_the_servers_under_the_names_that_they_advertise() -> None:
    environment = SERVICES["consumer"]["environment"]
    assert f"INSIDE://{environment['LINEAGE_KAFKA_BOOTSTRAP_SERVERS']}," in files()["kafka.properties"]
    assert environment["LINEAGE_GRAPH_URLS"] == "ws://janusgraph:8182/gremlin"
    assert "\nport: 8182\n" in files()["janusgraph-server.yaml"]
    assert f"--topic={environment['LINEAGE_TOPICS']}" in SERVICES["topic"]["command"]


def test_offsets_wait_for_the_commit_log_of_the_composed_cassandra() -> None:
    period = yaml.safe_load(files()["cassandra.yaml"])["commitlog_sync_period"]
    assert float(SERVICES["consumer"]["environment"]["LINEAGE_GRAPH_SYNC_SECONDS"]) * 1000 > int(period[:-2])


def test_ports_are_published_on_loopback_only() -> None:
    published = [port for service in SERVICES.values() for port in service.get("ports", ())]
    assert all(port.startswith("127.0.0.1:") for port in published)
    assert sorted(int(port.split(":")[1]) for port in published) == [3000, 8000, 8080, 8182, 9090, 9092]


@pytest.mark.parametrize("name", LASTING)
def test_what_lasts_has_a_health_check_and_starts_again(name: str) -> None:
    # Those that we build have theirs in the image.
    assert "build" in SERVICES[name] or SERVICES[name]["healthcheck"]["test"]
    assert SERVICES[name]["restart"] == "unless-stopped"


def test_everything_waits_until_what_it_needs_is_healthy_or_done() -> None:
    order = {
        (name, needed): condition["condition"]
        for name, service in SERVICES.items()
        for needed, condition in service.get("depends_on", {}).items()
    }
    assert order == {
        ("topic", "kafka"): "service_healthy",
        ("janusgraph", "cassandra"): "service_healthy",
        ("schema", "janusgraph"): "service_healthy",
        ("consumer", "kafka"): "service_healthy",
        ("consumer", "janusgraph"): "service_healthy",
        ("consumer", "topic"): "service_completed_successfully",
        ("consumer", "schema"): "service_completed_successfully",
        ("api", "kafka"): "service_healthy",
        ("api", "janusgraph"): "service_healthy",
        ("api", "topic"): "service_completed_successfully",
        ("api", "schema"): "service_completed_successfully",
        ("api", "tokens"): "service_completed_successfully",
        ("dead-letters", "kafka"): "service_healthy",
        ("dead-letters", "topic"): "service_completed_successfully",
        ("cassandra-jmx", "cassandra"): "service_healthy",
        ("grafana", "prometheus"): "service_healthy",
    }


def test_data_lives_in_named_volumes() -> None:
    assert {volume for service in SERVICES.values() for volume in service.get("volumes", ()) if volume[0] != "."} == {
        "kafka-data:/var/lib/kafka/data",
        "cassandra-data:/var/lib/cassandra",
        "prometheus-data:/prometheus",
        "tokens:/var/lib/lineagegraph",
        "tokens:/var/lib/lineagegraph:ro",
    }
    assert "log.dirs=/var/lib/kafka/data\n" in files()["kafka.properties"]
    folders = [v for k, v in yaml.safe_load(files()["cassandra.yaml"]).items() if k.endswith(("_directory", "ories"))]
    assert len(folders) == 5
    assert all("/var/lib/cassandra/" in str(folder) for folder in folders)


def test_there_is_no_secret() -> None:
    text = COMPOSE_FILE.read_text("utf-8")
    assert not re.search(r"(?i)password\s*[:=]|secret\s*[:=]|token\s*[:=]|_file\s*[:=]", text)


@pytest.mark.parametrize("name", OURS)
def test_our_containers_have_no_rights_and_write_nowhere(name: str) -> None:
    service = SERVICES[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]


@needs("promtool")
def test_prometheus_reads_its_file_and_finds_everybody(tmp_path: Path) -> None:
    text = (REPOSITORY / "deploy/compose/prometheus.yml").read_text("utf-8")
    (tmp_path / "prometheus.yml").write_text(text.replace("/etc/prometheus/", f"{tmp_path}/"), "utf-8")
    (tmp_path / "rules.yml").write_text((RULES / "rules.yml").read_text("utf-8"), "utf-8")
    run("promtool", "check", "config", tmp_path / "prometheus.yml")
    asked = [one["static_configs"][0]["targets"][0].split(":")[0] for one in yaml.safe_load(text)["scrape_configs"]]
    assert set(asked) == {"consumer", "api", "dead-letters", "cassandra"}
    module = (REPOSITORY / "deploy/tools/promtool/go.mod").read_text("utf-8")
    major, minor = re.findall(r"prometheus/prometheus v0\.(\d)(\d+)\.", module)[0]
    assert SERVICES["prometheus"]["image"] == f"prom/prometheus:v{major}.{int(minor)}.0", "what checks the rules"


def test_grafana_finds_the_dashboards_and_where_they_get_their_numbers() -> None:
    grafana = REPOSITORY / "deploy" / "compose" / "grafana"
    (source,) = yaml.safe_load((grafana / "datasources.yml").read_text("utf-8"))["datasources"]
    assert (source["type"], source["isDefault"], source["url"]) == ("prometheus", True, "http://prometheus:9090")
    (provider,) = yaml.safe_load((grafana / "dashboards.yml").read_text("utf-8"))["providers"]
    mounts = dict(volume.removesuffix(":ro").split(":") for volume in SERVICES["grafana"]["volumes"])
    assert mounts["./deploy/helm/files/dashboards"] == provider["options"]["path"]
    home = Path(SERVICES["grafana"]["environment"]["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"])
    assert (RULES / "dashboards" / home.name).is_file()


def test_the_commands_of_the_product_exist() -> None:
    for name in OURS:
        if command := "entrypoint" not in SERVICES[name] and SERVICES[name]["command"]:
            found: click.Command | None = cli
            for word in (one for one in command if one.isalpha()):
                if isinstance(found, click.Group):
                    found = found.get_command(click.Context(found), word)
            assert isinstance(found, click.Command)
            given = {one.partition("=")[0] for one in command if one.startswith("--")}
            assert given <= {option for parameter in found.params for option in parameter.opts}


def test_the_token_is_made_once_and_then_it_is_told_how_another_is_made(tmp_path: Path) -> None:
    (script,) = SERVICES["tokens"]["command"]
    kept = tmp_path / "tokens.toml"
    command = [*SERVICES["tokens"]["entrypoint"], script.replace("/var/lib/lineagegraph", str(tmp_path))]
    first = subprocess.run(command, capture_output=True, text=True, check=True)
    made = kept.read_text("utf-8")
    assert "lg_" in first.stderr
    again = subprocess.run(command, capture_output=True, text=True, check=True)
    assert kept.read_text("utf-8") == made
    assert f"docker volume rm {COMPOSE['name']}_tokens" in again.stdout


def test_a_consumer_started_while_the_graph_is_away_waits_for_it() -> None:
    assert "--wait" in SERVICES["consumer"]["command"]

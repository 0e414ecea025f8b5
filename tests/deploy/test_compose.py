"""docker-compose.yml and the image: valid, of the locked versions, with our configuration, and no secret in them."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from consumer.commands import consume
from consumer.settings import PREFIX, Settings
from deploy.compose import CONF, IMAGES, MOUNTED, files, image
from deploy.local.home import REPOSITORY

COMPOSE: dict[str, Any] = yaml.safe_load((REPOSITORY / "docker-compose.yml").read_text("utf-8"))
SERVICES: dict[str, Any] = COMPOSE["services"]
LASTING = ("kafka", "cassandra", "janusgraph", "consumer")
DOCKERFILE = (REPOSITORY / "deploy" / "Dockerfile").read_text("utf-8")


def test_the_configuration_is_that_of_the_local_stack_with_the_changes_of_the_table() -> None:
    made = {path.name: path.read_text("utf-8") for path in CONF.iterdir() if path.suffix != ".sh"}
    assert made == files(), "run `python -m deploy.compose`"


def test_the_servers_run_on_images_of_the_locked_versions() -> None:
    for component in IMAGES:
        assert SERVICES[component]["image"] == image(component)
    assert SERVICES["topic"]["image"] == image("kafka")


@pytest.mark.parametrize("name", SERVICES)
def test_every_mounted_file_is_there_and_read_only(name: str) -> None:
    text = str(SERVICES[name].get("command")) + str(SERVICES[name].get("environment")) + str(SERVICES[name])
    for source in (volume.split(":") for volume in SERVICES[name].get("volumes", ())):
        if source[0].startswith("."):
            assert (REPOSITORY / source[0]).is_dir()
            assert source[1:] == [MOUNTED, "ro"]
        else:
            assert source[0] in COMPOSE["volumes"]
    for named in re.findall(rf"{MOUNTED}/([\w.-]+)", text):
        assert (CONF / named).is_file(), named


def test_what_the_configuration_names_is_mounted_too() -> None:
    for text in files().values():
        for named in re.findall(rf"{MOUNTED}/([\w.-]+)", text):
            assert named in files()


def test_every_setting_of_the_product_exists() -> None:
    for service in ("schema", "consumer"):
        for variable in SERVICES[service]["environment"]:
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
    assert sorted(published) == ["127.0.0.1:8080:8080", "127.0.0.1:8182:8182", "127.0.0.1:9092:9092"]


@pytest.mark.parametrize("name", LASTING)
def test_what_lasts_has_a_health_check_and_starts_again(name: str) -> None:
    assert SERVICES[name]["healthcheck"]["test"]
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
    }


def test_data_lives_in_named_volumes() -> None:
    assert {volume for service in SERVICES.values() for volume in service.get("volumes", ()) if volume[0] != "."} == {
        "kafka-data:/var/lib/kafka/data",
        "cassandra-data:/var/lib/cassandra",
    }
    assert "log.dirs=/var/lib/kafka/data\n" in files()["kafka.properties"]
    folders = [v for k, v in yaml.safe_load(files()["cassandra.yaml"]).items() if k.endswith(("_directory", "ories"))]
    assert len(folders) == 5
    assert all("/var/lib/cassandra/" in str(folder) for folder in folders)


def test_there_is_no_secret() -> None:
    text = (REPOSITORY / "docker-compose.yml").read_text("utf-8") + DOCKERFILE
    assert not re.search(r"(?i)password\s*[:=]|secret\s*[:=]|token\s*[:=]|_file\s*[:=]", text)


def test_the_image_runs_without_rights_from_what_the_repository_holds_and_locks() -> None:
    stages = DOCKERFILE.split("\nFROM ")
    assert "USER 65532:65532" in stages[-1]
    for line in re.findall(r"^COPY (?!--from)(.+) \S+$", DOCKERFILE, re.MULTILINE):
        for source in line.split():
            assert (REPOSITORY / source).exists(), source
            assert f"!{source}\n" in (REPOSITORY / ".dockerignore").read_text("utf-8"), source
    installs = re.findall(r"pip install[^\n]*", DOCKERFILE)
    assert len(installs) == 3
    assert all("--require-hashes" in install or "--no-index" in install for install in installs)


def test_what_builds_the_wheel_is_locked() -> None:
    required = re.search(r'^requires = \["(\w+)', (REPOSITORY / "pyproject.toml").read_text("utf-8"), re.MULTILINE)
    assert required
    assert re.search(
        rf"^{required[1]}==.* \\\n    --hash", Path(REPOSITORY / "deploy" / "build.lock").read_text(), re.M
    )


def test_the_commands_of_the_product_exist() -> None:
    assert SERVICES["consumer"]["command"] == [consume.name]

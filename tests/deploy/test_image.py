"""The image: from what the repository holds and locks, without rights, with a health check."""

from __future__ import annotations

import re
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread

import pytest

from deploy.healthcheck import address, main
from deploy.local.home import REPOSITORY
from tests.deploy.tools import needs, run

DOCKERFILES = ("deploy/Dockerfile", "deploy/compose/cassandra-jmx.Dockerfile")
DOCKERFILE = (REPOSITORY / "deploy" / "Dockerfile").read_text("utf-8")


@needs("hadolint")
@pytest.mark.parametrize("name", DOCKERFILES)
def test_hadolint_finds_nothing(name: str) -> None:
    run("hadolint", "--no-color", REPOSITORY / name)


@pytest.mark.parametrize("name", DOCKERFILES)
def test_an_image_runs_without_rights_on_a_base_that_can_be_given_by_digest(name: str) -> None:
    text = (REPOSITORY / name).read_text("utf-8")
    assert re.search(r"^USER 65532:65532$", text.split("\nFROM ")[-1], re.MULTILINE)
    bases = re.findall(r"^FROM (\S+)", text, re.MULTILINE)
    arguments = set(re.findall(r"^ARG (\w+)=\S+", text, re.MULTILINE))
    assert all(base[2:-1] in arguments for base in bases)
    assert "HEALTHCHECK" in text.split("\nFROM ")[-1]


def test_the_image_is_made_of_what_the_repository_holds_and_locks() -> None:
    for line in re.findall(r"^COPY (?!--from)(.+) \S+$", DOCKERFILE, re.MULTILINE):
        for source in line.split():
            assert (REPOSITORY / source).exists(), source
            assert f"!{source}\n" in (REPOSITORY / ".dockerignore").read_text("utf-8"), source
    installs = re.findall(r"pip install[^\n]*", DOCKERFILE)
    assert len(installs) == 3
    assert all("--require-hashes" in install or "--no-index" in install for install in installs)
    assert not re.search(r"(?i)password\s*[:=]|secret\s*[:=]|token\s*[:=]", DOCKERFILE)
    assert 'ENTRYPOINT ["lineagegraph"]' in DOCKERFILE


@pytest.mark.parametrize("package", ["hatchling", "cyclonedx-bom"])
def test_what_builds_the_image_is_locked(package: str) -> None:
    lock = (REPOSITORY / "deploy" / "build.lock").read_text("utf-8")
    assert re.search(rf"^{package}==.* \\\n    --hash", lock, re.MULTILINE)


@pytest.mark.parametrize(
    ("command", "asked"),
    [
        (["python", "lineagegraph", "consume"], "http://127.0.0.1:8080/livez"),
        (["/sbin/docker-init", "--", "lineagegraph", "consume"], "http://127.0.0.1:8080/livez"),
        (["lineagegraph", "serve", "--host", "::"], "http://127.0.0.1:8000/livez"),
        (["lineagegraph", "serve", "--port=9000"], "http://127.0.0.1:9000/livez"),
        (["lineagegraph", "serve", "--port", "9001"], "http://127.0.0.1:9001/livez"),
        (["lineagegraph", "dlq", "stats", "--listen", "0.0.0.0:9118"], "http://127.0.0.1:9118/metrics"),
        (["lineagegraph", "schema", "install"], None),
    ],
)
def test_the_health_check_asks_what_the_container_runs(command: list[str], asked: str | None) -> None:
    assert address(command, {}) == asked


def test_the_health_check_knows_the_port_from_the_settings() -> None:
    assert address(["consume"], {"LINEAGE_HTTP_PORT": "9999"}) == "http://127.0.0.1:9999/livez"


@pytest.mark.parametrize(("status", "code"), [(200, 0), (503, 1)])
def test_a_container_is_as_healthy_as_what_it_answers(status: int, code: int, tmp_path: Path) -> None:
    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Answer) as server:
        Thread(target=server.handle_request, daemon=True).start()
        (tmp_path / "cmdline").write_bytes(f"lineagegraph\0serve\0--port\0{server.server_port}\0".encode())
        assert main(tmp_path / "cmdline") == code


def test_a_job_is_healthy_while_it_runs_and_a_server_that_does_not_answer_is_not(tmp_path: Path) -> None:
    (tmp_path / "cmdline").write_bytes(b"lineagegraph\0schema\0install\0")
    assert main(tmp_path / "cmdline") == 0
    (tmp_path / "cmdline").write_bytes(b"lineagegraph\0serve\0--port=1\0")
    assert main(tmp_path / "cmdline") == 1

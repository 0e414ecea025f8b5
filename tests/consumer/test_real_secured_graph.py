"""A real graph behind TLS, a password and another name: opened with the right key, one sentence with a wrong one."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from deploy.local import Stack
from lineagegraph import JanusGraphClient
from lineagegraph.errors import GraphUnavailable
from lineagegraph.export import export
from lineagegraph.facts import Facts, Vertex
from lineagegraph.gremlin import Connections
from lineagegraph.install import check, install
from lineagegraph.naming import Naming
from lineagegraph.registers import newest
from lineagegraph.settings import GraphSettings
from lineagegraph.store import GraphStore
from tests.consumer.secure_kafka import make_keys
from tests.lineagegraph.secured import PASSWORD, SOURCE, USER, SecuredJanusGraph, WithoutScripts
from tests.product import EVENTS, Product
from tests.servers import Broker

pytestmark = pytest.mark.real

GUESS = "wrong-guess"
SMALL = 40_000  # bytes of a request, for a server as JanusGraph ships it
NOBODY = "wss://127.0.0.1:9/gremlin"  # a host that does not answer
EVENT = next(file for file in EVENTS if file.name == "compat-simple_run_event.ndjson")


@pytest.fixture(scope="module")
def secured(local_stack: Stack) -> Iterator[SecuredJanusGraph]:
    server = SecuredJanusGraph("janusgraph-secured", local_stack.folder / "janusgraph-secured", local_stack.home)
    server.start()
    with closing(Connections(settings(server))) as connections:
        install(connections, Naming().hash)
    yield server
    server.stop()


@pytest.fixture
def right(secured: SecuredJanusGraph, tmp_path: Path) -> dict[str, str]:
    """The environment of who may come in; the first of the hosts is away."""
    (tmp_path / "password").write_text(f"{PASSWORD}\n", "utf-8")
    return {
        "LINEAGE_GRAPH_URLS": f"{NOBODY},{secured.secure_url}",
        "LINEAGE_GRAPH_USERNAME": USER,
        "LINEAGE_GRAPH_PASSWORD_FILE": str(tmp_path / "password"),
        "LINEAGE_GRAPH_TLS_CA_FILE": str(secured.authority),
        "LINEAGE_GRAPH_TRAVERSAL_SOURCE": SOURCE,
        "LINEAGE_GRAPH_REQUEST_BYTES": str(SMALL),
    }


def test_schema_consumer_reader_export_and_doctor_come_in_with_the_right_key(
    kafka: Broker, right: dict[str, str], tmp_path: Path
) -> None:
    product = Product(kafka.bootstrap, "", tmp_path / "log", environment=right)
    product.run("schema", "check")
    sent = product.publish(EVENTS[0])
    assert product.consume()["written"] == sent
    assert product.graph_hash() == product.facts_hash(EVENTS[0])
    assert json.loads(product.run("doctor", "--json"))["left"] == 0
    assert PASSWORD not in product.run("config")


def test_the_client_comes_in_writes_and_reads(secured: SecuredJanusGraph) -> None:
    with JanusGraphClient(settings=settings(secured)) as client:
        client.add_dataset_derived_from("gold/customers", "silver/customers")
        assert [row.dataset_id for row in client.get_upstream_datasets("gold/customers")] == ["silver/customers"]


def settings(secured: SecuredJanusGraph, **more: Any) -> GraphSettings:
    known: dict[str, Any] = {
        "urls": (secured.secure_url,),
        "username": USER,
        "password": PASSWORD,
        "tls_ca_file": secured.authority,
        "traversal_source": SOURCE,
        "max_request_bytes": SMALL,
    }
    return GraphSettings(**known | more)


def test_a_request_that_is_larger_than_the_server_takes_is_told_with_the_remedy(secured: SecuredJanusGraph) -> None:
    facts = Facts()
    for number in range(100):
        facts.vertex(Vertex("Run", (f"large {number}",)), {"engine": newest(1_795_000_000_000, "e" * 1_000)})
    with closing(GraphStore(settings(secured, max_request_bytes=1_000_000))) as store:
        store.open(Naming().hash)
        with pytest.raises(
            GraphUnavailable, match=r"maxContentLength .* \d\d\d,\d{3} bytes: .*LINEAGE_GRAPH_REQUEST_BYTES"
        ):
            store.write(facts)
    with closing(GraphStore(settings(secured))) as store:
        store.open(Naming().hash)
        assert store.write(facts).elements_sent == 100
    assert sum('"large ' in line for line in export(settings(secured))) == 100


def opens(known: GraphSettings) -> None:
    with closing(GraphStore(known)) as store:
        store.open(Naming().hash)


def checks(known: GraphSettings) -> None:
    with closing(Connections(known)) as connections:
        check(connections, None)


def reads(known: GraphSettings) -> None:
    with JanusGraphClient(settings=known) as client:
        client.get_upstream_datasets("gold/customers")


def streams(known: GraphSettings) -> None:
    list(export(known))


WAYS = (opens, checks, reads, streams)
NOT_TRUSTED = "shows a certificate that is not trusted ("
NO_FILE = "The file of LINEAGE_GRAPH_TLS_CA_FILE cannot be read, or holds no certificates."


@pytest.fixture(scope="module")
def wrong(secured: SecuredJanusGraph, tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    """Settings of which one is wrong, by what is wrong."""
    other = make_keys(tmp_path_factory.mktemp("other"))
    named = secured.secure_url.replace("127.0.0.1", "localhost")
    return {
        "password": {"password": GUESS},
        "user": {"username": "nobody", "password": GUESS},
        "no password": {"username": None, "password": None},
        "another authority": {"tls_ca_file": other / "ca.pem"},
        "no authority": {"tls_ca_file": None},
        "another host's certificate": {"urls": (named,)},
        "no such file": {"tls_ca_file": other / "nothing.pem"},
        "a file without certificates": {"tls_ca_file": other / "san.txt"},
        "no TLS": {"urls": (secured.url,)},
        "another name": {"traversal_source": "g"},
    }


@pytest.mark.parametrize(
    ("what", "says"),
    [
        ("password", "refused the credentials. Check LINEAGE_GRAPH_USERNAME and LINEAGE_GRAPH_PASSWORD."),
        ("user", "refused the credentials. Check LINEAGE_GRAPH_USERNAME and LINEAGE_GRAPH_PASSWORD."),
        ("no password", "refused the credentials. Check LINEAGE_GRAPH_USERNAME and LINEAGE_GRAPH_PASSWORD."),
        ("another authority", NOT_TRUSTED),
        ("no authority", NOT_TRUSTED),
        ("another host's certificate", NOT_TRUSTED),
        ("no such file", NO_FILE),
        ("a file without certificates", NO_FILE),
        ("no TLS", "is no Gremlin Server, or one behind TLS. With TLS LINEAGE_GRAPH_URLS is wss://…."),
        ("another name", "takes no scripts for a traversal source 'g'. Set LINEAGE_GRAPH_TRAVERSAL_SOURCE to the one"),
    ],
    ids=lambda word: word[:27],
)
def test_what_is_wrong_is_one_sentence_with_the_remedy_and_without_a_secret(
    what: str, says: str, secured: SecuredJanusGraph, wrong: dict[str, dict[str, Any]]
) -> None:
    for way in WAYS:
        with pytest.raises(GraphUnavailable) as caught:
            way(settings(secured, **wrong[what]))
        assert says in str(caught.value), way
        assert "\n" not in str(caught.value)
        assert not {GUESS, PASSWORD} & set(re.findall(r"[\w-]+", str(caught.value)))


@pytest.mark.parametrize(
    "command", ["schema check", "consume --until-end", "search customers", "export", "doctor"], ids=lambda one: one[:9]
)
def test_a_command_with_a_wrong_password_ends_with_1_and_one_line(
    command: str, kafka: Broker, right: dict[str, str], tmp_path: Path
) -> None:
    (tmp_path / "password").write_text(GUESS, "utf-8")
    said = Product(kafka.bootstrap, "", tmp_path / "log", environment=right).refused(*command.split())
    assert re.fullmatch(r"Error: The graph at 127\.0\.0\.1:\d+ refused the credentials\. Check [A-Z_ and]+\.\n", said)


def test_a_server_that_takes_no_scripts_is_told_at_the_start(kafka: Broker, local_stack: Stack, tmp_path: Path) -> None:
    name = "janusgraph-without-scripts"
    server = WithoutScripts(name, local_stack.folder / name, local_stack.home)
    product = Product(kafka.bootstrap, server.url, tmp_path / "log")
    server.start()
    try:
        for source in ("g", "graph_traversal"):
            product.environment["LINEAGE_GRAPH_TRAVERSAL_SOURCE"] = source
            said = product.refused("consume", "--until-end")
            assert f"takes no scripts for a traversal source '{source}'" in said
            assert "let it evaluate gremlin-groovy scripts" in said
            assert said.count("\n") == 1
    finally:
        server.stop()

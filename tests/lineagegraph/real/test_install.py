"""The schema: installed once whoever tries, and a graph that is not ours is refused with the remedy."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from typing import Any

import pytest
from click.testing import CliRunner

from deploy.local import JanusGraph
from lineagegraph import install as installing
from lineagegraph.errors import GraphUnavailable, SchemaMismatch
from lineagegraph.facts import Facts, Vertex
from lineagegraph.gremlin import Connections
from lineagegraph.schema import EDGES, SCHEMA_VERSION, EdgeLabel
from lineagegraph.store import GraphStore
from lineagegraph.upkeep import migrate
from tests.lineagegraph.real.conftest import Pair, race
from tests.lineagegraph.servers import NAMING, gremlin, install_schema, opened, settings
from tests.servers import empty

pytestmark = pytest.mark.real

SAY = "def v = g.V('meta:schema').next(); v.property(key_, value_); g.tx().commit(); 'said'"
KEY = "def m = graph.openManagement(); m.makePropertyKey(name).dataType(Long).make(); m.commit(); 'made'"
LABEL = """
import org.janusgraph.core.Multiplicity
def m = graph.openManagement(); m.makeEdgeLabel('CONSUMES').multiplicity(Multiplicity.MULTI).make(); m.commit(); 'made'
"""

# A later version that has one label more.
MIGRATE = """
import sys
from consumer.cli import main
from lineagegraph import install as installing
from lineagegraph.schema import EdgeLabel
later = EdgeLabel("ADDED_LATER", (("Dataset", "Dataset"),))
installing.EDGES = {**installing.EDGES, later.label: later}
print("ready", flush=True)
sys.stdin.readline()
main(["schema", "migrate", "--json"])
"""


@pytest.mark.cassandra
def test_processes_that_install_at_once_over_two_servers_all_succeed_and_agree(pair: Pair) -> None:
    codes, graph_ids = zip(*pair.installed, strict=True)
    assert set(codes) == {0}, pair.installed
    assert len(set(graph_ids)) == 1
    for server in pair.servers:
        assert gremlin(server, "g.V('meta:schema').values('graph_id').next()") == graph_ids[0]
        with opened(server) as store:
            assert store.heartbeat() == graph_ids[0]
    assert install_schema(pair.second).made == ()


@pytest.mark.cassandra
def test_processes_that_migrate_at_once_over_two_servers_all_succeed_and_one_makes_what_is_missing(pair: Pair) -> None:
    codes, said = zip(*race(MIGRATE, *pair.servers), strict=True)
    assert set(codes) == {0}, said
    made = [json.loads(line)["made"] for line in said]
    assert sorted(made) == [*[[]] * (len(made) - 1), ["edge label ADDED_LATER"]]
    for server in pair.servers:
        assert gremlin(server, "graph.openManagement().containsEdgeLabel('ADDED_LATER')") is True
        with opened(server) as store:  # a program that does not know the new label
            assert store.heartbeat()


@pytest.mark.cassandra
def test_a_graph_on_cassandra_without_a_schema_is_refused(pair: Pair) -> None:
    assert pair.without_schema == "The graph has no schema. Run `lineagegraph schema install`."


@pytest.fixture
def bare(inmemory: JanusGraph) -> Iterator[JanusGraph]:
    """A graph without a schema."""
    empty(inmemory)
    yield inmemory
    empty(inmemory)
    install_schema(inmemory)


def refusal(server: JanusGraph, naming: str = NAMING) -> str:
    with closing(GraphStore(settings(server))) as store, pytest.raises(SchemaMismatch) as refused:
        store.open(naming)
    return str(refused.value)


def say(key: str, value: Any) -> Callable[[JanusGraph], None]:
    def change(server: JanusGraph) -> None:
        install_schema(server)
        gremlin(server, SAY, key_=key, value_=value)

    return change


def install_without(label: str) -> Callable[[JanusGraph], None]:
    """As an older version did, which had one label less."""

    def change(server: JanusGraph) -> None:
        with pytest.MonkeyPatch.context() as patch:
            older: dict[str, EdgeLabel] = {name: row for name, row in EDGES.items() if name != label}
            patch.setattr(installing, "EDGES", older)
            install_schema(server)

    return change


@pytest.mark.parametrize(
    ("prepare", "says"),
    [
        (lambda server: None, "The graph has no schema. Run `lineagegraph schema install`."),
        (
            say("schema_version", SCHEMA_VERSION + 1),
            (
                f"The graph's schema has version {SCHEMA_VERSION + 1}, and this program writes version "
                f"{SCHEMA_VERSION}. Upgrade lineagegraph, or use another graph (LINEAGE_GRAPH_URLS)."
            ),
        ),
        (
            say("schema_version", SCHEMA_VERSION - 1),
            (
                f"The graph's schema is older than this program: it has version {SCHEMA_VERSION - 1}. "
                "Run `lineagegraph schema install`."
            ),
        ),
        (
            install_without("SAME_AS"),
            (
                "The graph's schema is older than this program: it lacks edge label SAME_AS. "
                "Run `lineagegraph schema install`."
            ),
        ),
        (
            say("naming_hash", "another"),
            (
                f"The graph was filled with other naming rules (another; these are {NAMING}), and one table would "
                "get two names. Set LINEAGE_NAMING_FILE to the file it was filled with, or fill an empty graph with "
                "the new rules."
            ),
        ),
    ],
    ids=["none", "newer", "older", "a label short", "named otherwise"],
)
def test_a_graph_that_is_not_ours_is_refused_with_the_remedy(
    prepare: Callable[[JanusGraph], None], says: str, bare: JanusGraph
) -> None:
    prepare(bare)
    assert refusal(bare) == says


def test_installing_again_is_the_remedy_for_an_older_schema(bare: JanusGraph, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(installing, "TURN", 0.5)  # the same tables under an older version: a turn was taken for them
    install_without("SAME_AS")(bare)
    assert install_schema(bare).made == ("edge label SAME_AS",)
    say("schema_version", SCHEMA_VERSION - 1)(bare)
    install_schema(bare)
    with opened(bare) as store:
        assert store.heartbeat()


def test_migrating_says_what_is_missing_and_makes_it_once(bare: JanusGraph, monkeypatch: pytest.MonkeyPatch) -> None:
    def migrated(*arguments: str) -> Any:
        done = CliRunner().invoke(migrate, [*arguments, "--json"], obj=lambda: settings(bare))
        return json.loads(done.output) if done.exit_code == 0 else done.exception

    assert isinstance(migrated(), SchemaMismatch), "there is nothing to migrate"
    monkeypatch.setattr(installing, "TURN", 0.5)
    install_without("SAME_AS")(bare)
    gremlin(bare, SAY, key_="schema_version", value_=SCHEMA_VERSION - 1)
    planned = migrated("--dry-run")
    assert (planned["from"], planned["to"]) == (SCHEMA_VERSION - 1, SCHEMA_VERSION)
    assert planned["made"] == ["edge label SAME_AS"]
    assert "The graph's schema is older than this program" in refusal(bare), "nothing was made yet"
    with ThreadPoolExecutor(2) as pool:
        made = [one.made for one in pool.map(install_schema, [bare, bare])]
    assert sorted(made) == [(), ("edge label SAME_AS",)], "two at once make it once"
    assert migrated()["made"] == []
    with opened(bare) as store:
        assert store.heartbeat()


def test_one_that_died_at_its_turn_holds_up_the_others_only_for_a_while(
    bare: JanusGraph, monkeypatch: pytest.MonkeyPatch
) -> None:
    gremlin(bare, KEY, name=f"{installing.turn(installing.tables())}1")
    monkeypatch.setattr(installing, "PATIENCE", 1.5)
    with pytest.raises(GraphUnavailable, match="Others keep changing the graph's schema"):
        install_schema(bare)
    assert refusal(bare) == "The graph has no schema. Run `lineagegraph schema install`."
    monkeypatch.setattr(installing, "PATIENCE", 30)
    monkeypatch.setattr(installing, "TURN", 0.5)
    assert "edge label CONSUMES" in install_schema(bare).made
    with opened(bare) as store:
        assert store.heartbeat()


def test_a_label_of_another_kind_is_refused_and_nothing_is_installed_beside_it(bare: JanusGraph) -> None:
    gremlin(bare, LABEL)
    with pytest.raises(SchemaMismatch, match="The graph's schema is not ours: edge label CONSUMES is MULTI"):
        install_schema(bare)
    assert gremlin(bare, "graph.openManagement().containsEdgeLabel('GENERATED_BY')") is False


def test_installing_with_other_naming_rules_is_refused_and_changes_nothing(bare: JanusGraph) -> None:
    install_schema(bare)
    with (
        closing(Connections(settings(bare))) as connections,
        pytest.raises(SchemaMismatch, match=f"other naming rules \\({NAMING}; these are another\\)"),
    ):
        installing.install(connections, "another")
    with opened(bare) as store:
        assert store.heartbeat()


def test_another_graph_behind_the_same_address_is_noticed_and_left_untouched(bare: JanusGraph) -> None:
    first = install_schema(bare).graph_id
    facts = Facts()
    facts.vertex(Vertex("Run", ("one",)))
    with opened(bare) as store:
        assert store.write(facts).elements_sent == 1
        empty(bare)
        with pytest.raises(SchemaMismatch, match=f"one without a schema instead of {first}"):
            store.heartbeat()
        second = install_schema(bare).graph_id
        with pytest.raises(SchemaMismatch, match=f"Another graph answers now \\({second} instead of {first}\\)"):
            store.write(facts)
    assert gremlin(bare, "g.V().hasLabel('Run').count().next()") == 0

"""Configuration files and ports."""

from __future__ import annotations

import socket

import pytest
import yaml

from deploy.local.config import CONF, PORTS, free_ports, is_free, template, with_values
from deploy.local.errors import LocalStackError


def test_values_are_replaced_in_properties_and_in_top_level_yaml_and_the_rest_stays() -> None:
    text = "# a=1\na=1\na.b=2\n  a: inner\nc: 3\n"
    assert with_values(text, {"a": 9, "c": "x: y"}) == "# a=1\na=9\na.b=2\n  a: inner\nc: x: y\n"


def test_a_value_of_none_drops_the_line() -> None:
    assert with_values("a: 1\nb: 2\n", {"a": None}) == "b: 2\n"


def test_a_key_that_the_file_does_not_have_is_an_error() -> None:
    with pytest.raises(LocalStackError, match="no line for b, c"):
        with_values("a=1\n", {"c": 1, "a": 1, "b": 2})


@pytest.mark.parametrize("name", sorted(path.name for path in CONF.glob("*.yaml")))
def test_the_templates_are_valid_yaml(name: str) -> None:
    assert isinstance(yaml.safe_load(template(name)), dict)


@pytest.mark.parametrize("name", sorted(path.name for path in CONF.glob("*.properties")))
def test_no_template_sets_a_key_twice(name: str) -> None:
    keys = [line.partition("=")[0] for line in template(name).splitlines() if line and not line.startswith("#")]
    assert len(keys) == len(set(keys))


def test_both_graphs_differ_in_nothing_but_what_their_stores_need() -> None:
    memory, cassandra = (
        {line for line in template(f"janusgraph-{store}.properties").splitlines() if not line.startswith("#")}
        for store in ("inmemory", "cassandra")
    )
    assert memory - cassandra == {"storage.backend=inmemory"}
    assert all(
        line.startswith(("storage.", "graph.unique", "graph.replace", "ids.auth")) for line in cassandra - memory
    )


def test_a_port_is_free_until_somebody_listens_on_it() -> None:
    (port,) = free_ports(1)
    with socket.create_server(("127.0.0.1", port)):
        assert not is_free(port)
    assert is_free(port)


def test_ports_are_distinct_not_kept_by_others_and_below_those_of_outgoing_connections() -> None:
    kept = range(PORTS.start, PORTS.stop - 500)
    ports = free_ports(3, kept)
    assert len(set(ports)) == 3
    assert not set(ports) & set(kept)
    assert set(ports) <= set(PORTS)


def test_without_a_free_port_the_error_says_where_it_looked() -> None:
    with pytest.raises(LocalStackError, match="No 2 free ports were found between 20000 and 30000"):
        free_ports(2, PORTS)

"""The consumer scenarios of OpenLineage's compatibility tests: every event is accepted, in their own order."""

from __future__ import annotations

import pytest

from lineagegraph.facts import Facts, fold
from mappers import Mapped
from tests.mappers.events import EVENTS, corpus, lines
from tests.mappers.laws import outcome

SCENARIOS = {
    "CLL": 9,
    "airflow": 32,
    "simple_run_event": 1,
    "spark_dataproc_bigquery_shakespare": 12,
    "spark_dataproc_simple_producer_test": 4,
    "spark_dataproc_simple_producer_test_complete": 12,
}


def _facts(scenario: str) -> list[Facts]:
    found = [outcome(value) for value in corpus(f"compat-{scenario}.ndjson")]
    assert all(isinstance(one, Mapped) for one in found)
    return [one.facts for one in found if isinstance(one, Mapped)]


def test_every_scenario_is_here() -> None:
    assert {path.stem.removeprefix("compat-") for path in EVENTS.glob("compat-*.ndjson")} == set(SCENARIOS)


@pytest.mark.parametrize(("scenario", "count"), SCENARIOS.items())
def test_every_event_of_a_scenario_is_accepted_in_the_order_of_its_files_names(scenario: str, count: int) -> None:
    assert len(_facts(scenario)) == count


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_the_order_of_a_scenarios_files_does_not_matter(scenario: str) -> None:
    facts = _facts(scenario)
    assert fold(facts) == fold(reversed(facts))


def test_the_run_id_that_is_no_uuid_is_a_run() -> None:
    (facts,) = _facts("simple_run_event")
    assert "run:run_id RUN_OF job:job_namespace job_name" in lines(facts)

"""Whatever the schema's types allow is answered as GraphQL, without a bug and without a stack trace (schemathesis)."""

from __future__ import annotations

from typing import Any

import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from schemathesis.graphql import nodes

from lineagegraph.api.schema import SCHEMA
from tests.lineagegraph.api.asking import asking
from tests.lineagegraph.test_sight import complete, facts_of

numbers = st.integers(-(2**31), 2**31 - 1).map(nodes.Int)
schemathesis.graphql.scalar("Version", st.one_of(numbers, st.text(max_size=8).map(nodes.String)))

TYPED = schemathesis.graphql.from_file(SCHEMA.as_str())


@settings(max_examples=80, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.data())
def test_what_the_schema_allows_never_finds_a_bug(data: Any) -> None:
    operation: Any = data.draw(st.sampled_from(list(TYPED.get_all_operations())))
    case = data.draw(operation.ok().as_strategy())
    with asking(facts_of([complete()])) as api:
        answer = api.http.post("/graphql", json={"query": case.body})
        assert answer.status_code in (200, 400), answer.text
        codes = {error["extensions"]["code"] for error in answer.json().get("errors", ())}
        assert "INTERNAL" not in codes, (case.body, answer.text)
        assert "Traceback" not in answer.text

"""The table of mutation checks fits the code; `python -m tests.consumer.mutations` runs them."""

from __future__ import annotations

import re

import pytest

from tests.consumer.mutations import MUTATIONS, ROOT, Mutation


@pytest.mark.parametrize("one", MUTATIONS, ids=lambda one: one.fence)
def test_the_fence_stands_where_the_mutation_check_takes_it_away_and_its_test_exists(one: Mutation) -> None:
    assert (ROOT / "consumer" / one.file).read_text("utf-8").count(one.old) == 1
    file, _, name = one.test.partition("::")
    assert re.search(rf"^def {name}\(", (ROOT / "tests" / "consumer" / file).read_text("utf-8"), re.M)

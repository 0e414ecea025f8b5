"""docs/api.md says what the API does."""

from __future__ import annotations

import json
import re
from pathlib import Path

from consumer.patient import SECONDS
from lineagegraph.api.access import CODES
from lineagegraph.api.app import Serving
from lineagegraph.api.arguments import MOST
from lineagegraph.api.limits import QueryLimits
from lineagegraph.tokens import Tokens
from tests.docs import DOCS
from tests.lineagegraph.api.asking import asking

PAGE = (DOCS / "api.md").read_text(encoding="utf-8")


def examples(kind: str) -> list[str]:
    return re.findall(rf"```{kind}\n(.*?)```", PAGE, re.S)


def test_the_graphql_of_the_page_gives_what_the_page_says() -> None:
    statement, question, _ = examples("graphql")
    with asking() as api:
        assert set(api.data(statement).values()) == {True}
        assert api.data(question) == json.loads(examples("json")[0])


def test_the_token_file_of_the_page_can_be_used(tmp_path: Path) -> None:
    (tmp_path / "tokens.toml").write_text(examples("toml")[0], encoding="utf-8")
    grant = Tokens(tmp_path / "tokens.toml").grant("test")
    assert grant is not None
    assert (grant.name, grant.sight.namespaces) == ("grafana", ("s3://lake*",))


def test_codes_and_limits_are_those_of_the_page() -> None:
    assert [code for _, code in CODES if f"`{code}`" not in PAGE] == []
    limits = QueryLimits()
    words = (
        f"{limits.tokens:,} tokens",
        f"{limits.depth} levels",
        f"{limits.fields} fields",
        f"{limits.cost:,} values",
        f"{limits.repeats} may repeat",
        f"{limits.questions} questions",
        f"{MOST:,} values in an argument",
        f"{Serving().most_bytes // 1024} KiB",
        f"{Serving().patience:g} seconds",
        f"{SECONDS:g} seconds",
        f"{Serving().at_once} requests",
    )
    assert [word for word in words if word not in " ".join(PAGE.split())] == []

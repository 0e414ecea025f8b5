"""Numbers of dead letters are for those who may see everything, and only where there is a Kafka."""

from __future__ import annotations

from pathlib import Path

from lineagegraph.api.app import Serving
from lineagegraph.api.letters import Counted
from lineagegraph.tokens import Tokens, as_toml, new_token
from tests.lineagegraph.api.asking import asking
from tests.lineagegraph.api.test_access import READ, SOME, token_file

QUERY = "{ deadLetters { letters } }"


async def never(topic: str | None) -> Counted:
    raise AssertionError("nobody may ask")


def test_who_may_not_see_every_namespace_or_may_not_read_may_not_see_dead_letters(tmp_path: Path) -> None:
    path, only_write = token_file(tmp_path / "tokens.toml"), new_token()
    rows = f"{path.read_text(encoding='utf-8')}\n\n{as_toml(only_write, 'other', ('write',), ())}"
    path.write_text(rows, encoding="utf-8")
    with asking(serving=Serving(tokens=Tokens(path)), letters=never) as api:
        assert api.code(QUERY, SOME) == "FORBIDDEN"
        assert api.code(QUERY, only_write) == "FORBIDDEN"


def test_a_server_without_kafka_says_so(tmp_path: Path) -> None:
    serving = Serving(tokens=Tokens(token_file(tmp_path / "tokens.toml")))
    with asking(serving=serving) as api:
        assert api.code(QUERY, READ) == "NOT_SERVED"
        assert api.code(QUERY, SOME) == "FORBIDDEN", "whether there is a Kafka is not theirs to know"

"""`python -m lineagegraph.api` writes the schema's text, which clients and reviews rely on."""

from __future__ import annotations

from pathlib import Path

from lineagegraph.api.schema import SCHEMA

TEXT = Path(__file__).with_name("schema.graphql")

if __name__ == "__main__":
    TEXT.write_text(SCHEMA.as_str() + "\n", encoding="utf-8")

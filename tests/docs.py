"""The pages that are made from tables in the code: `python -m tests.docs` writes them, tests/test_docs.py compares.

A page is wholly made, or has made tables after markers such as `<!-- vertices -->`.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import get_args

from consumer import metrics
from consumer.environment import is_secret, variable
from consumer.settings import Settings
from deploy.monitoring import alert
from deploy.monitoring.files import GROUPS
from lineagegraph.schema import EDGES, INDEXES, VERTICES
from mappers import facets
from tests import scaling
from tests.consumer import mutations

TABLE = r"\A(?:\|[^\n]*\n)*"
DOCS = Path(__file__).parents[1] / "docs"


def vertices() -> str:
    """The vertex labels with key and properties."""
    rows = ["| vertex | id tag | natural key | properties (kind) |", "|---|---|---|---|"]
    for row in VERTICES.values():
        properties = ", ".join(f"`{name}` ({kind.value})" for name, kind in row.properties.items())
        rows.append(f"| `{row.label}` | `{row.tag}` | {', '.join(row.key)} | {properties or '–'} |")
    return "\n".join(rows)


def edges() -> str:
    """The edge labels with their ends."""
    rows = ["| edge | from → to | stored | dated |", "|---|---|---|---|"]
    for row in EDGES.values():
        ends = ", ".join(f"{source} → {target}" for source, target in row.ends)
        dated = ", ".join(f"{source} → {target}" for source, target in sorted(row.dated)) or "–"
        rows.append(f"| `{row.label}` | {ends} | {'both ways' if row.both_ways else 'one way'} | {dated} |")
    return "\n".join(rows)


def indexes() -> str:
    """The composite indexes."""
    rows = ["| index | keys |", "|---|---|"]
    return "\n".join([*rows, *(f"| `{name}` | {', '.join(keys)} |" for name, keys in INDEXES.items())])


def settings() -> str:
    """Every setting with its default and meaning."""
    rows = ["| setting | default | meaning |", "|---|---|---|"]
    for name, field in Settings.model_fields.items():
        default = ",".join(field.default) if isinstance(field.default, tuple) else field.default
        shown = "–" if default is None else f"`{default}`"
        file = f"; or `{variable(name)}_FILE`" if is_secret(Settings, name) else ""
        chosen = [one for one in get_args(field.annotation) if isinstance(one, str)]
        among = f": {', '.join(f'`{one}`' for one in chosen)}" if chosen else ""
        meaning = f"{field.description}{among}{file}".replace("|", "\\|")
        rows.append(f"| `{variable(name)}` | {shown} | {meaning} |")
    return "\n".join(rows)


MADE: dict[str, Callable[[], str]] = {
    "metrics.md": metrics.as_markdown,
    "alerts.md": lambda: alert.as_markdown(GROUPS),
}
PARTS: dict[str, dict[str, Callable[[], str]]] = {
    "facets.md": {"facets": facets.as_markdown},
    "guarantees.md": {"mutations": mutations.as_markdown},
    "operating.md": {"settings": settings},
    "scaling.md": {"sizes": scaling.as_markdown},
    "graph.md": {"vertices": vertices, "edges": edges, "indexes": indexes},
}


def made() -> dict[Path, str]:
    """Every such page with the content that it should have."""
    pages = {DOCS / name: page() + "\n" for name, page in MADE.items()}
    for name, parts in PARTS.items():
        text = (DOCS / name).read_text(encoding="utf-8")
        for marker, table in parts.items():
            head, _, rest = text.partition(f"<!-- {marker} -->\n\n")
            text = f"{head}<!-- {marker} -->\n\n{table()}\n{re.sub(TABLE, '', rest, count=1)}"
        pages[DOCS / name] = text
    return pages


if __name__ == "__main__":
    from tests.lineagegraph import querying  # what it asks takes longer than tables

    with querying.in_memory() as where:
        asked = {querying.PAGE: querying.made(where)}
    for path, text in (made() | asked).items():
        path.write_text(text, encoding="utf-8")
        print(path)

"""lineagegraph: OpenLineage facts in JanusGraph, and the answers that are inferred from them.

The only package that knows the graph (gremlinpython) and those who ask it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lineagegraph.client import JanusGraphClient

__all__ = ["JanusGraphClient"]


def __getattr__(name: str) -> Any:
    """The client, imported when it is asked for: the consumer and `explain` do without it."""
    if name == "JanusGraphClient":
        from lineagegraph.client import JanusGraphClient

        return JanusGraphClient
    raise AttributeError(f"module 'lineagegraph' has no attribute {name!r}")

"""A thing by what people call it."""

from __future__ import annotations

from typing import Any

from lineagegraph import around, lineage, training
from lineagegraph.errors import Ambiguous, LineageError, NotFound
from lineagegraph.facts import Vertex
from lineagegraph.reader import Reader

LABELS = ("Dataset", "Pipeline", "Model", "Feature")  # what has a lineage of its own


def find(reader: Reader, label: str, name: str, namespace: str | None = None, version: Any = None) -> Vertex:
    """A thing by its label and name. Raises NotFound, Ambiguous, LineageError for a label that has no lineage."""
    match label.lower():
        case "dataset":
            return lineage.find_dataset(reader, name, namespace)
        case "pipeline":
            return around.find_pipeline(reader, name, namespace)
        case "model":
            return training.find_model(reader, name, version, namespace)
        case "feature":
            return find_feature(reader, name, namespace)
    raise LineageError(f"{label!r} has no lineage of its own. Ask for a {', '.join(LABELS[:-1])} or {LABELS[-1]}.")


def find_feature(reader: Reader, name: str, namespace: str | None = None) -> Vertex:
    """The feature view of that name. Raises NotFound, Ambiguous."""
    known = reader.look_up([[("feature_view", name)]])
    found = sorted(v for v in known if v.label == "Feature" and namespace in (None, v.key[0]))
    if not found:
        raise NotFound(f"No feature view is called {name!r}.")
    if len(found) > 1:
        places = ", ".join(v.key[0] for v in found)
        raise Ambiguous(f"Feature view {name!r} is in several namespaces: {places}. Say which one with the namespace.")
    return found[0]

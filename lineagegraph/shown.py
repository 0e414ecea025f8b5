"""Answers as JSON objects: their dataclasses field by field, vertices by their natural keys."""

from __future__ import annotations

from dataclasses import fields, is_dataclass
from typing import Any

from lineagegraph.facts import Edge, Vertex
from lineagegraph.schema import VERTICES


def shown(answer: Any) -> Any:
    """The answer for `json.dumps`."""
    if isinstance(answer, Vertex):
        return {"label": answer.label, **dict(zip(VERTICES[answer.label].key, answer.key, strict=True))}
    if isinstance(answer, Edge):
        return {"label": answer.label, "source": shown(answer.source), "target": shown(answer.target)}
    if is_dataclass(answer) and not isinstance(answer, type):
        return {field.name: shown(getattr(answer, field.name)) for field in fields(answer)}
    if isinstance(answer, tuple | list):
        return [shown(part) for part in answer]
    return answer

"""Grafana dashboards from rows of panels; what a panel means comes from the table of metrics unless it says more."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from consumer.metrics import METRICS
from deploy.monitoring.alert import metrics_in
from deploy.monitoring.servers import BEANS

HELP: Mapping[str, str] = {row.name: row.help for row in METRICS.values()} | {bean.metric: bean.help for bean in BEANS}
SOURCE = {"type": "prometheus", "uid": "${datasource}"}
WIDTH = 24  # columns of Grafana's grid


@dataclass(frozen=True, slots=True)
class Panel:
    """One panel: queries by what their lines are called, such as `{{topic}}`."""

    title: str
    queries: Mapping[str, str]
    unit: str = "short"
    kind: Literal["timeseries", "stat"] = "timeseries"
    bad_above: float | None = None  # shown in red above this

    def metrics(self) -> set[str]:
        """The metrics that it asks about."""
        return set().union(*(metrics_in(expr) for expr in self.queries.values()))


@dataclass(frozen=True, slots=True)
class Dashboard:
    """A page of panels; each row of them shares the width."""

    uid: str
    title: str
    rows: Mapping[str, Sequence[Panel]]

    def panels(self) -> list[Panel]:
        """All of them, in order."""
        return [panel for row in self.rows.values() for panel in row]

    def as_json(self) -> str:
        """As Grafana reads it."""
        made = {
            "uid": self.uid,
            "title": self.title,
            "tags": ["lineagegraph"],
            "schemaVersion": 39,
            "editable": False,
            "refresh": "30s",
            "time": {"from": "now-3h", "to": "now"},
            "templating": {"list": [_DATASOURCE]},
            "annotations": {"list": []},
            "panels": self._placed(),
        }
        return json.dumps(made, indent=1, ensure_ascii=False) + "\n"

    def _placed(self) -> list[dict[str, Any]]:
        placed: list[dict[str, Any]] = []
        y = 0
        for title, panels in self.rows.items():
            placed.append({"id": len(placed) + 1, "type": "row", "title": title, "gridPos": _at(0, y, WIDTH, 1)})
            y += 1
            width, height = WIDTH // len(panels), 4 if all(panel.kind == "stat" for panel in panels) else 8
            for number, panel in enumerate(panels):
                placed.append(_panel(panel, len(placed) + 1, _at(number * width, y, width, height)))
            y += height
        return placed


_DATASOURCE = {"name": "datasource", "label": "Data source", "type": "datasource", "query": "prometheus"}


def _at(x: int, y: int, w: int, h: int) -> dict[str, int]:
    return {"x": x, "y": y, "w": w, "h": h}


def _panel(panel: Panel, number: int, place: dict[str, int]) -> dict[str, Any]:
    steps: list[dict[str, Any]] = [{"color": "green", "value": None}]
    if panel.bad_above is not None:
        steps.append({"color": "red", "value": panel.bad_above})
    defaults = {"unit": panel.unit, "thresholds": {"mode": "absolute", "steps": steps}}
    return {
        "id": number,
        "type": panel.kind,
        "title": panel.title,
        "description": "\n".join(f"{name}: {HELP[name]}" for name in sorted(panel.metrics()) if name in HELP),
        "datasource": SOURCE,
        "gridPos": place,
        "fieldConfig": {"defaults": defaults, "overrides": []},
        "options": {"reduceOptions": {"calcs": ["lastNotNull"]}} if panel.kind == "stat" else {},
        "targets": [
            {"refId": chr(ord("A") + at), "datasource": SOURCE, "expr": expr, "legendFormat": legend}
            for at, (legend, expr) in enumerate(panel.queries.items())
        ],
    }

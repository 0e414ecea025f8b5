"""What an alert is, and how Prometheus and the runbook show it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import yaml

Severity = Literal["critical", "warning", "info"]
PAGE = "docs/alerts.md"


@dataclass(frozen=True, slots=True)
class Alert:
    """One alert: when it fires, what it says, and what to do then."""

    name: str
    expr: str
    wait: str  # how long the expression must hold, as Prometheus writes durations; "" fires at once
    severity: Severity
    summary: str  # may name labels as {{ $labels.topic }}
    do: str  # the runbook: what it means and what to look at, in Markdown

    def rule(self) -> dict[str, Any]:
        """As Prometheus reads it."""
        return {
            "alert": self.name,
            "expr": self.expr,
            **({"for": self.wait} if self.wait else {}),
            "labels": {"severity": self.severity},
            "annotations": {"summary": self.summary, "runbook": f"{PAGE}#{self.name.lower()}"},
        }

    def metrics(self) -> set[str]:
        """The metrics that it asks about."""
        return metrics_in(self.expr)


Groups = Mapping[str, Sequence[Alert]]


def metrics_in(expr: str) -> set[str]:
    """Names of metrics in an expression of PromQL; those of a histogram without their endings."""
    bare = re.sub(r"\"[^\"]*\"|\{\{.*?\}\}", "", expr)
    named = re.findall(r"\b(?:up\b|(?:lineage|janusgraph|cassandra)_[a-z_]+)", bare)
    return {re.sub(r"_(bucket|count|sum)$", "", name) if not name.endswith("_total") else name for name in named}


def rules(groups: Groups) -> str:
    """The file of rules that Prometheus reads."""
    made = {"groups": [{"name": name, "rules": [alert.rule() for alert in some]} for name, some in groups.items()]}
    return yaml.dump(made, Dumper=_Blocks, sort_keys=False, width=200, allow_unicode=True)


def as_markdown(groups: Groups) -> str:
    """The runbook, an entry for each alert."""
    lines = [
        "# Alerts",
        "",
        "Prometheus reads them from `deploy/helm/files/rules.yml`; the Helm chart installs them. This page is made",
        "from the tables in `deploy/monitoring`; each alert has a test that fires it, and one in which it stays quiet.",
    ]
    for alert in (alert for some in groups.values() for alert in some):
        summary = re.sub(r"\{\{ \$labels\.(\w+) \}\}", r"`\1`", alert.summary)
        waits = f" for {alert.wait}" if alert.wait else ""
        lines += ["", f"## {alert.name}", "", f"*{alert.severity}*: {summary}", "", alert.do, ""]
        lines += [f"Fires when this holds{waits}:", "", "```", alert.expr.strip(), "```"]
    return "\n".join(lines)


class _Blocks(yaml.SafeDumper):
    """Expressions of several lines stay readable."""


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|" if "\n" in text else None)


_Blocks.add_representer(str, _text)

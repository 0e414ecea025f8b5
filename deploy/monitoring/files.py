"""The made files, by their place in the chart."""

from __future__ import annotations

from pathlib import Path

from deploy.monitoring.alert import Groups, rules
from deploy.monitoring.dashboards import DASHBOARDS
from deploy.monitoring.dead_letters import DEAD_LETTERS
from deploy.monitoring.graph import GRAPH
from deploy.monitoring.ingestion import INGESTION
from deploy.monitoring.servers import jmx_rules

FOLDER = Path(__file__).parents[1] / "helm" / "files"  # a chart can only read what lies in it
NOTE = "# Made by `python -m deploy.monitoring`; do not edit.\n"
GROUPS: Groups = {"lineage-ingestion": INGESTION, "lineage-graph": GRAPH, "lineage-dead-letters": DEAD_LETTERS}


def files() -> dict[str, str]:
    """By path below FOLDER."""
    return {
        "rules.yml": NOTE + rules(GROUPS),
        "cassandra-jmx.yml": NOTE + jmx_rules(),
        **{f"dashboards/{one.uid}.json": one.as_json() for one in DASHBOARDS},
    }

"""Events at random for the reader: few jobs and tables over some days."""

from __future__ import annotations

import random

import orjson

from lineagegraph.facts import Facts, fold
from lineagegraph.naming import Naming
from mappers import decode, map_event


def made_at_random(seed: int, count: int = 150) -> Facts:
    """Few jobs and tables over some days: runs that fail after all, names that move, lineage stated or not."""
    pick = random.Random(seed)
    tables = [{"namespace": "made", "name": f"/lake/t{n}"} for n in range(12)]

    def table(day: int, output: bool) -> dict[str, object]:
        chosen = pick.choice(tables)
        facets: dict[str, object] = {"version": {"datasetVersion": str(pick.randrange(10**18, 10**18 + 40))}}
        if pick.random() < 0.3:
            named = {"namespace": "catalogue", "name": f"db.t{pick.randrange(8)}", "type": "TABLE"}
            facets["symlinks"] = {"identifiers": [named]}
        if pick.random() < 0.1:
            chosen = {"namespace": "catalogue", "name": f"db.t{pick.randrange(8)}"}
        if output and pick.random() < 0.3:
            sources = [{**pick.choice(tables), "field": "c"} for _ in range(2)]
            facets["columnLineage"] = {"fields": {"c": {"inputFields": sources}}}
        return {
            **chosen,
            "facets": facets,
            **({"outputFacets": {"outputStatistics": {"rowCount": 1}}} if output else {}),
        }

    def model(job: int) -> list[dict[str, object]]:
        if job != 3 or pick.random() < 0.3:
            return []
        facets = {"version": {"datasetVersion": str(pick.randrange(5))}, "datasetType": {"datasetType": "MODEL"}}
        return [{"namespace": "mlflow://made", "name": "churn", "facets": facets}]

    events = []
    for number in range(count):
        day, job = pick.randrange(1, 7), pick.randrange(9)
        batch = {"jobType": {"processingType": pick.choice(["BATCH", "STREAMING"]), "integration": "SPARK"}}
        for kind in pick.sample(["START", "RUNNING", "COMPLETE", "FAIL", "COMPLETE"], pick.randrange(1, 4)):
            moment = f"2026-11-{day:02}T{pick.randrange(24):02}:{pick.randrange(60):02}:00Z"
            events.append(
                {
                    "eventType": kind,
                    "eventTime": moment,
                    "run": {"runId": f"random-{seed}-{number}"},
                    "job": {"namespace": "made", "name": f"job{job}", "facets": batch if job % 2 else {}},
                    "inputs": [table(day, False) for _ in range(pick.randrange(3))],
                    "outputs": [table(day, True) for _ in range(pick.randrange(3))] + model(job),
                }
            )
    return fold(map_event(decode(orjson.dumps(event)), Naming()).facts for event in events)

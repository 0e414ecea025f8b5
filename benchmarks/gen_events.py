"""Deterministic OpenLineage RunEvents for side-by-side runs: equal arguments give equal bytes. NDJSON on stdout.

    python benchmarks/gen_events.py --shape pairs --count 10000 --seed 42      START+COMPLETE pairs (count = events)
    python benchmarks/gen_events.py --shape dag   --count 15000 --seed 42      one COMPLETE per job (count = jobs)

Shape "pairs": `--jobs` jobs. Job j has 3 inputs and 2 outputs for ever: outputs d[S+2j], d[S+2j+1] (S = 20 source
datasets that no job writes), inputs 3 distinct datasets drawn uniformly from the `--window` datasets before d[S+2j].
Acyclic. Run r (two events) is of a job drawn uniformly; runs are 60 s apart, COMPLETE 30 s after START. A run reads
the snapshot its inputs had when it started and writes a new snapshot of each output (COMPLETE only).
Shape "dag": job j writes exactly one dataset d[S+j]; it reads 1 to 3 (uniform) distinct datasets drawn uniformly from
the `--window` datasets before d[S+j]. Each job runs once, in order, so the first n lines of a longer file are the file
of n jobs; `--runs r` repeats all jobs r times, each with new snapshots.

Each dataset: schema (`--cols` columns, 16 for pairs, 6 for dag), dataSource, symlinks (table), version (19-digit id
like Iceberg's, as text). COMPLETE outputs also carry columnLineage (every column of one input column, DIRECT/IDENTITY)
and outputStatistics. Run ids are UUIDv7. `--skip-pairs n` starts at run n (same jobs, other runs).
"""

from __future__ import annotations

import argparse
import hashlib
import json
import random
import sys
import uuid
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

Json = dict[str, Any]
PRODUCER = "https://github.com/OpenLineage/OpenLineage/tree/1.40.0/integration/spark"
SCHEMA_URL = "https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunEvent"
SOURCES = 20
START = datetime(2020, 1, 1, tzinfo=UTC)
NAMESPACE = "s3://lake"


def pairs(count: int, seed: int, jobs: int = 200, window: int = 50, columns: int = 16, skip: int = 0) -> Iterator[Json]:
    """`count` events, START and COMPLETE of each run."""
    draw = random.Random(f"{seed}-runs")
    current: dict[int, str] = {}
    for run in range(skip + (count + 1) // 2):
        job = draw.randrange(jobs)
        reads, writes = job_io(seed, "pairs", job, window)
        started = START + timedelta(seconds=60 * run)
        read = {number: current.get(number) or _snapshot(seed, "ds", number, "init") for number in reads}
        current.update({number: _snapshot(seed, "ds", number, run) for number in writes})
        if run < skip:
            continue
        millis = int(started.timestamp() * 1000)
        ids = _uuid7(millis, seed, "run", run), _uuid7(millis - 1000, seed, "parent", run // 4)
        inputs = [_dataset(number, columns, read[number]) for number in reads]
        yield _event("START", started, ids, job, inputs, [_dataset(number, columns) for number in writes])
        if 2 * (run - skip) + 1 < count:
            outputs = [_dataset(number, columns, current[number]) for number in writes]
            done = started + timedelta(seconds=30)
            yield _event("COMPLETE", done, ids, job, inputs, _written(outputs, inputs, columns, run))


def dag(count: int, seed: int, window: int = 50, columns: int = 6, runs: int = 1) -> Iterator[Json]:
    """One COMPLETE of each of `count` jobs, `runs` times over."""
    for number in range(count * runs):
        run, job = divmod(number, count)
        reads, writes = job_io(seed, "dag", job, window)
        at = START + timedelta(seconds=60 * number)
        millis = int(at.timestamp() * 1000)
        versions = {i: _snapshot(seed, "dag", i, run if i >= SOURCES else 0) for i in (*reads, *writes)}
        inputs, outputs = ([_dataset(i, columns, versions[i]) for i in some] for some in (reads, writes))
        ids = _uuid7(millis, seed, "dagrun", number), _uuid7(millis - 1000, seed, "dagparent", number // 5)
        yield _event("COMPLETE", at, ids, job, inputs, _written(outputs, inputs, columns, number))


def job_io(seed: int, shape: str, job: int, window: int) -> tuple[list[int], list[int]]:
    """The numbers of the datasets that a job reads and writes."""
    draw = random.Random(f"{seed}-{shape}-job{job}")
    first = SOURCES + (2 * job if shape == "pairs" else job)
    reads = 3 if shape == "pairs" else 1 + draw.randrange(3)
    return draw.sample(range(max(0, first - window), first), reads), [first, first + 1] if shape == "pairs" else [first]


def dag_neighbours(count: int, seed: int, start: int, depth: int, window: int = 50) -> tuple[set[int], set[int]]:
    """Datasets and jobs within `depth` hops of a dataset of the dag, either way; dataset, job, dataset are two."""
    ends = {job: [number for some in job_io(seed, "dag", job, window) for number in some] for job in range(count)}
    jobs_of: dict[int, list[int]] = {}
    for job, numbers in ends.items():
        for number in numbers:
            jobs_of.setdefault(number, []).append(job)
    datasets, jobs, frontier, at_datasets = {start}, set[int](), {start}, True
    for _ in range(depth):
        graph, seen = (jobs_of, jobs) if at_datasets else (ends, datasets)
        frontier = {near for one in frontier for near in graph.get(one, ())} - seen
        seen |= frontier
        at_datasets = not at_datasets
    return datasets, jobs


def _event(kind: str, at: datetime, ids: tuple[str, str], job: int, inputs: list[Json], outputs: list[Json]) -> Json:
    run_facets = {
        "parent": _facet(
            "ParentRunFacet", run={"runId": ids[1]}, job={"namespace": "airflow", "name": f"dag{job // 5}"}
        ),
        "processing_engine": _facet(
            "ProcessingEngineRunFacet", version="3.5.1", name="spark", openlineageAdapterVersion="1.40.0"
        ),
    }
    job_facets = {
        "jobType": _facet("JobTypeJobFacet", processingType="BATCH", integration="SPARK", jobType="SQL_JOB"),
    }
    return {
        "eventType": kind,
        "eventTime": at.strftime("%Y-%m-%dT%H:%M:%S.000Z"),
        "producer": PRODUCER,
        "schemaURL": SCHEMA_URL,
        "run": {"runId": ids[0], "facets": run_facets},
        "job": {"namespace": "spark", "name": f"app{job // 5}.job{job}", "facets": job_facets},
        "inputs": inputs,
        "outputs": outputs,
    }


def _dataset(number: int, columns: int, version: str | None = None) -> Json:
    fields = [{"name": f"c{column}", "type": "bigint" if column % 2 else "string"} for column in range(columns)]
    link = {"namespace": "hive://metastore:9083", "name": f"db{number % 20}.t{number}", "type": "TABLE"}
    facets = {
        "schema": _facet("SchemaDatasetFacet", fields=fields),
        "dataSource": _facet("DatasourceDatasetFacet", name=NAMESPACE, uri=NAMESPACE),
        "symlinks": _facet("SymlinksDatasetFacet", identifiers=[link]),
    }
    if version:
        facets["version"] = _facet("DatasetVersionDatasetFacet", datasetVersion=version)
    return {"namespace": NAMESPACE, "name": f"warehouse/db{number % 20}/t{number}", "facets": facets}


def _written(outputs: list[Json], inputs: list[Json], columns: int, run: int) -> list[Json]:
    """The outputs as a completed run shows them."""
    for output in outputs:
        fields = {f"c{c}": {"inputFields": [_source(inputs[c % len(inputs)], f"c{c}")]} for c in range(columns)}
        output["facets"]["columnLineage"] = _facet("ColumnLineageDatasetFacet", fields=fields)
        statistics = _facet("OutputStatisticsOutputDatasetFacet", rowCount=1000 + run, size=10**6 + run)
        output["outputFacets"] = {"outputStatistics": statistics}
    return outputs


def _source(dataset: Json, field: str) -> Json:
    identity = {"type": "DIRECT", "subtype": "IDENTITY", "description": "", "masking": False}
    return {
        "namespace": dataset["namespace"],
        "name": dataset["name"],
        "field": field,
        "transformations": [identity],
    }


def _facet(schema: str, /, **content: Any) -> Json:
    url = f"https://openlineage.io/spec/facets/1-0-1/{schema}.json"
    return {"_producer": PRODUCER, "_schemaURL": url, **content}


def _uuid7(millis: int, *of: object) -> str:
    value = ((millis & 0xFFFFFFFFFFFF) << 80) | _number(*of)
    value = value & ~(0xF << 76) | (7 << 76)
    value = value & ~(0x3 << 62) | (2 << 62)
    return str(uuid.UUID(int=value))


def _snapshot(*of: object) -> str:
    return str(10**18 + _number(*of) % (8 * 10**18))


def _number(*of: object) -> int:
    return int.from_bytes(hashlib.sha256("|".join(map(str, of)).encode()).digest()[:10], "big")


def _arguments() -> argparse.Namespace:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--shape", choices=["pairs", "dag"], default="pairs")
    options.add_argument("--count", type=int, default=1000)
    options.add_argument("--seed", type=int, default=42)
    options.add_argument("--jobs", type=int, default=200)
    options.add_argument("--window", type=int, default=50)
    options.add_argument("--cols", type=int)
    options.add_argument("--skip-pairs", type=int, default=0)
    options.add_argument("--runs", type=int, default=1)
    return options.parse_args()


def main() -> None:
    """The command line."""
    o = _arguments()
    events: Iterable[Json]
    if o.shape == "pairs":
        events = pairs(o.count, o.seed, o.jobs, o.window, o.cols or 16, o.skip_pairs)
    else:
        events = dag(o.count, o.seed, o.window, o.cols or 6, o.runs)
    for event in events:
        sys.stdout.write(json.dumps(event, separators=(",", ":")) + "\n")


if __name__ == "__main__":
    main()

"""What the rules need to see, fetched: each function here makes one rule's answer the same as with the whole graph.

The rules' docstrings say what they look at; it is written down here as hops and nowhere else.
"""

from lineagegraph.needs.alike import names
from lineagegraph.needs.datasets import claims, columns, schemas, standing, trained, training
from lineagegraph.needs.hops import DAYS, HELD, IN, OUT, READS
from lineagegraph.needs.lineage import ahead, current, jobs, outputs, sources
from lineagegraph.needs.plain import plain_reads, plain_sources
from lineagegraph.needs.runs import namers, readers, reads, runs_made_of, snapshots

__all__ = [
    "DAYS",
    "HELD",
    "IN",
    "OUT",
    "READS",
    "ahead",
    "claims",
    "columns",
    "current",
    "jobs",
    "namers",
    "names",
    "outputs",
    "plain_reads",
    "plain_sources",
    "readers",
    "reads",
    "runs_made_of",
    "schemas",
    "snapshots",
    "sources",
    "standing",
    "trained",
    "training",
]

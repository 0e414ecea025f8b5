"""The rules: everything that needs more than one event is inferred here, on read, and nowhere else.

Pure functions from facts to answers. Each says which facts around which vertices it needs, so that a reader can
fetch them; over those it gives the answer that it gives over all facts. docs/rules.md lists them by question.
"""

from lineagegraph.rules.columns import (
    ColumnSource,
    Drift,
    Field,
    SchemaVersion,
    column_sources,
    columns,
    drift,
    schemas,
)
from lineagegraph.rules.current import came_true, current_since, latest_run, latest_stated, made, unsettled
from lineagegraph.rules.datasets import Standing, latest_change, latest_version, newest_statement, standing
from lineagegraph.rules.ends import feature_makers, features_from, inputs_of, made_by, may_be_model
from lineagegraph.rules.lineage import Basis, Source, consumers, outputs_of, producers, run_sources, sources, targets
from lineagegraph.rules.models import Reproducible, Trained, Training, is_orphan, trained_models, training
from lineagegraph.rules.names import called, names_of, physical
from lineagegraph.rules.origins import made_of, writers_of
from lineagegraph.rules.plain import SEEN, Snapshots, plain
from lineagegraph.rules.runs import (
    State,
    counts,
    day_of,
    days_of,
    made_data,
    may_be_shared,
    one_statement,
    pipeline_of,
    run_state,
    started_at,
)
from lineagegraph.rules.snapshots import (
    APPROXIMATE,
    CERTAINTIES,
    EXACT,
    LIKELY,
    UNKNOWN,
    Certainty,
    Snapshot,
    first_named,
    rounded,
    settled,
    snapshots_read,
    twins,
)
from lineagegraph.rules.written import days_of_writers, snapshots_written
from lineagegraph.view import CLIENT

__all__ = [
    "APPROXIMATE",
    "CERTAINTIES",
    "CLIENT",
    "EXACT",
    "LIKELY",
    "SEEN",
    "UNKNOWN",
    "Basis",
    "Certainty",
    "ColumnSource",
    "Drift",
    "Field",
    "Reproducible",
    "SchemaVersion",
    "Snapshot",
    "Snapshots",
    "Source",
    "Standing",
    "State",
    "Trained",
    "Training",
    "called",
    "came_true",
    "column_sources",
    "columns",
    "consumers",
    "counts",
    "current_since",
    "day_of",
    "days_of",
    "days_of_writers",
    "drift",
    "feature_makers",
    "features_from",
    "first_named",
    "inputs_of",
    "is_orphan",
    "latest_change",
    "latest_run",
    "latest_stated",
    "latest_version",
    "made",
    "made_by",
    "made_data",
    "made_of",
    "may_be_model",
    "may_be_shared",
    "names_of",
    "newest_statement",
    "one_statement",
    "outputs_of",
    "physical",
    "pipeline_of",
    "plain",
    "producers",
    "rounded",
    "run_sources",
    "run_state",
    "schemas",
    "settled",
    "snapshots_read",
    "snapshots_written",
    "sources",
    "standing",
    "started_at",
    "targets",
    "trained_models",
    "training",
    "twins",
    "unsettled",
    "writers_of",
]

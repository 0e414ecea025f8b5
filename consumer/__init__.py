"""consumer: OpenLineage records from Kafka, mapped, into the graph; what can never go there, into the dead letters.

The only package that knows Kafka (aiokafka) and the process: settings, signals, health, the command line.
"""

from __future__ import annotations


def program_version() -> str:
    """The installed version; a checkout that is not installed has none."""
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version("lineagegraph")
    except PackageNotFoundError:
        return "0+unknown"

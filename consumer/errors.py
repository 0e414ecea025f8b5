"""What can go wrong with Kafka or the settings and be mended by the user: one sentence, with the remedy."""

from __future__ import annotations

from lineagegraph.errors import LineageError


class BadSettings(LineageError):
    """One or more settings cannot be used; the message lists all of them."""


class KafkaUnusable(LineageError):
    """Kafka cannot be reached, refuses us, or lacks what is needed, and a restart alone would not help."""


class KafkaAway(KafkaUnusable):
    """Kafka does not answer now; the same may succeed later."""


class OffsetsMissing(LineageError):
    """The next offset of a partition is not known, and the settings say that we must not choose one."""


class PartitionHalted(LineageError):
    """Too many records of a partition are invalid; somebody must look before the rest is buried too."""


class BadFilter(LineageError):
    """A filter, plan or patch that says nothing we could do."""

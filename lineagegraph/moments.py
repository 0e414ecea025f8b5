"""Moments as people give them."""

from __future__ import annotations

from datetime import UTC, datetime


def millis(moment: datetime | None) -> int | None:
    """A moment in milliseconds since 1970; one without a time zone is in UTC."""
    if moment is None:
        return None
    return int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() * 1000)

"""Event times: every form that producers send, to milliseconds since 1970.

RFC 3339 with 1 to 9 fraction digits (further digits are cut, never rounded), `Z`, offsets, no zone (then
UTC: the one choice that does not depend on the reader's machine) and Java's `Z[Europe/London]`.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from functools import lru_cache

from lineagegraph.registers import LAST_TIME

EARLIEST = 946_684_800_000  # 2000-01-01: an event time before it is a mistake, not a moment

_TIME = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)[Tt ](\d\d):(\d\d)(?::(\d\d)(?:[.,](\d{1,9})\d*)?)?"
    r"(?:([Zz])|([+-])(\d\d):?(\d\d)?)?(\[[\w/+:-]+\])?",
    re.ASCII,
)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)


def milliseconds(text: str) -> int:
    """The moment as milliseconds since 1970. Raises ValueError for what is not a time."""
    match = _TIME.fullmatch(text)
    if match is None:
        raise ValueError("is not an ISO 8601 time with date, hours and minutes")
    year, month, day, hour, minute, second, fraction, zulu, sign, hours, minutes, zone = match.groups()
    if zone and not (zulu or sign):
        raise ValueError("names a zone but no offset")
    seconds = int(second or 0)
    leap = seconds == 60  # RFC 3339 allows it; the moment before is the nearest that a clock can show
    if int(hour) > 23 or int(minute) > 59 or seconds > 60:
        raise ValueError("is no moment of a day")
    millis = _midnight(int(year), int(month), int(day)) + int(hour) * 3_600_000 + int(minute) * 60_000
    millis += 59_999 if leap else seconds * 1_000 + int((fraction or "0").ljust(3, "0")[:3])
    if sign:
        if int(hours) > 23 or int(minutes or 0) > 59:
            raise ValueError("has an offset that no place on earth has")
        offset = (int(hours) * 60 + int(minutes or 0)) * 60_000
        millis -= offset if sign == "+" else -offset
    return millis


@lru_cache(maxsize=1_024)
def _midnight(year: int, month: int, day: int) -> int:
    return (datetime(year, month, day, tzinfo=UTC) - _EPOCH) // _MILLISECOND


def event_time(text: str) -> int:
    """An event's time, which must lie between 2000 and 2286. Raises ValueError."""
    millis = milliseconds(text)
    if millis < EARLIEST:
        raise ValueError("lies before the year 2000")
    if millis > LAST_TIME:
        raise ValueError("lies after the year 2286")
    return millis


def utc_day(millis: int) -> str:
    """The UTC day of a moment, `2026-11-22`."""
    return (_EPOCH + millis * _MILLISECOND).strftime("%Y-%m-%d")

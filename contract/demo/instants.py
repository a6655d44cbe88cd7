"""Which texts are RFC 3339 date-times, and in which order are they?

`datetime` cannot say: it has no year 0, no leap second and takes forms that RFC 3339 does not know.
"""

from __future__ import annotations

import re

_FORM = re.compile(
    r"([0-9]{4})-([0-9]{2})-([0-9]{2})[Tt]([0-9]{2}):([0-9]{2}):([0-9]{2})(?:\.([0-9]+))?"
    r"(?:[Zz]|([+-])([0-9]{2}):([0-9]{2}))"
)
_DAYS = (31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)


def instant(text: str) -> int | None:
    """Microseconds since 1970 in UTC, finer fractions cut; None if `text` is no RFC 3339 date-time.

    >>> instant("1970-01-01T01:00:00.5+01:00")
    500000
    """
    match = _FORM.fullmatch(text)
    if match is None:
        return None
    year, month, day, hour, minute, second = (int(match[index]) for index in range(1, 7))
    if not 1 <= month <= 12 or hour > 23 or minute > 59 or second > 60:
        return None
    leap_day = month == 2 and year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
    if not 1 <= day <= _DAYS[month - 1] + leap_day:
        return None
    offset_hours, offset_minutes = int(match[9] or 0), int(match[10] or 0)
    if offset_hours > 23 or offset_minutes > 59:
        return None
    offset = (offset_hours * 60 + offset_minutes) * (-1 if match[8] == "-" else 1)
    minutes = (_days(year, month, day) * 24 + hour) * 60 + minute - offset
    # A leap second is the last of a UTC day (RFC 3339, 5.7).
    if second == 60 and minutes % 1440 != 1439:
        return None
    fraction = int((match[7] or "")[:6].ljust(6, "0"))
    return (minutes * 60 + second) * 1_000_000 + fraction


def _days(year: int, month: int, day: int) -> int:
    """Days from 1970-01-01 in the proleptic Gregorian calendar."""
    # Years begin in March here, so that the leap day is the last one.
    years = year - (month <= 2)
    month_of_year = (month - 3) % 12
    return years * 365 + years // 4 - years // 100 + years // 400 + (153 * month_of_year + 2) // 5 + day - 719_469

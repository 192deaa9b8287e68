"""Days and moments in words."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime
from types import MappingProxyType

_MONTHS = (
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
)

_PATTERNS: Mapping[str, str] = MappingProxyType(
    {
        "en": "{day} {month_name} {year}",
        "vi": "ngày {day} tháng {month} năm {year}",
    }
)


def day_in_words(iso: str, language: str) -> str:
    """Returns the day `2027-01-31` as `31 January 2027` or `ngày 31 tháng 1 năm 2027`, unlike `1/2` the same to everybody."""
    day = date.fromisoformat(iso)
    pattern = _PATTERNS.get(language.partition("-")[0], _PATTERNS["en"])
    return pattern.format(day=day.day, month=day.month, month_name=_MONTHS[day.month - 1], year=day.year)


_MOMENTS: Mapping[str, str] = MappingProxyType({"en": "{day} at {time} UTC", "vi": "{time} {day} (giờ UTC)"})


def moment_in_words(iso: str, language: str) -> str:
    """Returns the moment `2027-01-31T09:30:00+00:00` as `31 January 2027 at 09:30 UTC`.

    In UTC, and it says so: where its reader is nobody knows.
    """
    moment = datetime.fromisoformat(iso).astimezone(UTC)
    pattern = _MOMENTS.get(language.partition("-")[0], _MOMENTS["en"])
    return pattern.format(day=day_in_words(moment.date().isoformat(), language), time=f"{moment:%H:%M}")

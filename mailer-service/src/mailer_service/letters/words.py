"""Days, moments, durations and devices in the reader's language; another language adds its words here."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
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
    """Returns the moment `2027-01-31T09:30:00+00:00` as `31 January 2027 at 09:30 UTC`, and nothing for nothing.

    In UTC, and it says so: where its reader is nobody knows.
    """
    if not iso:
        return ""
    moment = datetime.fromisoformat(iso).astimezone(UTC)
    pattern = _MOMENTS.get(language.partition("-")[0], _MOMENTS["en"])
    return pattern.format(day=day_in_words(moment.date().isoformat(), language), time=f"{moment:%H:%M}")


_DAY = timedelta(days=1)
_HOUR = timedelta(hours=1)
_MINUTE = timedelta(minutes=1)

_WORDS: Mapping[str, tuple[str, str, str, str, str]] = MappingProxyType(
    {
        "en": ("minute", "minutes", "hour", "hours", "days"),
        "vi": ("phút", "phút", "giờ", "giờ", "ngày"),
    }
)


def describe(duration: timedelta, language: str) -> str:
    """Returns the duration in whole days, below two in hours, below two of those in minutes; never more than it is.

    For example `3 days`, `24 hours`, `30 phút`.
    """
    minute, minutes, hour, hours, days = _WORDS.get(language.partition("-")[0], _WORDS["en"])
    if duration >= 2 * _DAY:
        return f"{duration // _DAY} {days}"
    if duration >= 2 * _HOUR:
        amount, one, many = duration // _HOUR, hour, hours
    else:
        amount, one, many = max(1, duration // _MINUTE), minute, minutes
    return f"{amount} {one if amount == 1 else many}"


_BETWEEN = " on "
_ON: Mapping[str, str] = MappingProxyType({"en": " on ", "vi": " trên "})


def device_in_words(device: str, language: str) -> str:
    """Returns `Firefox on Linux`, which is how auth-service puts it, as `Firefox trên Linux`; names stay as they are."""
    on = _ON.get(language.partition("-")[0], _BETWEEN)
    return on.join(device.split(_BETWEEN, maxsplit=1))


_CLOSING: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "en": (
            "This is an automated message; please don't reply.",
            "If you have a question, reply to this email.",
        ),
        "vi": (
            "Đây là email tự động, vui lòng không trả lời.",
            "Nếu có câu hỏi, hãy trả lời email này.",
        ),
    }
)


def closing_words(language: str, *, replies: bool) -> str:
    """Returns how every letter ends: whether somebody reads a reply."""
    return _CLOSING.get(language.partition("-")[0], _CLOSING["en"])[replies]

"""Lengths of time in words."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from types import MappingProxyType

_HOUR = timedelta(hours=1)
_MINUTE = timedelta(minutes=1)

_WORDS: Mapping[str, tuple[str, str, str, str]] = MappingProxyType(
    {
        "en": ("minute", "minutes", "hour", "hours"),
        "vi": ("phút", "phút", "giờ", "giờ"),
    }
)


def describe(duration: timedelta, language: str) -> str:
    """Returns the duration in whole hours, or in minutes below two hours: `24 hours`, `30 phút`; never more than it is."""
    minute, minutes, hour, hours = _WORDS.get(language.partition("-")[0], _WORDS["en"])
    if duration >= 2 * _HOUR:
        amount, one, many = duration // _HOUR, hour, hours
    else:
        amount, one, many = max(1, duration // _MINUTE), minute, minutes
    return f"{amount} {one if amount == 1 else many}"

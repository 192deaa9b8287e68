"""Times as people read them."""

from __future__ import annotations

from datetime import UTC, datetime

_STEPS = ((86400, "d"), (3600, "h"), (60, "min"), (1, "s"))


def stamp(moment: datetime | None) -> str:
    """Returns date and time in UTC to the second; `unknown` for None."""
    return moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%SZ") if moment else "unknown"


def ago(moment: datetime | None, *, now: datetime) -> str:
    """Returns how long ago that was, in its largest unit; `unknown` for None."""
    if moment is None:
        return "unknown"
    seconds = max(0, int((now - moment).total_seconds()))
    size, unit = next(((size, unit) for size, unit in _STEPS if seconds >= size), (1, "s"))
    return f"{seconds // size} {unit} ago"


def iso(moment: datetime | None) -> str | None:
    """Returns ISO 8601 in UTC to the second; None for None."""
    return moment.astimezone(UTC).isoformat(timespec="seconds") if moment else None

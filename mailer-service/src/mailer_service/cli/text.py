"""Text for a terminal: words from outside made harmless, times as people read them, rows in columns."""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

_UNSAFE = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
"""General categories of Unicode: controls, invisible formatting such as bidirectional overrides, separators of lines."""


def harmless(text: str, *, at_most: int = 500) -> str:
    """Returns the text on one line, clipped, with everything invisible written as an escape."""
    clipped = text[:at_most]
    shown = "".join(_visible(character) for character in clipped)
    return shown if len(text) <= at_most else f"{shown}… ({len(text)} characters)"


def harmless_bytes(body: bytes, *, size: int, at_most: int = 500) -> str:
    """Returns the beginning of bytes as text: UTF-8 where they are, escapes where they are not.

    Args:
        body: the bytes, perhaps only their beginning.
        size: how many there are in truth.
        at_most: so many are shown.
    """
    text = body[:at_most].decode("utf-8", errors="backslashreplace")
    shown = "".join(_visible(character) for character in text)
    return shown if size <= at_most else f"{shown}… ({size} bytes)"


def json_line(value: Any) -> str:
    """Returns JSON in plain ASCII, which a terminal may be shown as well."""
    return json.dumps(value, ensure_ascii=True, default=str).replace("\x7f", "\\u007f")


def _visible(character: str) -> str:
    if unicodedata.category(character) not in _UNSAFE:
        return character
    number = ord(character)
    if number < 0x100:
        return f"\\x{number:02x}"
    return f"\\u{number:04x}" if number < 0x10000 else f"\\U{number:08x}"


def columns(rows: Sequence[Sequence[str]]) -> list[str]:
    """Returns one line a row, every column as wide as its widest word, the last one as it is."""
    if not rows:
        return []
    widths = [max(len(row[n]) for row in rows) for n in range(len(rows[0]))]
    return [
        "  ".join(word.ljust(width) for word, width in zip(row, widths, strict=True)).rstrip() for row in rows
    ]


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

"""Whether words of one colour can be read on another: WCAG 2.2, success criterion 1.4.3."""

from __future__ import annotations

ENOUGH = 4.5
"""For words of the size of a button's."""


def contrast(one: str, other: str) -> float:
    """Returns the ratio of two colours `#rrggbb`: 1 for the same, 21 for black and white."""
    darker, lighter = sorted((_luminance(one), _luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


def _luminance(color: str) -> float:
    red, green, blue = (_linear(int(color[start : start + 2], 16) / 255) for start in (1, 3, 5))
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _linear(channel: float) -> float:
    return channel / 12.92 if channel <= 0.04045 else float(((channel + 0.055) / 1.055) ** 2.4)

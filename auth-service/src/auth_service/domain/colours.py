"""Can an application's colour be read on our pages? By WCAG 2.2's contrast, of which small text needs 4.5 to 1."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

ENOUGH: Final = 4.5
_PAPER: Final = {False: "#ffffff", True: "#1a211e"}
_INK: Final = {False: "#ffffff", True: "#08201a"}
"""Of words on the colour; both are those of style.css."""

TINT: Final = 31
"""Of 255: how much of the colour a soft ground has, as in `#rrggbb1f`."""


def readable_accent(color: str, *, dark: bool) -> str:
    """Returns the colour; raises ValueError if words in it or on it could not be read on light (or dark) pages."""
    paper, own = _channels(_PAPER[dark]), _channels(color)
    soft = [ours * TINT / 255 + theirs * (1 - TINT / 255) for ours, theirs in zip(own, paper, strict=True)]
    found = min(_contrast(own, ground) for ground in (paper, soft, _channels(_INK[dark])))
    if found < ENOUGH:
        ground = "dark" if dark else "white"
        raise ValueError(
            f"must be read on {ground}: its contrast is {found:.1f} to 1, and {ENOUGH} are needed"
        )
    return color


def _channels(color: str) -> Sequence[float]:
    return [int(color[place : place + 2], 16) for place in (1, 3, 5)]


def _contrast(one: Sequence[float], other: Sequence[float]) -> float:
    darker, lighter = sorted((_luminance(one), _luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


def _luminance(channels: Sequence[float]) -> float:
    red, green, blue = (_linear(channel / 255) for channel in channels)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _linear(part: float) -> float:
    return part / 12.92 if part <= 0.04045 else float(((part + 0.055) / 1.055) ** 2.4)

"""What an application gives its letters besides their words: its name, its colours, and who answers."""

from __future__ import annotations

from dataclasses import dataclass

COLOR = "#1f5f4a"
COLOR_DARK = "#6fcaa8"


@dataclass(frozen=True, slots=True, kw_only=True)
class Brand:
    """How letters look, and what they say of their sender.

    Attributes:
        name: what they call the application.
        logo: the words in place of a logo; the name if there are none.
        color: of buttons, which bear white words, and of links, `#rrggbb`.
        color_dark: of buttons, which bear dark words, and of links, where the reader prefers dark pages.
        footer: a sentence at the end of every letter, such as the company's address; none if empty.
        replies: whether somebody reads what is answered.
    """

    name: str
    logo: str = ""
    color: str = COLOR
    color_dark: str = COLOR_DARK
    footer: str = ""
    replies: bool = False


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

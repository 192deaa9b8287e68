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

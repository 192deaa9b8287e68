"""A letter in words."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Rendering:
    """The three parts of a letter and the language they are in.

    Attributes:
        subject: one line.
        text: the plain part.
        html: the HTML part.
        language: BCP 47, as found among the templates.
    """

    subject: str
    text: str
    html: str
    language: str

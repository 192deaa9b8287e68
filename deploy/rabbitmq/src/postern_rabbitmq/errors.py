"""Errors of the broker's administration."""

from __future__ import annotations

from typing import ClassVar


class AdministrationError(Exception):
    """The broker cannot be administered or examined.

    Attributes:
        sentence: what happened, for an operator; what it was about follows.
    """

    sentence: ClassVar[str] = "The broker cannot be administered or examined."

    def __init__(self, about: str = "") -> None:
        super().__init__(f"{self.sentence} {about}" if about else self.sentence)


class TopologyError(AdministrationError):
    """The broker's objects could not be brought into the agreed form, or could not be read."""

    sentence = "The broker's objects could not be brought into the agreed form."


class NoSuchApp(AdministrationError):
    """The Celery app cannot be loaded."""

    sentence = "The Celery app cannot be loaded."

"""Errors of the contract."""

from __future__ import annotations

from typing import ClassVar


class ContractError(Exception):
    """Something broke the agreement between the two services.

    Attributes:
        sentence: what happened, for whoever reads the log; what it was about follows.
    """

    sentence: ClassVar[str] = "Something broke the agreement between the two services."

    def __init__(self, about: str = "") -> None:
        super().__init__(f"{self.sentence} {about}" if about else self.sentence)


class SealError(ContractError):
    """An envelope could not be opened."""

    sentence = "An envelope could not be opened."


class UnknownKey(SealError):
    """The envelope names a key this service does not hold."""

    sentence = "The envelope names a key this service does not hold."


class BadSignature(SealError):
    """The envelope was not signed by a known sender, or was changed on the way."""

    sentence = "The envelope was not signed by a known sender, or was changed on the way."


class BrokenSeal(SealError):
    """The sealed part does not open under its header, or holds something unexpected."""

    sentence = "The sealed part does not open under its header, or holds something unexpected."


class BadKey(ContractError):
    """A key file does not hold the expected keys."""

    sentence = "A key file does not hold the expected keys."
